"""The expected best against the budget in a report: figures by hand, what is said of them, in every format, drawn."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType as Stored

import pytest
from PIL import Image

from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.reporting.formats.report_json import json_text
from experiments.reporting.formats.report_markdown import markdown
from experiments.reporting.formats.report_page import write_page
from experiments.reporting.report import Report, make_report
from experiments.reporting.searched import Searched, apart
from experiments.reporting.searches.budget_chart import draw_budget_charts
from experiments.reporting.searches.budget_table import budget_tables
from experiments.stored_results.stored_scores import StoredScores
from experiments.table_files.charts import Curves
from experiments.table_files.search_spec import read_search
from experiments.table_files.spec import Table

SEARCH = {"metric": "validation/cer", "better": "lower", "trials": 3, "sampler": "random", "seeds": [0],
          "space": {"model.dropout": [0.0, 0.2, 0.4]}}  # fmt: skip
FIGURES = {"mil": (0.3, 0.2, 0.1), "fsl": (0.4, None, 0.2)}  # None: a trial that failed


def _parts(stored: Stored, folder: Path, **more: object) -> tuple[Table, list[Cell]]:
    names = {row: [f"{row}.trial={number:03d}" for number in range(3)] for row in FIGURES}
    table = stored.make_table(folder, "asr", [name for of in names.values() for name in of])
    search = read_search({**SEARCH, **more}, where="t.yaml")
    table = replace(
        table,
        searches=dict.fromkeys(names, search),
        grids={row: tuple(of) for row, of in names.items()},
        winners={"mil": "mil.trial=002", "fsl": "fsl.trial=002"},
    )
    tracker, cells = stored.Folders(folder), []
    for row, figures in FIGURES.items():
        for name, figure in zip(names[row], figures, strict=True):
            cell = stored.make_cell(table, tracker, name, 0, {"validation/cer": figure or 0.0, "test/wer": 0.5})
            failed = replace(cell, state="failed", why="failed: no memory", run=None)
            cells.append(failed if figure is None else cell)
    at_seed_1 = stored.make_cell(table, tracker, "mil.trial=002", 1, {"validation/cer": 9.0, "test/wer": 0.7})
    return table, [*cells, at_seed_1]


def _report(stored: Stored, folder: Path, **more: object) -> Report:
    table, cells, searches = apart(*_parts(stored, folder, **more))
    return make_report(table, cells, searches=searches)


def test_the_table_by_hand(stored: Stored, tmp_path: Path) -> None:
    (of_metric,) = _report(stored, tmp_path).budgets
    two = (5 * 0.1 + 3 * 0.2 + 1 * 0.3) / 9  # of nine pairs five have the best, one has none but the worst
    assert of_metric.at("mil", 2) == pytest.approx(two)
    assert of_metric.grid() == [
        ["row", "trials", "n=1", "n=2", "n=3"],
        ["mil", "3", "0.2", "0.1556", "0.1333"],
        ["fsl", "3", "0.3333", "0.2889", "0.2593"],  # the failed trial as 0.4
    ]
    assert of_metric.notes()[-1] == "Trials that failed or diverged count as their row's worst figure: fsl 1."


def test_the_winner_shows_all_its_seeds_and_is_chosen_by_the_searchs_alone(stored: Stored, tmp_path: Path) -> None:
    made = _report(stored, tmp_path)
    summary = made.cells["mil", "test/wer"]
    assert summary is not None
    assert (summary.n, summary.mean) == (2, pytest.approx(0.6))
    assert "mil is mil.trial=002, the best: validation/cer 0.1, lower is better; 3 of 3 trials" in markdown(made)
    (trials, _) = made.trials
    assert trials.report.cells["mil.trial=002", "test/wer"] == (0.5, None, 1)  # as the others were run


def test_seeds_at_which_the_search_did_not_run_show_the_winner_alone(stored: Stored, tmp_path: Path) -> None:
    table, cells = _parts(stored, tmp_path)
    table, cells, searches = apart(table, [cell for cell in cells if cell.seed == 1])
    made = make_report(table, cells, searches=searches)
    assert made.rows == ("mil",)
    assert "mil is mil.trial=002, chosen by validation/cer of runs that are not shown" in markdown(made)
    assert made.budgets == []


def test_every_format_has_it_and_a_search_by_tpe_is_said_to_be_one(stored: Stored, tmp_path: Path) -> None:
    made = _report(stored, tmp_path, sampler="tpe")
    text = markdown(made)
    assert "Expected best validation/cer of n trials (lower is better)" in text.split("</details>")[-1]
    assert "mil, fsl: trials of the TPE sampler, which learns from those before" in text
    document = json.loads(json_text(made))["searches"]["mil"]
    assert document["expected_best"] == pytest.approx({"1": 0.2, "2": 1.4 / 9, "3": (0.1 * 19 + 0.2 * 7 + 0.3) / 27})
    assert (document["budget"], document["sampler"]) == (3, "tpe")
    tracker, path = stored.Folders(tmp_path), tmp_path / "out.html"
    write_page(made, [], tracker, StoredScores(tracker), stored.Splits(None), path=path, mlflow_url="http://m")
    page = path.read_text(encoding="utf-8")
    assert "<td>0.1556</td>" in page
    assert "trials of the TPE sampler" in page
    assert "search_validation_cer" in page


def test_a_curve_a_row_is_drawn_and_does_not_take_the_name_of_a_chart(stored: Stored, tmp_path: Path) -> None:
    made = _report(stored, tmp_path)
    (path,) = draw_budget_charts(made.table, made.budgets, folder=tmp_path / "charts")
    assert path.name == "search_validation_cer.png"
    assert Image.open(path).size[0] > 400
    chart = Curves("search_validation_cer", "validation/cer", "CER", "number", {})
    with pytest.raises(
        UserError, match=r"charts\.search_validation_cer: the chart of the table's searches has this name"
    ):
        draw_budget_charts(replace(made.table, charts=(chart,)), made.budgets, folder=tmp_path)


def test_without_a_figure_there_is_no_table() -> None:
    search = read_search(SEARCH, where="t.yaml")
    assert budget_tables([Searched("mil", search, {}, {}, None)]) == []
