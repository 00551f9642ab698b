"""Two processes give what one gives: the same training, the same metrics, the same predictions, no clip twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lightning_modules.sed.predictions import DetectionPredictions

from ..two_processes import drop_last, trained_by_one_and_two


@pytest.mark.integration
def test_two_processes_equal_one(tiny_tones: Path, tmp_path: Path) -> None:
    drop_last(tiny_tones)  # three clips
    *folders, metrics = trained_by_one_and_two("detector", tmp_path)
    assert metrics >= {"train/loss", "validation/loss", "validation/tagging_f1_macro", "validation/tagging_map"}
    one, two = (DetectionPredictions.load(folder / "test.npz") for folder in folders)
    assert one.clip_ids == two.clip_ids == ("test-0000", "test-0001", "test-0002")
    assert one.frame_probabilities_NTC is not None
    assert two.frame_probabilities_NTC is not None
    np.testing.assert_allclose(two.clip_probabilities_NC, one.clip_probabilities_NC, atol=1e-6)
    np.testing.assert_allclose(two.frame_probabilities_NTC, one.frame_probabilities_NTC, atol=1e-6)
