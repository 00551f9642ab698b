"""Utterances that are done stop costing: a model bound to B utterances is narrowed to those that are not.

A ``SpellingModel`` may offer that; where it does not, its done utterances are stepped along to no effect.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor

from lightning_modules.decoding.step_models import SpellingModel, State

SHARE_KEPT = 0.75  # narrowing copies what is kept, so that it waits until a quarter is done


@runtime_checkable
class Narrowable(Protocol):
    """A model that can be narrowed."""

    def rows(self, utterances_N: Tensor) -> SpellingModel:
        """The model of some of its utterances, by their places in B."""


def is_worth_dropping(model: SpellingModel, *, num_open: int, num_rows: int) -> bool:
    """Whether to narrow a model of ``num_rows`` utterances now."""
    return num_open <= SHARE_KEPT * num_rows and isinstance(model, Narrowable)


def narrow(model: SpellingModel, state: State, utterances_N: Tensor) -> tuple[SpellingModel, State]:
    """A ``Narrowable`` model and a state of it, of some utterances."""
    assert isinstance(model, Narrowable)
    return model.rows(utterances_N), tuple(part[utterances_N] for part in state)
