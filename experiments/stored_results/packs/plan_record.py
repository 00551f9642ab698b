"""A plan as a document, and read again: the cells with their states as they were judged when it was packed.

The table is read from its own file, which travels with it; the document has what that file does not say: the trials of
a search, and the configuration of every cell. A field of a cell that a later version adds travels as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from experiments.planning.cell import Cell
from experiments.runs.keys import RunKey
from experiments.table_files.folds import check_fold
from experiments.table_files.spec import TABLES, Row, Table, read_table
from experiments.tracking.tracked_run import TrackedRun

OBJECTS = ("table", "row", "key", "code", "run", "upstream", "change", "trained")  # of a cell, written by hand
KEY_PARTS = ("config", "code", "data", "seed", "upstream")
ROW_TEXTS = ("table", "name", "why", "stage")


def every_cell(cells: Sequence[Cell]) -> list[Cell]:
    """The cells, and those that they stand on, each once and after what it stands on."""
    found: dict[str, Cell] = {}

    def add(cell: Cell) -> None:
        for other in cell.upstream.values():
            add(other)
        found.setdefault(cell.name, cell)

    for cell in cells:
        add(cell)
    return list(found.values())


def write_plan(table: Table, cells: Sequence[Cell]) -> dict[str, Any]:
    """The document, plain values."""
    every = every_cell(cells)
    place = {cell.name: number for number, cell in enumerate(every)}
    configs: dict[str, int] = {}

    def config(row: Row) -> int:
        return configs.setdefault(json.dumps(row.config), len(configs))

    rows = {name: {"why": row.why, "config": config(row), "of": _searching(table, name)} for name, row in
            table.rows.items()}  # fmt: skip
    written = [
        {
            **{name: getattr(cell, name) for name in _plain_fields()},
            "row": {name: getattr(cell.row, name) for name in ROW_TEXTS} | {"config": config(cell.row)},
            "key": None if cell.key is None else [getattr(cell.key, part) for part in KEY_PARTS],
            "run": cell.run.tags["key"] if cell.run and cell.state == "finished" else None,
            "upstream": {name: place[other.name] for name, other in cell.upstream.items()},
        }
        for cell in every
    ]
    return {
        "table": table.name,
        "scale": table.scale,
        "shipped": table.path.parent == TABLES,
        "overrides": dict(table.overrides),
        "grids": {name: list(points) for name, points in table.grids.items()},
        "winners": dict(table.winners),
        "given_up": sorted(table.given_up),
        "varied": list(table.varied),
        "rows": rows,
        "cells": written,
        "shown": [place[cell.name] for cell in cells],
        "configs": [json.loads(text) for text in configs],
    }


def _plain_fields() -> tuple[str, ...]:
    return tuple(field.name for field in fields(Cell) if field.name not in OBJECTS)


def _searching(table: Table, row: str) -> str | None:
    """The row of the file that a row is a trial of."""
    return next((name for name, trials in table.grids.items() if name in table.searches and row in trials), None)


def read_plan(document: Mapping[str, Any], runs: Mapping[str, TrackedRun], *, table_file: Path) -> tuple[
    Table, list[Cell]
]:  # fmt: skip
    """Table and cells of a document; ``runs`` by key. Raises ``KeyError``, ``TypeError``… for a damaged one."""
    configs = document["configs"]
    table = read_table(str(table_file), scale=document["scale"], overrides=document["overrides"])
    rows = {
        name: replace(
            _base(table, of["of"] or name), name=name, why=of["why"], config=configs[of["config"]], search=None
        )
        for name, of in document["rows"].items()
    }
    table = replace(
        table,
        path=(TABLES if document["shipped"] else table_file.parent) / table_file.name,
        rows=rows,
        grids={name: tuple(points) for name, points in document["grids"].items()},
        winners=document["winners"],
        given_up=frozenset(document["given_up"]),
        varied=tuple(document["varied"]),
    )
    every: list[Cell] = []
    for of in document["cells"]:
        every.append(_cell(of, table, runs, every, configs))
    return table, [every[number] for number in document["shown"]]


def _base(table: Table, name: str) -> Row:
    return table.rows[name]


def _cell(
    of: Mapping[str, Any], table: Table, runs: Mapping[str, TrackedRun], before: Sequence[Cell], configs: Sequence[Any]
) -> Cell:
    own = of["row"]["table"] == table.name
    row = (
        table.rows[of["row"]["name"]]
        if own
        else Row(**{name: of["row"][name] for name in ROW_TEXTS}, config={}, sources={})
    )
    row = replace(row, config=configs[of["row"]["config"]], why=of["row"]["why"])
    plain = {name: of[name] for name in _plain_fields() if name in of}
    return Cell(
        table=table if own else replace(table, name=row.table, rows={row.name: row}),
        row=row,
        key=None if of["key"] is None else RunKey(**dict(zip(KEY_PARTS, of["key"], strict=True))),
        code={},
        run=None if of["run"] is None else runs[of["run"]],
        upstream={name: before[number] for name, number in of["upstream"].items()},
        **plain,
    )


def wanted(
    cells: Sequence[Cell], *, table: Table, rows: Sequence[str], seeds: Sequence[int], folds: Sequence[str]
) -> list[Cell]:
    """The cells of these rows, seeds and folds (default: all) and, as in a plan, of what they stand on."""
    rows = [point for row in rows for point in table.grids.get(row, (row,))]
    for row in rows:
        table.row(row, where=table.path.name)
    own = [cell for cell in cells if cell.row.table == table.name and cell.row.name in (rows or table.rows)]
    for fold in folds:
        check_fold(table.folds, fold, where="--folds")
    chosen = [cell for cell in own if cell.seed in (seeds or [cell.seed]) and (not folds or cell.fold in folds)]
    names = {name for cell in chosen for name in _with_upstream(cell)}
    return [cell for cell in cells if cell.name in names]


def _with_upstream(cell: Cell) -> Iterator[str]:
    yield cell.name
    for other in cell.upstream.values():
        yield from _with_upstream(other)
