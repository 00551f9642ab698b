"""The tagging criterion: does a clip have a class, by one score a clip and class?"""

from __future__ import annotations

from collections.abc import Mapping, Set

import numpy as np
from numpy.typing import NDArray

from lightning_modules.metrics.curves.clip_statistics import ClipStatistics
from lightning_modules.metrics.curves.scored_clips import ScoredClips
from lightning_modules.metrics.curves.segments import ranked_statistics


def highest_scores(scored: ScoredClips) -> NDArray[np.float64]:
    """Each clip's highest score of each class, (N, C); -inf for a clip without intervals. sed_scores_eval's choice."""
    columns = range(len(scored.classes))
    return np.stack([np.maximum.reduceat(scored.scores_E(c), scored.starts_N[:-1]) for c in columns], axis=1)


def tag_statistics(
    scored: ScoredClips, *, tags: Mapping[str, Set[str]] | None = None, scores_NC: NDArray[np.floating] | None = None
) -> ClipStatistics:
    """True and false positives are clips above the threshold that have the class and that have not.

    ``tags`` default to the classes of a clip's events, ``scores_NC`` to ``highest_scores``.
    """
    if tags is None:
        tags = {clip: {event.label for event in events} for clip, events in scored.reference.items()}
    scores = highest_scores(scored) if scores_NC is None else scores_NC.astype(np.float64)
    tagged_NC = np.array([[label in tags[clip] for label in scored.classes] for clip in scored.clips], dtype=bool)
    shape = len(scored.clips), len(scored.classes)
    return ranked_statistics(scored, np.arange(len(scored.clips)), scores, tagged_NC.reshape(shape))
