"""A plan as a document and back: folds, trials of a search, and what a row of another table gave."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from experiments.planning.cell import Cell
from experiments.runs.keys import RunKey
from experiments.stored_results.packs.plan_record import read_plan, wanted, write_plan
from experiments.table_files.folds import in_fold
from experiments.table_files.spec import Row, read_table
from experiments.tracking.tracked_run import TrackedRun

TABLE = """title: Two
family: sed
base:
  data: {class_path: datamodules.sed.SoundEventClips, init_args: {corpus: tones/none, batch_size: 4}}
  model: {class_path: lightning_modules.sed.mil.MIL, init_args: {lr: 0.1}}
rows:
  mil: {why: maximum}
  found: {why: searched, search: {metric: validation/x, better: higher, trials: 2, parallel: 1,
                                  space: {model.lr: [0.1, 0.2]}}}
seeds: [0, 1]
scales: {demo: {}}
folds: {a: {data.corpus: mine/a}, b: {data.corpus: mine/b}}
columns: {test/x: {label: X, better: higher}}
"""


def test_folds_trials_and_upstream_cells_come_back(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(TABLE)
    table = read_table(str(path))
    searching = table.rows["found"]
    config = {**searching.config, "model": {"class_path": "a.B", "init_args": {"lr": 0.2}}}
    trial = replace(searching, name="found.trial=000", why="lr=0.2", search=None, config=config)
    table = replace(
        table, rows={"mil": table.rows["mil"], trial.name: trial}, grids={"found": (trial.name,)},
        winners={"found": trial.name},
    )  # fmt: skip
    key = RunKey("c", "d", "e", 1, "u")
    run = TrackedRun("r", "finished", {"key": key.id}, {"test/x": 0.5})
    other = Cell(table, Row("far", "away", "why", "fit", {"data": {}}, {}), 0, key, {}, "finished", "", run)
    cells = [
        Cell(table, in_fold(row, settings), 1, key, {}, state, "", run, {"own": other}, fold=fold)
        for row in table.rows.values()
        for state, (fold, settings) in zip(("finished", "stale"), table.folds.items(), strict=True)
    ]
    document = json.loads(json.dumps(write_plan(table, cells)))
    read, found = read_plan(document, {key.id: run}, table_file=path)
    assert [(of.name, of.state, of.fold, of.row.config, of.row.why, of.key) for of in found] == [
        (of.name, of.state, of.fold, of.row.config, of.row.why, of.key) for of in cells
    ]
    assert [of.run for of in found] == [run, None, run, None], "a run counts where the cell is finished"
    assert found[0].upstream["own"].name == other.name
    assert (read.rows, read.grids, read.winners, read.folds) == (table.rows, table.grids, table.winners, table.folds)
    some = wanted(found, table=read, rows=["found"], seeds=[1], folds=["b"])
    assert [of.name for of in some] == ["two/found.trial=000 fold b seed 1"]
