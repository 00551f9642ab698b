"""Score curves of a split: what a system says of every class at every moment of every clip.

The form is that of sed_scores_eval: a clip has T intervals of any length, hence T + 1 rising edges in seconds, and one
score a class and interval. Scores may be probabilities, logits or anything else of which more means "rather there".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating[Any]]


class CurveError(ValueError):
    """Curves that can't be scored, said in one line that names the clip."""


class ClipCurves(NamedTuple):
    """One clip's curves: interval t lasts from ``edges[t]`` to ``edges[t + 1]`` seconds and scores ``scores_TC[t]``."""

    edges: NDArray[np.float64]
    scores_TC: Scores


@dataclass(frozen=True)
class ScoreCurves:
    """Curves by clip id; columns are in the order of ``classes``.

    A score of -inf is never detected. ``CurveError`` for NaN and +inf, edges that do not rise, shapes that do not fit.

    >>> ScoreCurves(("dog",), {"a": ClipCurves(np.array([0.0, 0.5, 1.5]), np.array([[0.2], [np.nan]]))})
    Traceback (most recent call last):
    ...
    lightning_modules.metrics.curves.score_curves.CurveError: clip a: score nan of class dog at 0.5 s, allowed: numbers
    """

    classes: tuple[str, ...]
    by_clip: Mapping[str, ClipCurves]

    def __post_init__(self) -> None:
        if len(set(self.classes)) < len(self.classes) or not self.classes:
            raise CurveError(f"classes {', '.join(self.classes) or '(none)'}, allowed: one or more, each once")
        for clip, (edges, scores_TC) in self.by_clip.items():
            if scores_TC.ndim != 2 or scores_TC.shape[1] != len(self.classes) or edges.shape != (len(scores_TC) + 1,):
                raise CurveError(
                    f"clip {clip}: scores of shape {scores_TC.shape} with {len(edges)} edges, allowed: "
                    f"(intervals, {len(self.classes)} classes) and one edge more than intervals"
                )
            self._refuse_strange_numbers(clip, edges, scores_TC)

    def _refuse_strange_numbers(self, clip: str, edges: NDArray[np.float64], scores_TC: Scores) -> None:
        rising = np.diff(edges) > 0
        if not np.isfinite(edges).all() or not rising.all():
            at = int(np.argmin(rising)) if len(rising) else 0
            raise CurveError(f"clip {clip}: edge {edges[at + 1]} after {edges[at]} s, allowed: rising times in seconds")
        strange_TC = np.isnan(scores_TC) | (scores_TC == np.inf)
        if strange_TC.any():
            t, c = (int(i) for i in np.argwhere(strange_TC)[0])
            raise CurveError(
                f"clip {clip}: score {scores_TC[t, c]} of class {self.classes[c]} at {edges[t]} s, allowed: numbers"
            )
