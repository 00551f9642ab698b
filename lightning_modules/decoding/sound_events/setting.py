"""The contract of a post-processing: frame curves of a clip in, its events out, by constants that a file can hold."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import Event, FrameGrid

Curves = NDArray[np.floating]
ROUNDING = 1e-3  # how far beyond 0 and 1 a probability of half precision may lie


class EventSetting(ABC):
    """One way from curves to events. A subclass is a frozen dataclass, whose fields are a table's keys."""

    @abstractmethod
    def curves(self, curves_TC: Curves, *, grid: FrameGrid) -> Curves:
        """The curves that the boundaries are looked for in, in [0, 1]."""

    @abstractmethod
    def events(
        self, curves_TC: Curves, *, classes: Sequence[str], tagged: frozenset[str], grid: FrameGrid, end_seconds: float
    ) -> tuple[Event, ...]:
        """Events of the tagged classes of one clip, sorted; the last frame's are cut at ``end_seconds``.

        Raises ``ValueError`` for curves that are NaN or outside 0 to 1 (beyond rounding), as logits are.
        """

    @abstractmethod
    def frames(self, grid: FrameGrid) -> dict[str, int]:
        """The setting's seconds as frames of a grid."""

    @abstractmethod
    def levels(self) -> Mapping[str, float]:
        """Levels in [0, 1] to draw beside a curve, by name."""

    @abstractmethod
    def alternatives(self) -> Iterator[Self]:
        """What a fit tries beside this setting itself, which wins ties; what they leave alone is as it is here."""


def probabilities(curves_TC: Curves) -> Curves:
    """The curves in a precision that the filters know. Raises ``ValueError`` for what is no probability."""
    lowest, highest = float(curves_TC.min()), float(curves_TC.max())
    if not (lowest >= -ROUNDING and highest <= 1 + ROUNDING):
        raise ValueError(
            f"curves from {lowest:.4g} to {highest:.4g}, allowed: probabilities, 0 to 1 (of logits sigmoid)"
        )
    return curves_TC.astype(np.float32) if curves_TC.dtype.itemsize < 4 else curves_TC


def check_seconds(setting: object, *names: str) -> None:
    """Raise ``ValueError`` for a field that is no number of seconds."""
    for name in names:
        if not 0 <= getattr(setting, name) < np.inf:
            raise ValueError(f"{name} {getattr(setting, name)}, allowed: a number of seconds, 0 or more")
