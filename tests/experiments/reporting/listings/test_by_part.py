"""Figures by parts of the test data: against jiwer over the same utterances, parts without units, and the option."""

from __future__ import annotations

import statistics
from pathlib import Path
from types import ModuleType as Stored

import jiwer
import numpy as np
import pytest

from datamodules.annotations import UtteranceReferences
from experiments.cli import main
from experiments.commands import table_arguments
from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.reporting.listings.by_part import by_part
from experiments.stored_results.stored_scores import StoredScores
from experiments.table_files.spec import Table
from lightning_modules.asr.scoring.text_report import report_texts

SAID = {"a1": "ein ton", "a2": "zwei töne und drei", "b1": "one tone", "b2": "two"}
LANGUAGES = {"a1": "de", "a2": "de", "b1": "en", "b2": "en"}
WRITTEN = {
    ("base", 0): {"a1": "ein ton", "a2": "zwei töne", "b1": "own tone", "b2": "two"},
    ("base", 1): {"a1": "ein", "a2": "drei töne und", "b1": "one tone", "b2": "to"},
    ("other", 0): {"a1": "", "a2": "zwei", "b1": "one", "b2": "two two"},
}
EVENTS = "class,tagging_f1,tagged_clips,event_f1,reference_events,estimated_events\n"


@pytest.fixture
def table(stored: Stored, tmp_path: Path) -> Table:
    made: Table = stored.make_table(tmp_path, "asr", ["base", "other", "floor", "missing"])
    return made


@pytest.fixture
def cells(stored: Stored, table: Table, tmp_path: Path) -> list[Cell]:
    """``floor`` finished without a part; ``missing`` did not."""
    places = [*WRITTEN, ("floor", 0), ("missing", 0)]
    return [stored.make_cell(table, stored.Folders(tmp_path), *at, None if at[0] == "missing" else {}) for at in places]


@pytest.fixture
def scores(stored: Stored, cells: list[Cell], tmp_path: Path) -> StoredScores:
    found = StoredScores(stored.Folders(tmp_path))
    for cell in cells:
        if texts := WRITTEN.get((cell.row.name, cell.seed)):
            folder = found.run_dir(cell)
            assert folder is not None
            report_texts(texts, _references(), output_dir=folder / "scores")
    return found


def _references() -> UtteranceReferences:
    return UtteranceReferences(
        symbols=("-", *sorted(set("".join(SAID.values())))),
        sample_rate_hz=16_000,
        texts=SAID,
        languages=LANGUAGES,
        speakers=dict.fromkeys(SAID, "x"),
        duration_seconds=dict.fromkeys(SAID, 1.0),
        training_texts=("drei",),
        load_waveform=lambda name: np.zeros(1, np.float32),
    )


def _rates(row: str, language: str, rate: object) -> list[float]:
    ids = [name for name, of in LANGUAGES.items() if of == language]
    assert callable(rate)
    return [
        100 * rate([SAID[name] for name in ids], [texts[name] for name in ids])
        for (of, _), texts in WRITTEN.items()
        if of == row
    ]


def test_figures_are_jiwers_of_a_parts_utterances(table: Table, cells: list[Cell], scores: StoredScores) -> None:
    text = by_part(cells, scores, [*table.rows], part="language", figures=["cer", "wer"])
    heading, _, *lines = text.splitlines()
    assert heading == "| language | n | base cer % | base wer % | other cer % | other wer % |"
    assert {line.split(" | ")[0] for line in lines[:2]} == {"| de", "| en"}
    for line in lines[:2]:
        language, number, *figures = line.strip("| ").split(" | ")
        assert number == "2"
        for place, (row, rate) in enumerate(
            (row, rate) for row in ("base", "other") for rate in (jiwer.cer, jiwer.wer)
        ):
            values = _rates(row, language, rate)
            spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
            assert figures[place] == f"{statistics.mean(values):.1f}{spread}"
    assert lines[2:] == ["", "Without per_language.csv: floor."]


def test_a_fold_without_a_class_does_not_count(table: Table, cells: list[Cell], scores: StoredScores) -> None:
    files = {
        ("base", 0): "bird,0.5,4,0.25,3,9\ndoor,0.75,2,0.0,0,1\n",
        ("base", 1): "bird,0.25,5,0.75,6,9\ndoor,0.25,3,1.0,2,1\n",
        ("other", 0): "bird,,0,0.5,3,9\n",
    }
    for cell in cells:
        if lines := files.get((cell.row.name, cell.seed)):
            folder = scores.run_dir(cell)
            assert folder is not None
            (folder / "scores" / "per_class.csv").write_text(EVENTS + lines, encoding="utf-8")
    events = by_part(cells, scores, ["base", "other"], part="class", figures=["event_f1"])
    assert events.splitlines()[2:] == ["| bird | 3–6 | 50.0 ± 35.4 | 50.0 |", "| door | 2 | 100.0 | – |"]
    (folder,) = [scores.run_dir(cell) for cell in cells if cell.row.name == "other"]
    assert folder is not None
    (folder / "scores" / "per_class.csv").write_text("class,tagging_f1,tagged_clips\nbird,,0\n", encoding="utf-8")
    of_a_tagger = by_part(cells, scores, ["other", "base"], part="class", figures=["event_f1"])
    assert of_a_tagger.splitlines()[2:] == ["| bird | 3–6 | – | 50.0 ± 35.4 |", "| door | 2 | – | 100.0 |"]
    tags = by_part(cells, scores, ["base", "other"], part="class", figures=[])
    assert tags.splitlines()[2:] == ["| bird | 4–5 | 37.5 ± 17.7 | – |", "| door | 2–3 | 50.0 ± 35.4 | – |"]


def test_what_no_run_keeps_is_refused_with_what_they_do(table: Table, cells: list[Cell], scores: StoredScores) -> None:
    with pytest.raises(UserError, match=r"--by class: no finished run keeps per_class.csv; allowed: language, speaker"):
        by_part(cells, scores, [*table.rows], part="class", figures=[])
    with pytest.raises(UserError, match=r"--figures words: not in per_language.csv; allowed: wer, cer$"):
        by_part(cells, scores, [*table.rows], part="language", figures=["words"])
    with pytest.raises(UserError, match=r"no finished run keeps per_class.csv; allowed: none, they keep no figures"):
        by_part(cells, scores, ["floor"], part="class", figures=[])
    with pytest.raises(UserError, match=r"--by class: no finished run of missing$"):
        by_part(cells, scores, ["missing"], part="class", figures=[])


def test_the_option_prints_it(
    stored: Stored, table: Table, cells: list[Cell], scores: StoredScores, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], earmark_home: Path,
) -> None:  # fmt: skip
    store = stored.Folders(tmp_path)
    monkeypatch.setattr(table_arguments, "read_plan", lambda arguments, **_: (table, store, cells))
    assert main(["report", "t", "--by", "language", "--rows", "other"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "| language | n | other % |"
    for options, says in (
        (["--figures", "wer"], "--figures: says what --by prints"),
        (["--by", "language", "--cost"], "--cost: not with --by"),
        (["--by", "language", "--json"], "--by: prints Markdown, not json"),
    ):
        assert main(["report", "t", *options]) == 2
        assert says in capsys.readouterr().err
