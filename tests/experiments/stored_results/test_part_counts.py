"""Units under figures of parts of the test split, from files of runs that do not say them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from experiments.planning.cell import Cell
from experiments.stored_results.part_counts import with_part_counts
from experiments.stored_results.stored_scores import StoredScores
from experiments.tracking.tracked_run import TrackedRun

FILES = {
    "per_length.csv": "length,wer,utterances\nup_to_5_words,.5,186\nover_20_words,.9,2\n",
    "per_language.csv": "language,wer,utterances\nes,.5,100\ncs-x,.4,88\n",
    "per_class.csv": "class,reference_events,reference_events_short\ndog,31,4\ncat,9,\n",
}


class Stored:
    """Files of one run, and which were asked for."""

    def __init__(self, folder: Path, files: Mapping[str, str] = FILES) -> None:
        self.folder, self.asked = folder, list[str]()
        for name, content in files.items():
            (folder / name).write_text(content)

    def file(self, cell: Cell, name: str) -> Path | None:
        self.asked.append(name)
        return self.folder / name if (self.folder / name).is_file() else None


def cell(**metrics: float) -> Cell:
    named = {f"test/{name}": value for name, value in metrics.items()}
    return Cell(cast(Any, None), cast(Any, None), 0, None, {}, "finished", "", TrackedRun("i", "finished", {}, named))


def counts(stored: Stored, of: Cell, *metrics: str) -> dict[str, float]:
    columns = [f"test/{metric}" for metric in metrics]
    [found] = with_part_counts([of], cast(StoredScores, stored), columns)
    assert found.run is not None
    assert of.run is not None
    return {name.removeprefix("test/"): n for name, n in found.run.metrics.items() if name not in of.run.metrics}


@pytest.mark.parametrize(
    ("metric", "n"),
    [
        ("wer_over_20_words", 2),
        ("cer_up_to_5_words", 186),
        ("cer_es", 100),
        ("wer_cs-x", 88),
        ("event_f1_short", 4),
        ("event_recall_long_tuned", 36),
    ],
)
def test_a_part_has_the_units_that_its_file_says(tmp_path: Path, metric: str, n: int) -> None:
    assert counts(Stored(tmp_path), cell(**{metric: 0.5}), metric) == {f"{metric}_n": n}


def test_a_run_that_says_its_own_keeps_it_and_whole_splits_have_none(tmp_path: Path) -> None:
    stored = Stored(tmp_path)
    assert counts(stored, cell(wer_es=0.5, wer_es_n=7.0, wer=0.4), "wer_es", "wer") == {}
    whole = cell(wer=0.4, wer_ci95_low=0.3, event_f1_macro=0.2)
    assert counts(stored, whole, "wer", "wer_ci95_low", "event_f1_macro") == {}
    assert stored.asked == []  # nothing is fetched in vain
    assert counts(stored, cell(), "wer_es") == {}


def test_one_language_is_no_part_and_files_may_lack(tmp_path: Path) -> None:
    one = Stored(tmp_path, {"per_language.csv": "language,wer,utterances\nes,.5,100\n"})
    assert counts(one, cell(wer_es=0.5, wer_over_20_words=0.5), "wer_es", "wer_over_20_words") == {}
    unfinished = replace(cell(), run=None)
    assert with_part_counts([unfinished], cast(StoredScores, one), ["test/wer_es"]) == [unfinished]
