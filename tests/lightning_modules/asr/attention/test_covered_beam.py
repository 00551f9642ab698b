"""The rung that pays for hearing again, on the speller and the language model of the other rungs.

What it maximises is tested in ``tests/oracles/decoding/test_coverage_against_brute_force.py``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lightning_modules.asr.attention.attention_decoders import FusedAttentionBeam
from lightning_modules.asr.attention.covered_beam import CoveredAttentionBeam

from .test_attention_rungs import folders, scores

__all__ = ["folders"]  # a fixture


def test_the_weight_is_fitted_with_the_others_and_kept(folders: dict[str, Path], tmp_path: Path) -> None:
    rung = CoveredAttentionBeam(beam_size=4, lm_weights=(0.3,), token_bonuses=(1.0,), coverage_weights=(0.0, 1.0))
    found = scores(rung, folders, "plain", tmp_path, model="characters")
    kept = json.loads((tmp_path / "decoding.json").read_text())
    assert set(kept["weights"]) == {"ctc_weight", "token_bonus", "lm_weight", "coverage_weight"}
    assert kept["weights"] == {weight: found[f"decoding/{weight}"] for weight in rung.weight_grid}
    assert {trial["weights"]["coverage_weight"] for trial in kept["trials"]} >= {0.0, 1.0}
    assert min(trial["error"] for trial in kept["trials"]) == found["validation/cer"]
    assert "test/attention_diagonality" in found


def test_without_weight_it_is_the_fused_beam_and_with_it_texts_are_shorter(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    options: dict[str, Any] = {"beam_size": 40, "lm_weights": (0.3,), "token_bonuses": (3.0,)}  # which has it run on
    found = {}
    for name, rung in {
        "fused": FusedAttentionBeam(**options),
        "no weight": CoveredAttentionBeam(coverage_weights=(0.0,), **options),
        "weight": CoveredAttentionBeam(coverage_weights=(20.0,), coverage_limit=0.0, **options),
    }.items():
        (tmp_path / name).mkdir()
        scores(rung, folders, "plain", tmp_path / name, model="characters")
        found[name] = (tmp_path / name / "hypotheses_test.tsv").read_text()
    assert found["fused"] == found["no weight"]
    assert len(found["weight"]) < len(found["fused"])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"coverage_weights": ()}, r"coverage_weights \[\] need one number or more"),
        ({"coverage_weights": (-1.0,)}, r"coverage_weights \[-1.0\] .* all 0 or more"),
        ({"coverage_limit": -0.5}, "coverage_limit -0.5"),
    ],
)
def test_what_cannot_be_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CoveredAttentionBeam(**changed)


def test_a_system_that_attends_to_no_frames_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="coverage of SummaryContext, which attends to no frames"):
        scores(CoveredAttentionBeam(), folders, "summary", tmp_path, model="characters")
