"""The segment criterion: is a class active in each second, right or wrong?

A segment's score is the highest of the intervals that it touches, and a class is active in it where a reference event
touches it. As in sed_scores_eval, but for a segment past the end of the curves: it has no score and is never detected
(there it scores 0). Segments cover a clip's duration, the last one past its end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_modules.metrics.curves.clip_statistics import ClipStatistics, merged_changes
from lightning_modules.metrics.curves.intersection import rounded
from lightning_modules.metrics.curves.pairs import positions_between
from lightning_modules.metrics.curves.scored_clips import ScoredClips

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Segments:
    """M segments of N clips: the highest score of each class, and whether the reference has it there."""

    clips_M: NDArray[np.int64]
    scores_MC: Floats
    active_MC: NDArray[np.bool_]


def segments_of(scored: ScoredClips, segment_seconds: float) -> Segments:
    """The clips' segments. ``ValueError`` unless ``segment_seconds`` is positive."""
    if not segment_seconds > 0:
        raise ValueError(f"segment_seconds is {segment_seconds}, allowed: above 0")
    counts_N = np.ceil(scored.duration_seconds_N / segment_seconds).astype(np.int64)
    clips_M = np.repeat(np.arange(len(counts_N)), counts_N)
    starts_N = np.concatenate([[0], np.cumsum(counts_N)])
    numbers_M = np.arange(len(clips_M)) - starts_N[clips_M]
    onsets_M, offsets_M = rounded(numbers_M * segment_seconds), rounded((numbers_M + 1) * segment_seconds)
    scores_MC = _highest(scored, clips_M, onsets_M, offsets_M)
    return Segments(clips_M, scores_MC, _active(scored, starts_N, onsets_M, offsets_M))


def _highest(scored: ScoredClips, clips_M: NDArray[np.int64], onsets_M: Floats, offsets_M: Floats) -> Floats:
    edges_E, starts_N = rounded(scored.edges_E), scored.starts_N
    _, after_M = positions_between(edges_E, starts_N, clips_M, onsets_M, onsets_M)  # the first edge past the onset
    past_M, _ = positions_between(edges_E, starts_N, clips_M, offsets_M, offsets_M)
    from_M = np.maximum(after_M - 1, starts_N[clips_M])
    past_M = np.minimum(past_M, starts_N[clips_M + 1] - 1)
    highest_MC = np.full((len(clips_M), len(scored.classes)), -np.inf)
    touched_M = past_M > from_M
    bounds = np.stack([from_M[touched_M], past_M[touched_M]], axis=1).ravel()
    for column in range(len(scored.classes)):
        if len(bounds):
            highest_MC[touched_M, column] = np.maximum.reduceat(scored.scores_E(column), bounds)[::2]
    return highest_MC


def _active(scored: ScoredClips, starts_N: NDArray[np.int64], onsets_M: Floats, offsets_M: Floats) -> NDArray[np.bool_]:
    events = scored.events
    _, from_G = positions_between(offsets_M, starts_N, events.clips_G, events.onsets_G, events.onsets_G)
    past_G, _ = positions_between(onsets_M, starts_N, events.clips_G, events.offsets_G, events.offsets_G)
    begun_MC = np.zeros((len(onsets_M) + 1, len(scored.classes)), dtype=np.int64)
    touches_G = past_G > from_G
    np.add.at(begun_MC, (from_G[touches_G], events.classes_G[touches_G]), 1)
    np.add.at(begun_MC, (past_G[touches_G], events.classes_G[touches_G]), -1)
    active_MC: NDArray[np.bool_] = np.cumsum(begun_MC, axis=0)[:-1] > 0
    return active_MC


def segment_statistics(scored: ScoredClips, segments: Segments) -> ClipStatistics:
    """True and false positives are active and other segments above the threshold."""
    return ranked_statistics(scored, segments.clips_M, segments.scores_MC, segments.active_MC)


def ranked_statistics(
    scored: ScoredClips, clips_M: NDArray[np.int64], scores_MC: Floats, active_MC: NDArray[np.bool_]
) -> ClipStatistics:
    """Statistics of M things (segments, clips) that have one score a class, and the class or not."""
    deltas_MC2 = np.stack([active_MC, ~active_MC], axis=2).astype(np.int32)
    columns = range(len(scored.classes))
    sums_NC2 = np.zeros((len(scored.clips), len(scored.classes), 2))
    np.add.at(sums_NC2, clips_M, deltas_MC2)
    return ClipStatistics(
        classes=scored.classes,
        clips=scored.clips,
        changes=tuple(merged_changes(scores_MC[:, c], clips_M, deltas_MC2[:, c]) for c in columns),
        num_reference_NC=sums_NC2[..., 0],
        num_negative_NC=sums_NC2[..., 1],
        reference_seconds_NC=np.zeros(sums_NC2.shape[:2]),
        duration_seconds_N=scored.duration_seconds_N,
    )


def segment_errors(segments: Segments, thresholds_C: Floats, *, num_clips: int) -> Floats:
    """By clip (N, 2): sed_eval's errors over all classes (substitutions, deletions, insertions), active segments.

    The micro error rate is the quotient of their sums.
    """
    found_MC = segments.scores_MC > thresholds_C
    right_M = (found_MC & segments.active_MC).sum(axis=1)
    active_M = segments.active_MC.sum(axis=1)
    errors_M = np.maximum(found_MC.sum(axis=1), active_M) - right_M
    sums = [np.bincount(segments.clips_M, weights=values_M, minlength=num_clips) for values_M in (errors_M, active_M)]
    return np.stack(sums, axis=1)
