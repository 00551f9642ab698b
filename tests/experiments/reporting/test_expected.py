"""Expected intervals: written from runs by a rule, read strictly, and left by name."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.reporting.expected import (
    checked,
    expected_path,
    intervals,
    leaving,
    read_expected,
    rules_text,
    weak_checks,
    write_expected,
)
from experiments.reporting.report import Report, SeedValue, make_report
from experiments.statistics.rerun_interval import RerunInterval
from experiments.statistics.stats import summarise
from experiments.table_files.columns import Column
from experiments.table_files.spec import Row, Table, read_table
from experiments.tracking.tracked_run import TrackedRun

F1 = Column("test/event_f1_macro", "F1", "higher", "percent", 1)
ER = Column("test/er", "ER", "lower", "number", 2)
SECONDS = Column("run/seconds", "seconds", "neither", "number", 0)


def ends(low: float, high: float) -> RerunInterval:
    return RerunInterval(low, high, None, None)


def report(folder: Path, rows: dict[str, list[float]], *, missing: tuple[str, ...] = ()) -> Report:
    specs = {row: Row("t", row, "why", "fit", {}, {}) for row in rows}
    table = Table("t", folder / "t.yaml", "T", "sed", "demo", specs, (0, 1), (F1, ER, SECONDS), {}, (), ())
    values = {
        (row, column.metric): tuple(SeedValue(seed, value, "id", "key") for seed, value in enumerate(of))
        for row, of in rows.items()
        for column in table.columns
    }
    cells = {place: summarise([value.value for value in of]) for place, of in values.items()}
    finished = {row: len(of) for row, of in rows.items()}
    return Report(table, "", tuple(rows), cells, missing, 2, values, num_finished=finished)


def test_each_figure_gets_its_rule_and_its_floor(tmp_path: Path) -> None:
    five = [0.2, 0.21, 0.19, 0.22, 0.18]
    found = intervals(report(tmp_path, {"few": [0.2, 0.3], "five": five, "oracle": [0.9, 0.9], "none": [0.0, 0.0]}))
    metric = "test/event_f1_macro"
    assert found["few"][metric] == pytest.approx((0.1875, 0.3125, "share", 2))  # a quarter of 0.25, whatever the spread
    half = 4.604095 * math.sqrt(0.00025) * math.sqrt(2 / 5)  # t(0.995, 4) of the tables
    assert found["five"][metric][:2] == pytest.approx((0.2 - half, 0.2 + half))
    assert found["five"][metric][2:] == ("spread", 5)
    assert found["oracle"][metric] == pytest.approx((0.895, 0.905, "floor", 2))
    assert found["oracle"]["test/er"] == pytest.approx((0.9 * 0.98, 0.9 * 1.02, "floor", 2))
    assert found["none"][metric] == pytest.approx((-0.005, 0.005, "floor", 2))
    assert found["none"]["test/er"] == pytest.approx((-0.01, 0.01, "floor", 2))  # a step of what is printed
    assert "run/seconds" not in found["few"]


def test_a_fall_by_a_third_is_caught_at_two_seeds_and_at_five(tmp_path: Path) -> None:
    """Two seeds as far apart as MIL's were: by their spread the interval went down to 1.3 %."""
    runs = {"two": [0.0969, 0.2411], "five": [0.3, 0.31, 0.29, 0.3, 0.3], "oracle": [0.5, 0.5]}
    made = report(tmp_path, runs)
    expected = intervals(made)
    assert weak_checks(made, checked(made, expected)) == []
    fallen = report(tmp_path, {row: [value * 2 / 3 for value in of] for row, of in runs.items()})
    assert {line.split(":")[0] for line in leaving(fallen, expected, whole=True)} >= {
        f"t/{row} test/event_f1_macro" for row in runs
    }
    risen = report(tmp_path, {row: [value * 4 / 3 for value in of] for row, of in runs.items()})  # of an error rate
    assert {line.split(":")[0] for line in leaving(risen, expected, whole=True)} >= {f"t/{row} test/er" for row in runs}


def test_checks_that_cannot_see_a_loss_of_a_third_are_named_with_their_count(tmp_path: Path) -> None:
    made = report(tmp_path, {"wide": [0.1, 0.2, 0.3, 0.1, 0.2], "low": [0.012, 0.014], "zero": [0.0, 0.0]})
    found = checked(made, intervals(made))
    assert weak_checks(made, found) == [
        "4 of 6 checks could not see a loss of a third: "
        "wide test/event_f1_macro, test/er; low test/event_f1_macro, test/er"
    ]
    assert rules_text(found) == "2 by spread, 4 by floor"
    old = {"wide": {"test/er": RerunInterval(0.0125, 0.2789, None, None)}}
    assert weak_checks(made, old_found := checked(made, old)) == [
        "1 of 1 checks could not see a loss of a third: wide test/er"
    ]
    assert rules_text(old_found) == "1 of no stated rule"


def test_a_mean_of_fewer_runs_than_its_interval_is_said(tmp_path: Path) -> None:
    expected = intervals(report(tmp_path, {"a": [0.5, 0.51, 0.49, 0.5, 0.5]}))
    one = report(tmp_path, {"a": [0.5]})
    assert weak_checks(one, checked(one, expected)) == [
        "2 of 2 figures are means of another number of runs than their interval: a test/event_f1_macro, test/er"
    ]


def test_what_was_written_is_within_and_other_scales_stay(tmp_path: Path) -> None:
    path, made = tmp_path / "expected" / "t.yaml", report(tmp_path, {"a": [0.2, 0.3], "b": [0.5, 0.52]})
    path.parent.mkdir()
    path.write_text("full:\n  a:\n    test/er: [0.1, 2]\n", encoding="utf-8")  # of before rules
    assert expected_path(made.table) == path
    written = write_expected(path, made)
    read = read_expected(path)
    assert read["full"] == {"a": {"test/er": RerunInterval(0.1, 2.0, None, None)}}
    assert "    test/er: [0.1, 2]\n" in path.read_text(encoding="utf-8")
    assert leaving(made, read["demo"], whole=True) == []
    assert {row: dict(of) for row, of in read["demo"].items()} == {
        row: {metric: pytest.approx(interval) for metric, interval in of.items()} for row, of in written.items()
    }
    assert len(checked(made, read["demo"])) == 4


def test_cells_that_left_are_named_with_their_interval(tmp_path: Path) -> None:
    made = report(tmp_path, {"mil_penalty": [0.4, 0.42]})
    expected = {"mil_penalty": {"test/event_f1_macro": ends(0.18, 0.24), "test/er": ends(0.3, 0.5)}}
    assert leaving(made, expected, whole=True) == ["t/mil_penalty test/event_f1_macro: 0.41 left [0.18, 0.24]"]
    close = {"mil_penalty": {"test/event_f1_macro": ends(0.41004, 0.5)}}
    assert leaving(made, close, whole=True) == ["t/mil_penalty test/event_f1_macro: 0.41000 left [0.41004, 0.50000]"]


def test_missing_cells_rows_and_figures_are_named_as_missing(tmp_path: Path) -> None:
    made = report(tmp_path, {"a": [0.2], "b": []}, missing=("t/a seed 1 (failed)", "t/b seed 0 (missing)"))
    expected = {"a": {"test/event_f1_macro": ends(0.1, 0.3), "test/new": ends(0, 1)}, "gone": {"test/er": ends(0, 1)}}
    assert leaving(made, expected, whole=True) == [
        "t/a seed 1 (failed): missing",
        "t/b seed 0: missing",
        "t/a test/new: missing (its runs have no such figure)",
        "t/gone: missing (the table has no such row)",
    ]
    assert len(leaving(made, expected, whole=False)) == 3  # --rows asked for some


@pytest.mark.parametrize("lost", [math.nan, math.inf])
def test_a_figure_that_some_seeds_lack_is_named(tmp_path: Path, lost: float) -> None:
    made = report(tmp_path, {"a": [0.2, lost], "b": [0.2, 0.2], "c": [0.2, lost, 0.2]})
    expected = {row: {"test/er": ends(0.1, 0.3)} for row in made.rows}
    assert leaving(made, expected, whole=True) == [
        "t/a test/er: 1 of 2 seeds has a figure",
        "t/c test/er: 2 of 3 seeds have a figure",
    ]


def test_a_metric_that_some_or_all_runs_never_logged_is_named(tmp_path: Path) -> None:
    table = report(tmp_path, {"some": [], "none": []}).table
    config = {"data": {"class_path": "d.D", "init_args": {"corpus": "x/demo"}}}
    table = replace(table, rows={name: replace(row, config=config) for name, row in table.rows.items()})
    logged: dict[str, list[dict[str, float]]] = {"some": [{"test/er": 0.2}, {}], "none": [{}, {}]}
    cells = [
        Cell(table, table.rows[row], seed, None, {}, "finished", "", TrackedRun("i", "finished", {}, metrics))
        for row, of_row in logged.items()
        for seed, metrics in enumerate(of_row)
    ]
    expected = {row: {"test/er": ends(0.1, 0.3)} for row in table.rows}
    assert leaving(make_report(table, cells), expected, whole=True) == [
        "t/some test/er: 1 of 2 seeds has a figure",
        "t/none test/er: missing (its runs have no such figure)",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("demo: {a: {m: [2, 1]}}", "demo.a.m: expected [low, high], two numbers in this order, got [2, 1]"),
        ("demo: {a: {m: [1]}}", "demo.a.m: expected [low, high]"),
        ("demo: {a: {m: [.nan, 1]}}", "demo.a.m[0]: got nan; allowed: finite numbers"),
        ("demo: {a: {m: {low: 1, high: 2, rule: guess, runs: 2}}}", "demo.a.m.rule: unknown rule 'guess'"),
        ("demo: {a: {m: {low: 1, high: 2, rule: share, runs: 0}}}", "demo.a.m.runs: expected an integer >= 1, got 0"),
        ("demo: {a: {m: {low: 1, rule: share, runs: 2}}}", "demo.a.m: expected [low, high], two numbers"),
        ("demo: {a: {m: {low: 1, hi: 2}}}", "demo.a.m: unknown key 'hi'"),
        ("demo: {a: 3}", "demo.a: expected a mapping, got 3"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_expected(path)
    assert says in str(caught.value)
    with pytest.raises(UserError, match="no such file; --write-expected makes it"):
        read_expected(tmp_path / "none.yaml")


def test_shipped_tables_have_their_file_beside_the_tables_folder() -> None:
    path = expected_path(read_table("weak_sed"))
    assert path.parts[-3:] == ("experiments", "expected", "weak_sed.yaml")


def test_the_shipped_file_catches_mil_at_one_percent_and_sees_a_loss_of_a_third_nearly_everywhere() -> None:
    demo = read_expected(expected_path(read_table("weak_sed")))["demo"]
    assert demo["mil"]["test/event_f1_macro"].low > 0.1
    blind = {(row, metric): of[metric] for row, of in demo.items() for metric in of if of[metric].is_blind}
    scores = [interval for (_, metric), interval in blind.items() if metric in ("test/psds1", "test/psds1_without_st")]
    assert all(interval.high < 0.02 for interval in scores)  # PSDS of curves that say next to nothing
    assert {cell for cell in blind if "psds" not in cell[1]} <= {
        (row + tags, "test/event_f1_short")
        for row in ("fsl", "mean_pooling")  # expected under 1 %, nearly nothing to lose
        for tags in ("", "_tagger_tags")
    }


def test_the_study_sees_any_system_lose_a_third_of_its_events() -> None:
    study = read_expected(expected_path(read_table("weak_sed")))["study"]
    events = {row: of["test/event_f1_macro"] for row, of in study.items() if "test/event_f1_macro" in of}
    whole_clips = {"constant", "trivial", "trivial_oracle_tags"}  # they find no event
    assert {row for row, interval in events.items() if interval.is_blind} <= whole_clips
    assert len(events.keys() - whole_clips) >= 29


def test_no_interval_is_written_of_a_figure_that_diverged(tmp_path: Path) -> None:
    found = intervals(report(tmp_path, {"a": [0.2, math.inf], "b": [0.5, 0.52]}))
    assert set(found) == {"b"}
