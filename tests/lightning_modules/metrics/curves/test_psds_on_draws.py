"""PSDS on many resamples at once is that of psds.py on each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datamodules.annotations import Event
from lightning_modules.metrics.curves.clip_statistics import ClipStatistics
from lightning_modules.metrics.curves.intersection import intersection_statistics
from lightning_modules.metrics.curves.psds import PSDS1, PSDS2, PsdsSettings, psds
from lightning_modules.metrics.curves.psds_on_draws import psds_on_draws
from lightning_modules.metrics.curves.score_curves import ClipCurves, ScoreCurves
from lightning_modules.metrics.curves.scored_clips import ScoredClips

FRAMES, CLASSES = 12, ("bell", "dog", "water")


def statistics(rng: np.random.Generator, *, num_clips: int, num_scores: int) -> ClipStatistics:
    """Clips of 1 to 40 s, scores with ties, and a class that no clip may have."""
    by_clip, reference = {}, {}
    for clip in range(num_clips):
        times = np.linspace(0, rng.uniform(1, 40), FRAMES + 1)
        scores_TC = rng.integers(num_scores, size=(FRAMES, len(CLASSES))) / num_scores
        starts = rng.integers(FRAMES - 3, size=rng.integers(4))
        by_clip[str(clip)] = ClipCurves(times, scores_TC.astype(np.float32))
        reference[str(clip)] = tuple(
            sorted({Event(times[start], times[start + 3], CLASSES[rng.integers(len(CLASSES))]) for start in starts})
        )
    return intersection_statistics(ScoredClips(ScoreCurves(CLASSES, by_clip), reference), PSDS1.criterion)


@settings(deadline=None, max_examples=50)
@given(
    st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(2, 30),
    st.sampled_from([0.0, 1.0, 2.5]), st.sampled_from([5.0, 100.0, 700.0]),
)  # fmt: skip
def test_figures_are_those_of_each_resample(
    seed: int, num_clips: int, num_scores: int, alpha_st: float, max_efpr: float
) -> None:
    rng = np.random.default_rng(seed)
    of = statistics(rng, num_clips=num_clips, num_scores=num_scores)
    chosen = PsdsSettings(PSDS1.criterion, alpha_st=alpha_st, max_efpr=max_efpr)
    weights_RN = rng.multinomial(num_clips, np.full(num_clips, 1 / num_clips), size=20).astype(float)
    one_by_one = [psds(of, chosen, weights_N).value for weights_N in weights_RN]
    assert psds_on_draws(of, chosen, weights_RN) == pytest.approx(one_by_one, rel=1e-9, abs=1e-12, nan_ok=True)


def test_what_it_cannot_do_is_refused() -> None:
    of = statistics(np.random.default_rng(0), num_clips=2, num_scores=5)
    with pytest.raises(ValueError, match=r"alpha_ct is 0\.5"):
        psds_on_draws(of, replace(PSDS2, criterion=PSDS1.criterion), np.ones((1, 2)))
    with pytest.raises(ValueError, match="whole numbers"):
        psds_on_draws(of, PSDS1, np.full((1, 2), 0.5))
