"""What a user should know of a run that goes on all the same: one line, said where the run was started.

Whoever warns with this category need not know who listens: the training process writes such lines into its journal, and
the launcher shows them. Standard library only, so that every package may import it.
"""

from __future__ import annotations


class RunWarning(UserWarning):
    """Something of the data or of the results, with names: utterances left out, characters nobody can write."""
