"""Equal chances: rows with one space get the same draws, and what stands on a searched row waits for its best trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from experiments.errors import UserError
from experiments.planning import plan, search
from experiments.planning.cell import Cell, Place
from experiments.planning.known_runs import KnownRuns
from experiments.runs.keys import RunKey
from experiments.table_files.merge import get_path
from experiments.table_files.row_sources import Source
from experiments.table_files.spec import Row, Table, read_table
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import TrackedRun

TEXT = """
family: sed
base:
  data: {class_path: datamodules.sed.SoundEventClips, init_args: {corpus: tones/tiny, batch_size: 4}}
  model: {class_path: lightning_modules.sed.mil.MIL, init_args: {optimizer: {class_path: torch.optim.Adam}}}
search: {metric: validation/tagging_map, budget: 3, space:
  {model.optimizer.lr: {low: 0.0001, high: 0.1, log: true}, data.batch_size: [2, 4, 8]}}
rows:
  on_tuned: {why: from the tuned one, from: {seed: fsl}, set: {fine_tuning: {}}}
  mil: {why: none}
  fsl: {why: another, set: {model: lightning_modules.sed.fsl.FSL}}
  oracle: {why: true tags, stage: score, from: {own: mil}, set: {scoring.tags: oracle}}
  on_oracle: {why: on that, stage: score, from: {own: oracle}, set: {scoring.tags: oracle}}
seeds: [0, 1]
columns: {validation/tagging_map: {label: mAP}}
"""
MIL, FSL = ([f"{row}.trial={number:03d}" for number in range(3)] for row in ("mil", "fsl"))


class Judge:
    """Every run of the rows named is finished, the better the smaller its learning rate."""

    finished: Sequence[str] = ()

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def judge(self, table: Table, row: Row, place: Place, upstream: Mapping[str, Cell]) -> Cell:
        done = any(row.name.startswith(name) for name in self.finished)
        figure = -float(get_path(row.config, "model.optimizer.lr") or 0)
        run = TrackedRun("id", "finished", {}, {"validation/tagging_map": figure}) if done else None
        key = RunKey(repr(row.config), "", "", place.seed, "")
        state = "finished" if done else "missing"
        return Cell(table, row, place.seed, key, {}, state, "", run, upstream, fold=place.fold)


@pytest.fixture
def cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The table and the names of its cells, with so much finished."""
    path = tmp_path / "t.yaml"
    path.write_text(TEXT)
    monkeypatch.setattr(plan, "Judge", Judge)
    monkeypatch.setattr(KnownRuns, "older", lambda *_, **__: {})

    def planned(*finished: str, text: str = TEXT, **more: Any) -> tuple[Table, list[Cell]]:
        path.write_text(text)
        monkeypatch.setattr(Judge, "finished", finished)
        table = search.with_trials(read_table(str(path)), cast(Tracker, None))
        return table, plan.make_plan(table, cast(Tracker, None), **more)

    return planned


def test_every_row_gets_the_same_draws_at_once_and_at_the_first_seed(cells: Any) -> None:
    table, found = cells()
    assert table.grids == {"mil": tuple(MIL), "fsl": tuple(FSL)}
    for first, second in zip(MIL, FSL, strict=True):
        for path in ("model.optimizer.lr", "data.batch_size"):
            assert get_path(table.rows[first].config, path) == get_path(table.rows[second].config, path)
    assert len({get_path(table.rows[name].config, "model.optimizer.lr") for name in MIL}) == 3
    assert {cell.seed for cell in found if cell.row.name in (*MIL, *FSL)} == {0}
    again, _ = cells("mil")  # what one row's trials came to changes no other row's
    assert {name: again.rows[name].config for name in FSL} == {name: table.rows[name].config for name in FSL}


def test_what_stands_on_a_search_waits_for_its_best_trial_and_then_stands_on_it(cells: Any) -> None:
    table, found = cells()
    waiting = {cell.row.name: cell.why for cell in found if cell.waits}
    assert waiting == {
        "on_tuned": "waits for the search of fsl",
        "oracle": "waits for the search of mil",
        "on_oracle": "waits for the search of mil",
    }
    assert not any(cell.would_run for cell in found if cell.waits)
    table, found = cells("mil.trial")
    best = table.winners["mil"]
    assert best == min(MIL, key=lambda name: get_path(table.rows[name].config, "model.optimizer.lr"))
    assert table.rows["oracle"].sources == {"own": Source("t", best)}
    assert {cell.name for cell in found if cell.row.name == "on_oracle" and cell.would_run} == {
        "t/on_oracle seed 0",
        "t/on_oracle seed 1",
    }
    assert {cell.row.name for cell in found if cell.waits} == {"on_tuned"}
    table, _ = cells("mil.trial", "fsl.trial")  # its own search begins where the one that it stands on has ended
    assert len(table.grids["on_tuned"]) == 3
    assert {source.row for name in table.grids["on_tuned"] for source in table.rows[name].sources.values()} == {
        table.winners["fsl"]
    }


def test_the_best_trial_alone_runs_at_the_other_seeds(cells: Any) -> None:
    table, found = cells("mil.trial")
    assert {cell.row.name for cell in found if cell.row.name in MIL and cell.seed == 1} == {table.winners["mil"]}


def test_a_view_that_names_a_searched_row_shows_its_trials(cells: Any) -> None:
    table, _ = cells(text=TEXT + "views: {some: {rows: [mil, oracle]}}\n")
    assert [view.rows for view in table.views] == [(*MIL, "oracle")]


def test_a_row_asked_for_by_name_brings_the_search_that_it_waits_for(cells: Any) -> None:
    _, found = cells(rows=["on_oracle"])
    assert {cell.row.name for cell in found} == {*MIL, "on_oracle"}
    assert sum(cell.would_run for cell in found) == 3


def test_trials_run_on_the_folds_of_the_search_and_the_best_on_all(cells: Any) -> None:
    folds = "folds: {a: {data.corpus: tones/a}, b: {data.corpus: tones/b}}\n"
    text = folds + TEXT.replace("corpus: tones/tiny, ", "").replace("budget: 3", "budget: 3, folds: [b]")
    _, found = cells(text=text)
    assert {(cell.fold, cell.seed) for cell in found if cell.row.name in MIL} == {("b", 0)}
    table, found = cells("mil.trial", text=text)
    of_best = {(cell.fold, cell.seed) for cell in found if cell.row.name == table.winners["mil"]}
    assert of_best == {(fold, seed) for fold in "ab" for seed in (0, 1)}


def test_another_table_does_not_stand_on_a_search(cells: Any, tmp_path: Path) -> None:
    table, _ = cells()
    other = (
        TEXT.replace("search:", "machine: {}\n#").replace("  {model.opt", "#").replace("own: mil", f"own: {tmp_path}")
    )
    with pytest.raises(UserError, match="mil' has a search; only rows of its own table stand on its best trial"):
        _plan_other(table, other, tmp_path)


def _plan_other(table: Table, text: str, folder: Path) -> None:
    path = folder / "u.yaml"
    path.write_text(text.replace(f"own: {folder}", "own: t/mil"))
    planner = plan._Planner(
        read_table(str(path)), cast(Tracker, None), cast(Any, None), cast(Any, None), from_store=False
    )
    planner.tables["t"] = read_table(str(folder / "t.yaml"))
    planner.cell("u", Place("oracle", 0))
