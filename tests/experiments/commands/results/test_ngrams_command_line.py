"""N-grams that travel: counted in one home, merged into another, where a rung of the ladder decodes with them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from experiments.runs.run_folder import NGRAMS, SYMBOLS_OF_NGRAMS
from experiments.stored_results.packs.archive import read_archive
from lightning_modules.lm.stored import ARPA, VOCABULARY

from ....launches import earmark, runs

TABLE = str(Path(__file__).parents[2] / "tiny_speech.yaml")
RUNG = ("--rows", "subword_lm", "--seeds", "0")
pytestmark = pytest.mark.integration


def _run_of(home: Path, row: str) -> Path:
    (found,) = (run for run in runs(home) if json.loads((run / "provenance.json").read_text())["row"] == row)
    return found


def _hypotheses(home: Path) -> str:
    return (_run_of(home, "subword_lm") / "scores" / "hypotheses_test.tsv").read_text(encoding="utf-8")


def test_packs_know_the_files_of_a_counted_language_model_by_name() -> None:
    assert (f"scores/{ARPA}", f"scores/{VOCABULARY}") == (NGRAMS, SYMBOLS_OF_NGRAMS)


def test_a_rung_runs_on_merged_ngrams_and_says_what_it_said(tmp_path: Path) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    assert earmark(home, "data", "spoken_tones", "--scale", "tiny").returncode == 0
    done = earmark(home, "run", TABLE, *RUNG, "--slots", "1")
    assert done.returncode == 0, done.stderr
    packs = {choice: tmp_path / f"{choice}.tar.xz" for choice in ("none", "all")}
    for choice, path in packs.items():
        line = ("results", "pack", TABLE, "--rows", "subword,ngram", "--predictions", choice, "--output", str(path))
        packed = earmark(home, *line)
        assert packed.returncode == 0, packed.stderr
        counted = [name for name in read_archive(path).files if name.endswith(NGRAMS)]
        assert len(counted) == (choice == "all")

    other.mkdir()
    shutil.copytree(home / "data", other / "data")
    for choice, (why, would_run) in {
        "none": ("without its predictions, which from.own", False),
        "all": ("", True),
    }.items():
        merged = earmark(other, "results", "merge", str(packs[choice]))
        assert merged.returncode == 0, merged.stderr
        (rung,) = (
            cell for cell in json.loads(earmark(other, "plan", TABLE, *RUNG, "--json").stdout)["cells"]
            if cell["row"] == "subword_lm"
        )  # fmt: skip
        assert (why in rung["why"], rung["would_run"]) == (True, would_run)

    kept = _run_of(other, "ngram") / NGRAMS
    assert kept.read_bytes() == (_run_of(home, "ngram") / NGRAMS).read_bytes()
    done = earmark(other, "run", TABLE, *RUNG, "--slots", "1")
    assert done.returncode == 0, done.stderr
    assert _hypotheses(other) == _hypotheses(home)
