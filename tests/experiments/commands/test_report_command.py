"""``earmark report``'s options: what they print, write and refuse, with plans made by hand."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.cli import main
from experiments.commands import table_arguments
from experiments.planning.cell import Cell
from experiments.reporting import notes
from experiments.runs.keys import RunKey
from experiments.table_files.columns import Column
from experiments.table_files.spec import Row, Table
from experiments.tracking.tracked_run import TrackedRun

from ..stored_runs import Folders

F1 = Column("test/event_f1_macro", "Event F1 < 1", "higher", "percent", 1)
Report = Callable[..., int]


@pytest.fixture
def report(tmp_path: Path, earmark_home: Path, monkeypatch: pytest.MonkeyPatch) -> Report:
    """``earmark report`` of a table whose row ``mil_penalty`` has so much F1 with two seeds."""

    def run(*arguments: str, f1: float = 0.21, finished: bool = True, none: bool = False) -> int:
        config = {"data": {"class_path": "d.D", "init_args": {"corpus": "x/demo"}}, "scoring": {}}
        rows = {name: Row("weak_sed", name, "why", "fit", config, {}) for name in ("mil", "mil_penalty")}
        table = Table("weak_sed", tmp_path / "weak_sed.yaml", "T", "sed", "demo", rows, (0, 1), (F1,), {}, (), (),
                      baseline="mil")  # fmt: skip
        cells = []
        for row, mean in (("mil", 0.2), ("mil_penalty", f1)):
            for seed in (0, 1):
                there = not none and (finished or seed == 0)
                tracked = TrackedRun("id", "finished", {}, {F1.metric: mean + 0.005 * seed})
                cells.append(
                    Cell(table, rows[row], seed, RunKey(row, "", "", seed, ""), {}, "finished" if there else "failed",
                         "", tracked if there else None)
                )  # fmt: skip
        tracker = Folders(tmp_path)
        monkeypatch.setattr(notes, "write_note", lambda *_: None)
        monkeypatch.setattr(table_arguments, "read_plan", lambda arguments, **_: (table, tracker, cells))
        return main(["report", "weak_sed", *arguments])

    return run


def test_check_passes_on_what_was_written_and_names_what_left(
    report: Report, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report("--check") == 2
    assert "weak_sed.yaml: no such file; --write-expected makes it" in capsys.readouterr().err
    assert report("--write-expected") == 0
    assert (tmp_path / "expected" / "weak_sed.yaml").is_file()
    assert capsys.readouterr().out.endswith("weak_sed.yaml: 2 intervals of scale demo (2 by share)\n")
    assert report("--check") == 0
    within = capsys.readouterr()
    assert within.out.startswith("weak_sed, scale demo: all 2 figures are within ")
    assert within.err == ""
    assert report("--check", f1=0.41) == 1
    assert capsys.readouterr().out == "weak_sed/mil_penalty test/event_f1_macro: 0.41 left [0.16, 0.27]\n"
    assert report("--check", finished=False) == 1
    assert capsys.readouterr().out.splitlines()[0] == "weak_sed/mil seed 1 (failed): missing"


def test_checks_that_see_little_say_so_as_they_are_written_and_read(
    report: Report, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "expected" / "weak_sed.yaml"
    path.parent.mkdir()
    path.write_text("demo: {mil: {test/event_f1_macro: [0.0125, 0.4]}}")  # as written of two seeds, before rules
    assert report("--check") == 0
    says = capsys.readouterr()
    assert says.out.endswith("weak_sed.yaml (1 of no stated rule)\n")
    assert says.err == "warning: 1 of 1 checks could not see a loss of a third: mil test/event_f1_macro\n"
    assert report("--write-expected", f1=0.01) == 0
    assert "could not see a loss of a third: mil_penalty test/event_f1_macro" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--format", "html"), "--format html: say where with --output FILE.html"),
        (("--write-expected", "--rows", "mil"), "--write-expected: of a whole table only"),
        (("--baseline", "mli"), "--baseline: unknown row 'mli' (did you mean 'mil'?)"),
        (("--baseline", "mil", "--rows", "mil_penalty"), "--baseline mil: not among --rows mil_penalty"),
        (("--output", "no/such/folder"), "--output no/such/folder: No such file or directory"),
    ],
)
def test_mistakes_are_one_line(
    report: Report, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    assert report(*arguments) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "arguments", "begins"),
    [
        ("t.tex", (), r"\providecommand"),
        ("t.csv", (), "row,"),
        ("t.json", (), "{"),
        ("t.html", (), "<!doctype html>"),
        ("t.md", (), "T · scale demo"),
        ("t.txt", (), "T · scale demo"),
        ("t.html", ("--format", "csv"), "row,"),
    ],
)
def test_the_name_of_the_output_says_the_format_unless_an_option_does(
    report: Report, tmp_path: Path, name: str, arguments: tuple[str, ...], begins: str
) -> None:
    assert report("--output", str(tmp_path / name), *arguments) == 0
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(begins)


def test_without_stored_files_the_seeds_are_tested_and_the_rest_is_said(
    report: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(f1=0.25) == 0
    text = capsys.readouterr().out
    assert "Not tested over the test set: mil: its stored predictions or its corpus are not on this disk" in text
    assert "Over seeds (paired t-test, n = 2, Holm-corrected): no difference below .05" in text


def test_without_the_tables_baseline_among_the_rows_that_is_said(
    report: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report("--rows", "mil_penalty") == 0
    said = capsys.readouterr()
    assert said.err == "no tests: baseline mil is not among the rows shown\n"
    assert "Stars" not in said.out


@pytest.mark.integration
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex (Debian: texlive-latex-base)")
@pytest.mark.parametrize("package", ["", r"\usepackage{booktabs}"])
def test_the_latex_compiles(report: Report, tmp_path: Path, package: str) -> None:
    if package and not subprocess.run(["kpsewhich", "booktabs.sty"], capture_output=True, check=False).stdout:
        pytest.skip("no booktabs here")
    assert report("--format", "latex", "--output", str(tmp_path / "table.tex")) == 0
    document = rf"\documentclass{{article}}{package}\begin{{document}}\input{{table}}\end{{document}}"
    (tmp_path / "whole.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "whole.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "whole.pdf").stat().st_size > 1000


def test_a_table_without_a_finished_run_is_no_success(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(finished=False) == 0  # incomplete: what is missing stands under the table
    capsys.readouterr()
    assert report("--output", "/dev/null", none=True) == 1
    assert capsys.readouterr().err == "weak_sed: no finished run at scale demo\n"
