"""Each published layout, tiny and in its original form: import, one epoch and a report on the real command line."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from datamodules.run_warning import RunWarning
from experiments.cli import main

from ....launches import earmark
from .published_folders import ARGUMENTS, write_all

pytestmark = [pytest.mark.integration, pytest.mark.slow]

BASE = (Path(__file__).parents[2] / "tiny.yaml").read_text(encoding="utf-8").partition("rows:")[0]
ROWS = "".join(f"  {name}: {{why: its layout, set: {{data.corpus: {name}}}}}\n" for name in ARGUMENTS)
COLUMNS = "columns:\n  test/tagging_f1_macro: {label: Tag F1}\n  test/event_f1_macro: {label: Event F1}\n"
TABLE = f"{BASE.replace('batch_size: 4', 'batch_size: 2')}rows:\n{ROWS}seeds: [0]\nscales: {{demo: {{}}}}\n{COLUMNS}"
WEAK = {"esc50", "esc10", "audioset"}


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A home with a corpus of each layout, and what each import said."""
    root = tmp_path_factory.mktemp("published")
    write_all(root)
    said = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARMARK_HOME", str(root / "home"))
        patch.delenv("EARMARK_DATA", raising=False)
        for name, arguments in ARGUMENTS.items():
            paths = [str(root / word) if (root / word).exists() else word for word in arguments]
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always", RunWarning)
                assert main(["data", "import", name, "--task", "events", *paths]) == 0, name
            said[name] = " ".join(str(warning.message) for warning in warned)
            with contextlib.redirect_stdout(io.StringIO()) as found:
                assert main(["data", "check", name]) == 0, found.getvalue()
    return root / "home", said


def card(home: Path, name: str) -> dict[str, Any]:
    return json.loads((home / "data" / name / "corpus.json").read_text(encoding="utf-8"))


def cuts(home: Path, name: str, manifest: str) -> list[dict[str, Any]]:
    with gzip.open(home / "data" / name / "manifests" / f"{manifest}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_imports_say_what_they_leave_out_and_cards_which_list_was_read(imported: tuple[Path, dict[str, str]]) -> None:
    home, said = imported
    assert "clips of ESC-50 that are not ESC-10's: 5" in said["esc10"]
    assert "left out background sounds: 8" in said["jams"]
    assert said["dcase2018"].count("left out clips whose audio is not in") == 4
    assert "segments whose audio is not below" in said["audioset"]
    assert "left out skipped (was_cancelled) annotations: 1" in said["label_studio"]
    assert card(home, "dcase2018")["description"].endswith("task4 (dcase2018)")
    assert card(home, "dcase2018_eval")["description"].endswith("task4 (dcase2018_eval)")
    assert card(home, "dcase2018_lists")["description"].endswith("metadata/eval/eval.csv (dcase2018)")


def test_corpora_have_the_labels_of_their_layouts(imported: tuple[Path, dict[str, str]]) -> None:
    home, _ = imported
    assert card(home, "jams")["digest"] == card(home, "urban_sed")["digest"]  # two forms of one data set
    assert {cut["custom"]["fold"] for cut in cuts(home, "esc50", "train")} == {"1", "2", "3"}
    assert card(home, "audioset")["classes"] == ["Male speech, man speaking", "Speech"]
    tags = (home / "data" / "audioset" / "test_weak.tsv").read_text(encoding="utf-8")
    assert "Male speech\\, man speaking,Speech" in tags
    kinds = [cut["custom"]["label_kind"] for cut in cuts(home, "dcase2018", "train")]
    assert (kinds.count("weak"), kinds.count("unlabelled")) == (5, 4)
    assert {cut["id"][:5] for cut in cuts(home, "dcase2018", "test")} == {"Ytest"}
    assert {cut["id"][:5] for cut in cuts(home, "dcase2018_eval", "test")} == {"Yeval"}


def test_every_layout_trains_an_epoch_and_stands_in_the_report(imported: tuple[Path, dict[str, str]]) -> None:
    home, _ = imported
    table = home / "published.yaml"
    table.write_text(TABLE, encoding="utf-8")
    launched = earmark(home, "run", str(table), "--slots", "2")
    assert launched.returncode == 0, launched.stderr
    assert "esc50: 3 of 3 test clips have no events and are scored by their tags alone: 3 weak" in launched.stderr
    report = earmark(home, "report", str(table), "--json")
    rows = json.loads(report.stdout)["rows"]
    assert {name for name in ARGUMENTS if rows[name]["test/tagging_f1_macro"]["seeds"]} == set(ARGUMENTS)
    assert {name for name in ARGUMENTS if not rows[name]["test/event_f1_macro"].get("seeds")} == WEAK
    page = earmark(home, "report", str(table), "--output", str(home / "page.html"))
    assert page.returncode == 0, page.stderr
    assert "Male speech, man speaking" in (home / "page.html").read_text(encoding="utf-8")
