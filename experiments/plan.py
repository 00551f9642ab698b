"""Every cell of a table with its key and its state, judged by MLflow: what is there, what would run, and why.

Cells come in an order in which every run follows the runs that it stands on (``from:``). A plan works before the
data exist (state ``missing``, why ``data: …``) and imports no training code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datamodules.corpus_folder import CorpusMissingError, read_card
from experiments import keys
from experiments.errors import UserError
from experiments.merge import Config, get_path
from experiments.row_sources import SEED
from experiments.run_folder import KEY, is_locked
from experiments.spec import SHARED_OVERRIDES, Row, Table, read_table
from experiments.tracking import TrackedRun, Tracker


@dataclass(frozen=True)
class Cell:
    """One run of ``table``, which is another than the planned one where a row of that stands on it.

    ``state`` is ``finished``, ``running``, ``failed``, ``stale`` or ``missing``; ``why`` says what a state rests on.
    ``upstream`` maps the names of ``from:`` to the cells that the run stands on. ``run`` is MLflow's record of the
    run with this very key, whatever its state.
    """

    table: Table
    row: Row
    seed: int
    key: keys.RunKey | None
    code: Mapping[str, str]
    state: str
    why: str
    run: TrackedRun | None
    upstream: Mapping[str, Cell] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """``table/row seed N``."""
        return f"{self.row.table}/{self.row.name} seed {self.seed}"


def make_plan(table: Table, tracker: Tracker, *, rows: Sequence[str] = (), seeds: Sequence[int] = ()) -> list[Cell]:
    """The cells of the wanted rows and seeds (default: all) and of every row that they stand on."""
    for row in rows:
        table.row(row, where=table.path.name)
    planner = _Planner(table, tracker)
    for seed in seeds or table.seeds:
        for name in rows or table.rows:
            if seed in (table.rows[name].seeds or (seed,)):
                planner.cell(table.name, name, seed)
    if not planner.cells:
        raise UserError(f"{table.path.name}: none of the rows {', '.join(rows or table.rows)} runs at --seeds {seeds}")
    return sorted(planner.cells.values(), key=lambda cell: _depth(cell))


def _depth(cell: Cell) -> int:
    return 1 + max((_depth(other) for other in cell.upstream.values()), default=-1)


def recipe_version() -> str:
    """``RECIPE_VERSION`` of train.py, read without importing it."""
    text = (Path(__file__).parent / "train.py").read_text(encoding="utf-8")
    return next(line.split('"')[1] for line in text.splitlines() if line.startswith("RECIPE_VERSION"))


class _Planner:
    def __init__(self, table: Table, tracker: Tracker) -> None:
        self.tables = {table.name: table}
        self.scale = table.scale
        self.shared = {path: table.overrides[path] for path in SHARED_OVERRIDES if path in table.overrides}
        self.tracker = tracker
        self.cells: dict[tuple[str, str, int], Cell] = {}
        self.recipe = recipe_version()
        self._open: list[str] = []

    def table(self, name: str) -> Table:
        if name not in self.tables:
            self.tables[name] = read_table(name, scale=self.scale, overrides=self.shared)
        return self.tables[name]

    def cell(self, table: str, name: str, seed: int) -> Cell:
        place = (table, name, seed)
        if place in self.cells:
            return self.cells[place]
        spec = self.table(table)
        if f"{table}/{name}" in self._open:
            raise UserError(f"{spec.path.name}: rows.{name}.from: goes round in a circle: {' -> '.join(self._open)}")
        self._open.append(f"{table}/{name}")
        row = spec.rows[name]
        upstream = {}
        for source_name, source in row.sources.items():
            where = f"{spec.path.name}: rows.{name}.from.{source_name}"
            source_seed = seed if source.seed is None else source.seed
            other = self.table(source.table).row(source.row, where=where)
            if other.seeds is not None and source_seed not in other.seeds:
                say = f"{{row: {source.table}/{source.row}, seed: {other.seeds[0]}}}"
                raise UserError(f"{where}: {source.row!r} does not run at seed {source_seed}; say which: {say}")
            if row.stage == "fit" and source_name == SEED and other.stage != "fit":
                raise UserError(f"{where}: {source.row!r} is of stage {other.stage!r}, which leaves no weights")
            upstream[source_name] = self.cell(source.table, source.row, source_seed)
        self._open.pop()
        self.cells[place] = self._judge(spec, row, seed, upstream)
        return self.cells[place]

    def _judge(self, table: Table, row: Row, seed: int, upstream: Mapping[str, Cell]) -> Cell:
        code = keys.code_digests(row.config, recipe_version=self.recipe, imports=table.imports)
        try:
            digest = _data_digest(row.config, where=f"{table.path.name}: rows.{row.name}")
        except CorpusMissingError as error:
            return Cell(table, row, seed, None, code, "missing", f"data: {error}", None, upstream)
        upstream_keys = {name: cell.key for name, cell in upstream.items() if cell.key is not None}
        key = keys.RunKey(
            config=keys.config_key(row.config, stage=row.stage),
            code=keys.code_key(code),
            data=digest,
            seed=seed,
            upstream=keys.upstream_key(upstream_keys),
        )
        state, why, run = self._state(table, row, seed, key, code)
        return Cell(table, row, seed, key, code, state, why, run, upstream)

    def _state(
        self, table: Table, row: Row, seed: int, key: keys.RunKey, code: Mapping[str, str]
    ) -> tuple[str, str, TrackedRun | None]:
        same = self.tracker.find(table.family, tags={"key": key.id})
        run_dir = self.tracker.run_dir(key.id)
        for run in same:
            if run.state == "finished":
                return "finished", "", run
        if is_locked(run_dir):
            return "running", "its process is alive", same[0] if same else None
        if same:
            ended = same[0].state in ("failed", "stopped")
            why = f"{same[0].state}: {same[0].tags.get('earmark.error')}" if ended else "its process is gone"
            return "failed", why, same[0]
        older = self.tracker.find(
            table.family,
            tags={f"row.{table.name}": row.name, "seed": str(seed), "scale": table.scale, "earmark.state": "finished"},
        )
        if older:
            return "stale", self._difference(older[0], key, row.config, code), None
        return "missing", "never run", None

    def _difference(self, old: TrackedRun, key: keys.RunKey, config: Config, code: Mapping[str, str]) -> str:
        """What changed since a finished run of the same cell."""
        changed = [name for name, part in key.parts().items() if old.tags.get(f"key.{name}") != part]
        record = self.tracker.run_dir(old.tags.get("key", "")) / KEY
        known = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else None
        reasons = []
        for name in changed:
            detail = ""
            if known and name == "code":
                detail = ": " + ", ".join(keys.differing_files(known["code"], code))
            elif known and name == "config":
                detail = ": " + "; ".join(config_changes(known["config"], config))
            reasons.append(f"{name} changed{detail}")
        return "; ".join(reasons)


def _data_digest(config: Config, *, where: str) -> str:
    corpus = get_path(config, "data.corpus")
    if not isinstance(corpus, str):
        raise UserError(f"{where}: data.corpus: expected the name of a prepared corpus, got {corpus!r}")
    return read_card(corpus).digest


def _leaves(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    leaves: dict[str, Any] = {}
    for key, item in value.items():
        name = prefix if key in ("init_args", "class_path") else f"{prefix}.{key}".lstrip(".")
        leaves.update(_leaves(item, name))
    return leaves


def config_changes(old: Config, new: Config) -> list[str]:
    """``model.penalty_alpha 0.1 -> 0.2`` for every leaf that differs."""
    before, after = _leaves(old), _leaves(new)
    return [
        f"{path} {before.get(path, 'unset')} -> {after.get(path, 'unset')}"
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    ]
