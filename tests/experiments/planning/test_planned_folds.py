"""Folds in a plan: which cells there are, what each stands on, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.cli import main
from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.planning.plan import make_plan
from experiments.runs.keys import config_key
from experiments.table_files.merge import get_path
from experiments.table_files.spec import Table, read_table
from experiments.tracking.tracked_run import TrackedRun

from ..stored_runs import Folders

TINY = (Path(__file__).parents[1] / "tiny.yaml").read_text(encoding="utf-8")
CORPORA = "folds: {a: {data.corpus: tones/tiny}, b: {data.corpus: tones/other}}\n"
SAME = "folds: {a: {data.selection: weak}, b: {data.selection: strong}}\n"  # of one corpus
DEALS = "folds: {deals: 3, by: family}\n"


class Empty(Folders):
    """A store without runs."""

    def find(self, *_: object, **__: object) -> list[TrackedRun]:
        return []


def table_of(folder: Path, more: str, *, name: str = "t", text: str = TINY) -> Table:
    path = folder / f"{name}.yaml"
    path.write_text(text + more, encoding="utf-8")
    return read_table(str(path))


def planned(folder: Path, more: str, *, rows: tuple[str, ...] = ("mil_oracle",)) -> dict[str, Cell]:
    table = table_of(folder, more)
    return {cell.name: cell for cell in make_plan(table, Empty(folder), rows=rows)}


def test_a_cell_is_a_row_a_fold_and_a_seed_and_stands_on_its_own_fold(earmark_home: Path) -> None:
    cells = planned(earmark_home, CORPORA)
    assert list(cells) == [
        "t/mil fold a seed 0", "t/mil fold b seed 0", "t/mil_oracle fold a seed 0", "t/mil_oracle fold b seed 0",
    ]  # fmt: skip
    for fold, corpus in (("a", "tones/tiny"), ("b", "tones/other")):
        scored = cells[f"t/mil_oracle fold {fold} seed 0"]
        assert get_path(scored.row.config, "data.corpus") == corpus
        assert scored.upstream["own"] is cells[f"t/mil fold {fold} seed 0"]


def test_a_table_without_folds_plans_what_it_planned(earmark_home: Path) -> None:
    cells = planned(earmark_home, "")
    assert list(cells) == ["t/mil seed 0", "t/mil_oracle seed 0"]
    assert cells["t/mil seed 0"].row == cells["t/mil seed 0"].table.rows["mil"]


def test_a_fold_on_the_corpus_of_a_table_without_folds_has_the_key_of_its_run(tiny_tones: Path) -> None:
    home = tiny_tones.parents[2]
    folded, plain = planned(home, CORPORA), planned(home, "")
    assert folded["t/mil fold a seed 0"].key == plain["t/mil seed 0"].key is not None
    assert folded["t/mil fold b seed 0"].state == "missing"


def test_deals_differ_in_their_configuration_alone(tiny_tones: Path) -> None:
    cells = planned(tiny_tones.parents[2], DEALS, rows=("mil",))
    deals = [get_path(cell.row.config, "data.deal") for cell in cells.values()]
    assert deals == [{"fold": fold, "of": 3, "by": "family"} for fold in range(3)]
    keys = [cell.key for cell in cells.values()]
    assert len({key.config for key in keys if key}) == 3
    assert len({(key.code, key.data, key.upstream) for key in keys if key}) == 1
    assert len({config_key(cell.row.config, stage="fit") for cell in cells.values()}) == 3


def test_only_the_wanted_folds(earmark_home: Path) -> None:
    table = table_of(earmark_home, DEALS)
    cells = make_plan(table, Empty(earmark_home), rows=["mil"], folds=["2", "0"])
    assert [cell.fold for cell in cells] == ["2", "0"]


@pytest.mark.parametrize(
    ("more", "wanted", "says"),
    [(DEALS, "3", "unknown fold '3'; allowed: 0, 1, 2"), ("", "a", "unknown fold 'a': the table has no folds")],
)
def test_an_unknown_fold_is_one_line(
    earmark_home: Path, capsys: pytest.CaptureFixture[str], more: str, wanted: str, says: str
) -> None:
    table = table_of(earmark_home, more)
    assert main(["plan", str(table.path), "--folds", wanted]) == 2
    assert capsys.readouterr().err == f"earmark: error: t.yaml: --folds: {says}\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            TINY.replace("frames}", "frames, set: {data.corpus: tones/x}}"),
            "t.yaml: rows.mil: data.corpus is 'tones/x' here and 'tones/tiny' by folds.a; leave it to one of the two",
        ),
        (
            TINY.replace("frames}", "frames, set: {data: {class_path: a.B, init_args: {corpus: tones/x}}}}"),
            "t.yaml: rows.mil: data.corpus is 'tones/x' here",
        ),
        (TINY.replace("{demo: {}}", "{demo: {data.corpus: tones/x}}"), "t.yaml: scales.demo: data.corpus is 'tones/x'"),
        (
            TINY.replace("frames}", "frames, grid: {data.corpus: [tones/x]}}").replace("own: mil}", "own: broken}"),
            "t.yaml: rows.mil.corpus=tones_x: data.corpus is 'tones/x' here",
        ),
    ],
)
def test_a_key_of_the_folds_is_set_nowhere_else(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UserError) as raised:
        table_of(tmp_path, CORPORA, text=text)
    assert str(raised.value).startswith(says)


def test_set_on_the_command_line_takes_no_folds_place(tmp_path: Path) -> None:
    path = table_of(tmp_path, CORPORA).path
    with pytest.raises(UserError, match=r"--set: data.corpus is 'mine' here and 'tones/tiny' by folds.a"):
        read_table(str(path), overrides={"data.corpus": "mine"})


def test_two_folds_that_say_the_same_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"folds.b: says the same as folds.a"):
        table_of(tmp_path, "folds: {a: {data.corpus: x/y}, b: {data.corpus: x/y}}\n")


def test_rows_of_other_tables_are_of_the_fold_of_that_name_or_of_none(
    earmark_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.table_files.spec.TABLES", earmark_home)
    on_other = TINY.replace("own: mil}", "own: other/mil}")

    def upstream(more: str, of_other: str) -> dict[str | None, str]:
        table_of(earmark_home, of_other, name="other")
        table = table_of(earmark_home, more, text=on_other)
        cells = make_plan(table, Empty(earmark_home), rows=["mil_oracle"])
        return {cell.fold: cell.upstream["own"].name for cell in cells if cell.row.table == "t"}

    assert upstream(SAME, "") == {"a": "other/mil seed 0", "b": "other/mil seed 0"}
    with pytest.raises(
        UserError, match=r"other/mil seed 0 predicts for data.corpus tones/tiny, and this .* tones/other"
    ):
        upstream(CORPORA, "")
    assert upstream(CORPORA, CORPORA) == {"a": "other/mil fold a seed 0", "b": "other/mil fold b seed 0"}
    with pytest.raises(UserError, match=r"from.own: stands on fold 'a', and other.yaml has the folds 0, 1, 2 alone"):
        upstream(CORPORA, DEALS)
    with pytest.raises(UserError, match=r"other/mil seed 0 has another deal of tones/tiny .* is tested here"):
        upstream(DEALS, "")
    with pytest.raises(UserError, match=r"stands in a table without folds, and other.yaml has the folds"):
        upstream("", DEALS)


@pytest.mark.parametrize(
    ("folds", "says"),
    [
        ("{deals: 2}", r"folds.deals: expected an integer >= 3 \(a part to test on"),
        ("{deals: 3, by: familly}", r"folds.by: unknown kind of source 'familly' \(did you mean 'family'\?\)"),
    ],
)
def test_deals_that_are_none_are_refused(tmp_path: Path, folds: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        table_of(tmp_path, f"folds: {folds}\n")
