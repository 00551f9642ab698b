from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from datamodules.corpus_folder import CorpusCard
from experiments.planning.cell import Cell
from experiments.reporting.formats.report_csv import comma_separated
from experiments.reporting.formats.report_json import json_text
from experiments.reporting.formats.report_latex import latex
from experiments.reporting.formats.report_markdown import NOTE_CHARACTERS, markdown, note
from experiments.reporting.report import Report, make_report
from experiments.statistics.stats import summarise
from experiments.table_files.columns import Column
from experiments.table_files.spec import Row, Table
from experiments.tracking.tracked_run import TrackedRun

F1 = Column("test/f1", "F1", "higher", "percent", 1)
ER = Column("test/er", "ER", "lower", "number", 2)


Values = dict[str, list[tuple[float, float] | None]]


def build(
    home: Path,
    values: Values,
    *,
    synthetic: bool = False,
    reference: tuple[str, ...] = (),
    overrides: Mapping[str, str] | None = None,
) -> Report:
    folder = home / "data" / "x" / "demo"
    folder.mkdir(parents=True)
    CorpusCard("x/demo", "d", ("a",), 16000, synthetic, {}, {"train": 4, "test": 2}, "").write(folder)
    config = {"data": {"class_path": "d.D", "init_args": {"corpus": "x/demo"}}}
    rows = {name: Row("t", name, f"why_{name}", "fit", config, {}, name in reference) for name in values}
    table = Table("t", home / "t.yaml", "Title", "sed", "demo", rows, (0, 1), (F1, ER), {}, (), ())
    table = replace(table, overrides=overrides or {})
    cells = []
    for name, runs in values.items():
        for seed, pair in enumerate(runs):
            run = None if pair is None else TrackedRun("i", "finished", {}, {"test/f1": pair[0], "test/er": pair[1]})
            cells.append(Cell(table, rows[name], seed, None, {}, "missing" if pair is None else "finished", "", run))
    return make_report(table, cells)


def test_markdown_shows_mean_std_best_and_what_is_missing(earmark_home: Path) -> None:
    report = build(earmark_home, {"a": [(0.2, 1.0), (0.4, 1.2)], "b": [(0.5, 1.5), None], "c_d": [None, None]})
    text = markdown(report)
    assert "30.0 ± 14.1" in text
    assert "**50.0** (n=1)" in text  # one seed has no spread; the best mean is bold
    assert "**1.10 ± 0.14**" in text  # lower is better
    assert text.count("(n=") == 2  # the two columns of the row with one run of two
    assert "3 cells without a finished run: t/b seed 1 (missing)" in text
    assert "real recordings, 4/2 clips (train/test)" in text
    assert len({line.count("|") for line in text.splitlines() if line.startswith("|")}) == 1


def test_a_reference_row_is_shown_and_never_bold(earmark_home: Path) -> None:
    values: Values = {"a": [(0.2, 1.0)], "oracle": [(0.9, 0.1)]}
    report = build(earmark_home, values, reference=("oracle",))
    rows = {line.split("|")[1].strip(): line for line in markdown(report).splitlines() if line.startswith("| ")}
    assert rows["oracle"].split("|")[2].strip() == "90.0"
    assert "**20.0**" in rows["a"]
    assert r"\textbf{20.0}" in latex(report)
    assert r"\textbf{90.0}" not in latex(report)


@pytest.mark.parametrize(
    ("unit", "decimals", "shown"), [("percent", 1, "1234.6"), ("number", 2, "12.35"), ("number", 0, "12")]
)
def test_a_column_is_shown_in_its_unit_with_its_decimals(
    earmark_home: Path, unit: Literal["percent", "number"], decimals: int, shown: str
) -> None:
    report = build(earmark_home, {"a": [(12.3456, 1.0)]})
    table = replace(report.table, columns=(Column("test/f1", "F1", "higher", unit, decimals),))
    assert f"| **{shown}** |" in markdown(replace(report, table=table))


def test_the_note_is_the_table_alone(earmark_home: Path) -> None:
    report = build(earmark_home, {"a": [(0.2, 1.0), (0.4, 1.2)], "b": [(0.5, 1.5), None]})
    lines = note(report).splitlines()
    assert lines[0] == report.heading
    assert lines[2] == "| row | F1 ↑ % | ER ↓ |"
    assert lines[4] == "| a | 30.0 ± 14.1 | **1.10 ± 0.14** |"
    assert lines[-1] == "1 cell without a finished run"
    assert "why_a" not in note(report)


def test_a_long_note_drops_its_last_rows_and_says_so(earmark_home: Path) -> None:
    text = note(build(earmark_home, {f"row_{k:03}": [(0.2, 1.0), (0.4, 1.2)] for k in range(400)}))
    kept = sum(line.startswith("| row_") for line in text.splitlines())
    assert 0 < kept < 400
    assert text.splitlines()[-1] == f"{400 - kept} more rows: earmark report t"
    assert NOTE_CHARACTERS - 60 < len(text) <= NOTE_CHARACTERS


def test_a_synthetic_corpus_is_said_in_the_heading(earmark_home: Path) -> None:
    report = build(earmark_home, {"a": [(0.2, 1.0), (0.4, 1.2)]}, synthetic=True)
    assert "SYNTHETIC TONES, NOT REAL AUDIO" in markdown(report).splitlines()[0]


def test_what_was_set_on_the_command_line_is_said_in_the_heading(earmark_home: Path) -> None:
    report = build(earmark_home, {"a": [(0.2, 1.0), (0.4, 1.2)]}, overrides={"model.cell": "gru"})
    assert " · scale demo · with model.cell=gru · x/demo: real recordings" in markdown(report).splitlines()[0]


def test_csv_has_full_precision(earmark_home: Path) -> None:
    report = build(earmark_home, {"a": [(0.2, 1.0), (0.4, 1.2)], "b": [None, None]})
    rows = list(csv.DictReader(io.StringIO(comma_separated(report))))
    assert float(rows[0]["mean"]) == pytest.approx(0.3)
    assert float(rows[0]["std"]) == pytest.approx(0.02**0.5)
    assert {name: value for name, value in rows[2].items() if value} == {"row": "b", "metric": "test/f1", "n": "0"}
    assert rows[0]["runs"] == "0:i 1:i"


def test_a_diverged_seed_is_shown_and_the_mean_of_the_others_wins_nothing(earmark_home: Path) -> None:
    most = math.inf
    values: Values = {
        "a": [(0.2, most), (0.4, 1.2)], "b": [(0.1, most), (0.1, math.nan)], "c": [(0.3, 9.0), (0.3, 9.2)],
        "d": [(0.3, most), None],
    }  # fmt: skip
    report = build(earmark_home, values)
    shown = [line.split("|")[3].strip() for line in markdown(report).splitlines() if line.startswith("| ")][1:]
    assert shown == ["1.20 (1 of 2 diverged)", "inf/nan (2 of 2 diverged)", "**9.10 ± 0.14**", "inf (1 of 1 diverged)"]
    says = (
        "diverged, so that the row's mean is of its other seeds, never bold and not tested: a seed 0 (test/er inf), "
        "b seed 0 (test/er inf), b seed 1 (test/er nan), d seed 0 (test/er inf)"
    )
    assert says in markdown(report)
    assert "4 runs diverged" in note(report)
    for text in (markdown(report), note(report), latex(report)):
        assert "1.20 (1 of 2 diverged)" in text
    cells = json.loads(json_text(report))["rows"]
    assert [of["value"] for of in cells["a"]["test/er"]["seeds"].values()] == [None, 1.2]
    assert cells["a"]["test/er"]["seeds"]["0"]["diverged"] == "inf"
    assert (cells["a"]["test/er"]["diverged"], cells["a"]["test/er"]["best"]) == (1, False)
    lines = {(of["row"], of["metric"]): of for of in csv.DictReader(io.StringIO(comma_separated(report)))}
    assert (lines["a", "test/er"]["n"], lines["a", "test/er"]["diverged"]) == ("1", "1")
    assert lines["a", "test/f1"]["diverged"] == ""


def test_a_mean_over_fewer_seeds_does_not_win_in_silence(earmark_home: Path) -> None:
    report = build(earmark_home, {"a": [(0.2, 1.0), (0.4, 1.2)], "b": [(0.5, 1.5), None]})
    assert "bold or starred over fewer seeds than other rows: b in test/f1 (n = 1 of 2)" in markdown(report)
    alike = build(earmark_home / "other", {"a": [(0.2, 1.0), None], "b": [(0.5, 1.5), None]})
    assert "fewer seeds" not in markdown(alike)  # which the n of all and what is missing say


def test_a_figure_that_a_run_never_logged_is_said(earmark_home: Path) -> None:
    report = build(earmark_home, {"a": [(0.2, 1.0), (0.4, 1.2)]})
    report = replace(report, values={**report.values, ("a", "test/er"): report.values["a", "test/er"][:1]})
    assert "finished runs that never logged the figure: a in test/er (1 of 2)" in markdown(report)


def test_latex_escapes_and_uses_booktabs(earmark_home: Path) -> None:
    text = latex(build(earmark_home, {"c_d": [(0.2, 1.0), (0.4, 1.2)]}))
    assert text.startswith(r"\providecommand{\toprule}{\hline}")  # texlive-latex-base alone has no booktabs
    assert r"\toprule" in text.splitlines()
    assert r"c\_d & \textbf{30.0 $\pm$ 14.1} & " in text
    assert r"F1 $\uparrow$ \%" in text
    assert "±" not in text


def test_summary_of_nothing_is_none_and_of_one_has_no_spread() -> None:
    assert summarise([]) is None
    assert summarise([float("nan")]) is None
    assert summarise([2.0]) == (2.0, None, 1)


def test_latex_keeps_less_than_as_it_is(earmark_home: Path) -> None:
    from experiments.reporting.formats.report_latex import _escape

    assert _escape("short < 1 s") == "short $<$ 1 s"
    assert _escape(r"\a_{b} 5 % & ~$^∗") == r"\textbackslash{}a\_\{b\} 5 \% \& \textasciitilde{}\$\textasciicircum{}*"


def test_a_users_words_break_no_table(earmark_home: Path) -> None:
    report = build(earmark_home, {"_a_": [(0.2, 1.0), (0.4, 1.2)], "b": [(0.5, 1.5), (0.5, 1.5)]})
    odd = Column("test/f1", "F1 | *t* `x`\n\\ <b> 50 $ & _c_", "higher", "percent", 1)
    row = replace(report.table.rows["b"], why="of a | b,\nas `published`")
    table = replace(report.table, columns=(odd, ER), rows={**report.table.rows, "b": row})
    report = replace(report, table=table, heading="# Title | 1\n\n| a | b |")
    for text in (markdown(report), note(report)):
        first, _, heading, *lines = text.splitlines()
        assert first == r"\# Title \| 1 \| a \| b \|"
        assert heading.startswith(r"| row ")
        assert r" | F1 \| \*t\* \`x\` \\ &lt;b> 50 $ & \_c\_ ↑ % |" in heading
        assert [len(re.findall(r"(?<!\\)\|", line)) for line in (heading, *lines[:3])] == [4] * 4
        assert lines[1].startswith(r"| \_a\_ ")
    assert "- `b`: of a | b, as `published`\n" in markdown(report)
    rows = list(csv.DictReader(io.StringIO(comma_separated(report))))
    assert [row["row"] for row in rows] == ["_a_", "_a_", "b", "b"]
    caption = next(line for line in latex(report).splitlines() if line.startswith(r"\caption"))
    assert caption == r"\caption{\# Title \textbar{} 1 \textbar{} a \textbar{} b \textbar{}}"


def test_a_column_over_a_part_of_the_split_says_of_how_many(earmark_home: Path) -> None:
    report = build(earmark_home, {"a": [(0.2, 1.0), (0.4, 1.2)]})
    cells = []
    for seed, count in enumerate((2.0, 5.0)):
        run = TrackedRun("i", "finished", {}, {"test/f1": 0.5, "test/er": 1.0, "test/f1_n": 2.0, "test/er_n": count})
        cells.append(Cell(report.table, report.table.rows["a"], seed, None, {}, "finished", "", run))
    counted = make_report(report.table, cells)
    assert [column.label for column in counted.table.columns] == ["F1 (n=2)", "ER (n=2–5)"]
    assert "F1 (n=2) ↑ %" in markdown(counted)
    assert "(n=" not in "".join(column.label for column in report.table.columns)
