"""The real command line: recognisers of each encoder and setting train a step, are scored, and are in the report."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from ...launches import earmark

TABLE = Path(__file__).parents[1] / "tiny_speech.yaml"
pytestmark = pytest.mark.integration


def test_recognisers_train_and_are_reported(tmp_path: Path) -> None:
    assert earmark(tmp_path, "data", "spoken_tones", "--scale", "tiny").returncode == 0
    done = earmark(tmp_path, "run", str(TABLE), "--slots", "1")
    assert done.returncode == 0, done.stderr
    report = earmark(tmp_path, "report", str(TABLE), "--format", "csv")
    assert report.returncode == 0, report.stderr
    figures = {(line["row"], line["metric"]): line["mean"] for line in csv.DictReader(report.stdout.splitlines())}
    for row in ("tdnn", "averaged", "subword", "subword_lm", "subword_gru_lm", "hybrid_subword", "conformer"):
        assert figures[row, "test/cer"], row
        assert figures[row, "test_joined/cer"], row
    assert figures["hybrid_subword", "test/cer_by_ctc"] != figures["hybrid_subword", "test/cer_by_attention"]
