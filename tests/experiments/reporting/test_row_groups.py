"""Groups of rows in every format; which row is bold is found here once more, from the figures alone."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType as Stored

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.planning.cell import Cell
from experiments.reporting.formats.report_csv import comma_separated
from experiments.reporting.formats.report_json import json_text
from experiments.reporting.formats.report_latex import latex
from experiments.reporting.formats.report_markdown import markdown, note
from experiments.reporting.formats.report_page import write_page
from experiments.reporting.report import MANY_COLUMNS, MANY_ROWS, Report, make_report, shown
from experiments.reporting.significance import compare_rows
from experiments.stored_results.stored_scores import StoredScores
from experiments.table_files.columns import Column
from experiments.table_files.groups import Group
from experiments.table_files.spec import Row, Table
from experiments.tracking.tracked_run import TrackedRun

F1 = Column("test/f1", "F1", "higher", "percent", 1)
ER = Column("test/er", "ER", "lower", "number", 2)
CONFIG = {"data": {"class_path": "d.D", "init_args": {"corpus": "x/none"}}}
TWO = (Group("own", "Own tags", ("c", "a"), "a"), Group("true", "True tags & times", ("b", "d")))
VALUES = {"a": 0.2, "b": 0.9, "c": 0.3, "d": 0.8}
Figures = Mapping[str, float | None]


def report(values: Figures, groups: Sequence[Group] = (), *, reference: str = "", columns: int = 2) -> Report:
    """A row a figure (F1, and the same as ER), one seed each; None is not run."""
    rows = {name: Row("t", name, f"why {name}", "fit", CONFIG, {}, name == reference) for name in values}
    shown_columns = (F1, ER, *(replace(ER, metric=f"test/more_{k}") for k in range(columns - 2)))
    table = Table("t", Path("t.yaml"), "Title", "sed", "demo", rows, (0,), shown_columns, {}, (), (),
                  groups=tuple(groups))  # fmt: skip
    cells = [
        Cell(table, rows[name], 0, None, {}, "missing" if value is None else "finished", "",
             None if value is None else TrackedRun("i", "finished", {}, {"test/f1": value, "test/er": value}))
        for name, value in values.items()
    ]  # fmt: skip
    return make_report(table, cells)


def names(text: str) -> list[str]:
    """The first cells of a Markdown table's rows, in their order."""
    found = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]
    return [name for name in found if name not in ("row", "---")]


def test_rows_stand_in_the_order_of_groups_under_their_headings(earmark_home: Path) -> None:
    made = report({**VALUES, "e": 0.1}, TWO)
    assert made.rows == ("c", "a", "b", "d", "e")
    text = markdown(made)
    assert names(text) == ["c", "a", "b", "d", "e"]
    headings = [line for line in text.splitlines() if line.startswith("**")]
    assert headings == ["**Own tags**", "**True tags & times**", "**Other rows**"]
    assert "<details>" not in text
    assert len({line.index("|", 2) for line in text.splitlines() if line.startswith("|")}) == 1  # one width for all
    assert names(note(made)) == ["c", "a", "b", "d", "e"]
    assert [line for line in note(made).splitlines() if line.startswith("**")] == headings
    printed = latex(made)
    assert printed.count(r"\begin{table}") == 1
    assert printed.index("Own tags") < printed.index("\nc & ") < printed.index(r"True tags \& times")
    assert printed.count(r"\midrule") == 3 + 1  # and the one that \providecommand names


def test_bold_is_the_best_of_a_group(earmark_home: Path) -> None:
    made = report(VALUES, TWO)
    assert (made.best(F1), made.best(ER)) == ({"c", "b"}, {"a", "d"})
    lines = {line.split("|")[1].strip(): line for line in markdown(made).splitlines() if line.startswith("| ")}
    assert lines["c"].count("**30.0**") == lines["a"].count("**0.20**") == 1
    assert report(VALUES, TWO, reference="b").best(F1) == {"c", "d"}
    cells = json.loads(json_text(made))["rows"]
    assert {row for row in cells if cells[row]["test/f1"]["best"]} == {"c", "b"}


def test_programs_read_the_group_of_a_row(earmark_home: Path) -> None:
    made = report({**VALUES, "e": 0.1}, TWO)
    lines = list(csv.DictReader(io.StringIO(comma_separated(made))))
    assert {line["row"]: line["group"] for line in lines} == {"c": "own", "a": "own", "b": "true", "d": "true", "e": ""}
    assert json.loads(json_text(made))["groups"] == [
        {"name": "own", "heading": "Own tags", "rows": ["c", "a"], "baseline": "a"},
        {"name": "true", "heading": "True tags & times", "rows": ["b", "d"], "baseline": None},
        {"name": "", "heading": "Other rows", "rows": ["e"], "baseline": None},
    ]


def test_a_wide_or_long_table_folds_all_groups_but_the_first(earmark_home: Path) -> None:
    many = {f"row_{k}": 0.1 for k in range(MANY_ROWS - 3)}
    for made in (report(VALUES, TWO, columns=MANY_COLUMNS + 1), report({**VALUES, **many}, TWO)):
        text = markdown(made)
        folded = re.findall(r"<details><summary>([^<]*)</summary>\n\n\| row", text)
        assert folded == [group.heading for group in made.groups[1:]]
        assert text.index("**Own tags**") < text.index("<details>") < text.index("| b ") < text.index("</details>")
        captions = re.findall(r"\\caption\{(.*)\}", latex(made))
        assert len(captions) == len(made.groups) == latex(made).count(r"\end{table}")
        assert captions[1].endswith(r"True tags \& times")
        assert r"\multicolumn" not in latex(made)
    assert "<details>" not in markdown(report(VALUES, TWO, columns=MANY_COLUMNS))
    assert "<details>" not in markdown(report({**VALUES, **many}))  # without groups there is nothing to fold


def test_a_groups_heading_is_plain_text(earmark_home: Path) -> None:
    text = markdown(report(VALUES, [Group("own", "*a* | <b>\n_c_", ("a",))]))
    assert r"**\*a\* \| &lt;b> \_c\_**" in text


def test_a_long_note_keeps_whole_rows_of_its_groups(earmark_home: Path) -> None:
    values = {f"row_{k:03}": k / 400 for k in range(400)}
    rows = list(values)
    text = note(report(values, [Group("g", "G", tuple(rows[:30])), Group("h", "H", tuple(rows[30:]))]))
    kept = names(text)
    assert kept == rows[: len(kept)]
    assert 30 < len(kept) < 400
    assert text.splitlines()[-1] == f"{400 - len(kept)} more rows: earmark report t"


@pytest.fixture
def compared(stored: Stored, tmp_path: Path, earmark_home: Path) -> tuple[str, Report]:
    """A page and its report: two groups, and in the first a row against another than its group's baseline."""
    rows = ("base", "better", "best", "other", "last")
    plain = stored.make_table(tmp_path, "asr", rows)
    specs = {**plain.rows, "best": replace(plain.rows["best"], against="better")}
    groups = Group("one", "One", ("better", "best", "base"), "base"), Group("two", "Two", ("last", "other"), "other")
    table, tracker = replace(plain, rows=specs, groups=groups), stored.Folders(tmp_path)
    cells = [
        stored.text_cell(table, tracker, row, seed, stored.texts(wrong + seed))
        for row, wrong in zip(rows, (20, 10, 1, 12, 25), strict=True)
        for seed in (0, 1)
    ]
    found = compare_rows(
        table, cells, StoredScores(tracker), stored.Splits(None), baseline=None, num_resamples=stored.DRAWS
    )
    made = make_report(table, cells, found)
    write_page(made, cells, tracker, StoredScores(tracker), stored.Splits(None), path=tmp_path / "out.html",
               mlflow_url="http://127.0.0.1:5000")  # fmt: skip
    return (tmp_path / "out.html").read_text(encoding="utf-8"), made


def test_every_format_says_what_a_row_is_compared_with(compared: tuple[str, Report]) -> None:
    page, made = compared
    own = {"better": "base", "best": "better", "last": "other"}
    text = markdown(made)
    assert "**One · against base**" in text
    assert "**Two · against other**" in text
    assert "compared with a row of their own: best with better\n" in text
    assert r"\textit{One $\cdot$ against base}" in latex(made)
    assert json.loads(json_text(made))["against"] == own
    lines = csv.DictReader(io.StringIO(comma_separated(made)))
    assert {line["row"]: line["against"] for line in lines} == {"base": "", "other": "", **own}
    assert page.count('<span class="mark">against ') == page.count('<span class="mark">against better</span>') == 1
    assert re.findall(r">([^<]*)</a> <span class=.mark.>baseline", page) == ["better", "base", "other"]
    assert "Against each row&#39;s baseline" in page
    found = re.findall(r'<tr><th scope="row">(\w+)</th><td class="text">(\w+)</td>', page)
    assert dict(found) == own


def test_a_pages_groups_fold_and_sort_by_themselves(compared: tuple[str, Report]) -> None:
    page, _ = compared
    bodies = re.findall(r"<tbody([^>]*)>(.*?)</tbody>", page[: page.index("<h2>Against")], re.DOTALL)
    assert len(bodies) == 2
    expected = {"One · against base": ["better", "best", "base"], "Two · against other": ["last", "other"]}
    for (attributes, body), (heading, rows) in zip(bodies, expected.items(), strict=True):
        assert (attributes, f'<button aria-expanded="true">{heading}</button>' in body) == ("", True)
        assert re.findall(r'href="#row-(\w+)"', body) == rows
    identifiers = re.findall(r'popover id="([^"]+)"', page)
    assert len(identifiers) == len(set(identifiers)) > 0


@given(values=st.dictionaries(st.sampled_from("abcdefg"), st.none() | st.sampled_from([0.1, 0.2, 0.3]), min_size=1),
       parts=st.lists(st.integers(0, 3), min_size=7, max_size=7))  # fmt: skip
def test_bold_and_order_whatever_the_groups(values: Figures, parts: Sequence[int]) -> None:
    """Each group says of its best what a table of its rows alone says; every row stands there once."""
    of = {row: parts["abcdefg".index(row)] for row in values}
    groups = [
        Group(f"g{k}", f"G{k}", rows) for k in (2, 0, 1) if (rows := tuple(row for row in values if of[row] == k))
    ]
    made = report(values, groups)
    assert sorted(made.rows) == sorted(values)
    expected = set()
    for part in set(of.values()):
        figures = {row: shown(value, F1) for row, value in values.items() if of[row] == part and value is not None}
        expected |= {row for row, text in figures.items() if float(text) == max(map(float, figures.values()))}
    assert made.best(F1) == expected
    assert [of[row] for row in made.rows] == sorted((of[row] for row in values), key=[2, 0, 1, 3].index)


@settings(max_examples=40)  # each is ten documents
@given(values=st.dictionaries(st.sampled_from("abcdefg"), st.none() | st.floats(0, 1), min_size=1))
def test_one_group_of_all_rows_changes_nothing_but_its_heading(values: Figures) -> None:
    plain, grouped = report(values), report(values, [Group("all", "All", tuple(values))])
    assert markdown(grouped).replace("**All**\n\n", "") == markdown(plain)
    assert note(grouped).replace("**All**\n\n", "") == note(plain)
    heading = "\\multicolumn{3}{l}{\\textit{All}} \\\\\n"
    assert latex(grouped).replace(heading, "") == latex(plain)
    assert comma_separated(grouped).replace(",all,", ",,") == comma_separated(plain)
    documents = [json.loads(json_text(made)) for made in (plain, grouped)]
    for document in documents:
        del document["groups"]
    assert documents[0] == documents[1]
