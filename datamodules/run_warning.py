"""What a user should know of a run that goes on all the same: one line, said where the run was started.

Whoever warns with this category need not know who listens: the training process writes such lines into its journal, and
the launcher shows them. Standard library only, so that every package may import it.
"""

from __future__ import annotations

from collections.abc import Iterable


class RunWarning(UserWarning):
    """Something of the data or of the results, with names: utterances left out, characters nobody can write."""


def first_names(names: Iterable[str], most: int = 3) -> str:
    """The first few of the names that such a line concerns.

    >>> first_names("abc"), first_names("abcd")
    ('a, b, c', 'a, b, c, …')
    """
    listed = list(names)
    return ", ".join(listed[:most]) + (", …" if len(listed) > most else "")
