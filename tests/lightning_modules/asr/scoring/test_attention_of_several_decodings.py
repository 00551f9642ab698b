"""Which figures stand under the plain names where the decoder that validation chose has no attention."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from lightning_modules.asr.attention.attention_decoders import AttentionBeam
from lightning_modules.asr.ctc.decoder import Greedy
from lightning_modules.asr.scoring import several_decodings
from lightning_modules.asr.scoring.decoding_scoring import DecodingScoring

ERRORS = {"greedy": 0.1, "beam": 0.4, "wide": 0.3}
DIAGONALITY = {"beam": 0.9, "wide": 0.8}


def _score(_scoring: DecodingScoring, *, output_dir: Path, **_given: object) -> dict[str, float]:
    name = output_dir.name
    metrics = {f"{split}/{error}": ERRORS[name] for split in ("validation", "test") for error in ("wer", "cer")}
    if name in DIAGONALITY:
        metrics |= {"test/attention_diagonality": DIAGONALITY[name], "decoding/token_bonus": 0.5}
    (output_dir / "scores.json").write_text(json.dumps({"metrics": metrics}))
    return metrics


@pytest.mark.parametrize(("errors", "expected"), [({}, 0.9), ({"greedy": 0.5}, 0.8)])
def test_attention_of_the_chosen_decoder_else_of_the_first_that_has_some(
    errors: Mapping[str, float], expected: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DecodingScoring, "score", _score)
    for name, error in errors.items():
        monkeypatch.setitem(ERRORS, name, error)
    decoders = {"greedy": Greedy(), "beam": AttentionBeam(), "wide": AttentionBeam(beam_size=9)}
    scoring = several_decodings.SeveralDecodings(decoders=decoders)
    found = scoring.score(predictions={}, references={}, output_dir=tmp_path)
    assert found["test/attention_diagonality"] == expected
    assert ("decoding/token_bonus" in found) == bool(errors)  # another decoder's weights are no figure of this one
    assert json.loads((tmp_path / "scores.json").read_text())["metrics"] == found
