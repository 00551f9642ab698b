"""Two processes give what one gives: the same weights, error rates and posteriors, no utterance twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lightning_modules.asr.predictions import PosteriorPredictions

from ..two_processes import drop_last, trained_by_one_and_two


@pytest.mark.integration
def test_two_processes_equal_one(tiny_speech: Path, tmp_path: Path) -> None:
    drop_last(tiny_speech)
    *folders, metrics = trained_by_one_and_two("recogniser", tmp_path)
    assert metrics >= {"train/loss", "validation/loss", "validation/wer", "validation/cer"}
    one, two = (PosteriorPredictions.load(folder / "test.npz") for folder in folders)
    assert one.utterance_ids == two.utterance_ids
    assert len(one.utterance_ids) == 7
    assert one.num_frames_N.tolist() == two.num_frames_N.tolist()
    np.testing.assert_allclose(two.log_probs_FV, one.log_probs_FV, atol=1e-4)
