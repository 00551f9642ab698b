"""A table file: base, rows that say only what differs, seeds, columns, scales. Read strictly into frozen dataclasses.

One file is one table; a row is a small difference with one line why; a cell (row, seed) is a tracked run. The shape
is in docs/tables.md. YAML 1.2, duplicate keys are refused with their line. Neither torch nor mlflow is imported here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from experiments.errors import UserError, unknown
from experiments.table_files.charts import Chart, read_charts
from experiments.table_files.columns import Column, read_columns
from experiments.table_files.folds import Folds, check_rows, read_blocks, read_folds, set_by_hand
from experiments.table_files.grid import spell_out
from experiments.table_files.groups import Group, baselines, read_baseline, read_groups
from experiments.table_files.machine import read_machine
from experiments.table_files.merge import Config, get_path, normalise, set_path, unset_path
from experiments.table_files.row_sources import Source, check_seed, read_sources
from experiments.table_files.search_spec import Search, check_searches, read_search
from experiments.table_files.shared_search import with_shared_search
from experiments.table_files.stored_names import name_problem
from experiments.table_files.table_values import check_name, read_mapping, read_seeds, read_texts
from experiments.table_files.varied import varied
from experiments.table_files.view_spec import View, default_view, read_views
from experiments.table_files.yaml_files import read_yaml

TABLES = Path(__file__).parents[1] / "tables"
TABLE_KEYS = ("title", "family", "base", "machine", "rows", "seeds", "scales", "columns", "charts", "views", "imports",
              "baseline", "groups", "folds", "search", "blocks")  # fmt: skip
ROW_KEYS = ("why", "set", "unset", "scales", "stage", "from", "reference", "seeds", "only_at", "grid", "search",
            "against", "each")  # fmt: skip
SCALE_KEYS = ("seeds", "folds")  # of the table, which a scale may have its own of
SECTIONS = ("data", "model", "trainer", "checkpoint", "scoring", "fine_tuning")
SCORE_SECTIONS = ("data", "scoring")
SHARED_OVERRIDES = ("data.corpus", "data.languages")  # what rows of two tables must agree on to stand on each other


@dataclass(frozen=True)
class Row:
    """One system of a table, with its whole configuration at the chosen scale, or what a ``search`` starts from.

    ``sources`` maps a name of ``from:`` to the row that stands there. A ``reference`` row is shown and never stands in
    bold: it knows more than the others (the true tags, strong labels), so it does not compete. ``seeds`` are those at
    which the row runs, None for all that are asked for, and ``folds``, of a trial alone, likewise. ``against`` is the
    row that it is compared with, None for its group's or the table's.
    """

    table: str
    name: str
    why: str
    stage: Literal["fit", "score"]
    config: Config
    sources: Mapping[str, Source]
    reference: bool = False
    seeds: tuple[int, ...] | None = None
    search: Search | None = None
    against: str | None = None
    folds: tuple[str, ...] | None = None

    def runs_at(self, seed: int, fold: str | None) -> bool:
        """Whether the row has a run there."""
        return seed in (self.seeds or (seed,)) and fold in (self.folds or (fold,))


@dataclass(frozen=True)
class Table:
    """A table at one scale.

    ``varied`` are the dotted paths in which its trained rows differ, ``absent`` the scales of the rows that are not
    there at this one. ``grids`` are the rows that a row with ``grid:`` stands for, ``searches`` the rows whose trials
    ``search.with_trials`` puts in their place, with the best trial of each search that has ended (``winners``, by the
    searching row), the trials that failed and are not tried again (``given_up``), and the rows that stand on a search
    which has not ended (``waiting``, with its row). ``baseline`` is the row that a report compares the others with,
    where neither they nor their group name another. ``folds`` are a fold's settings by its name, empty where there are
    none; ``blocks`` the kind of recorded source that tests draw by, None for what there are enough of.
    """

    name: str
    path: Path
    title: str
    family: str
    scale: str
    rows: Mapping[str, Row]
    seeds: tuple[int, ...]
    columns: tuple[Column, ...]
    machine: Mapping[str, Any]
    imports: tuple[str, ...]
    varied: tuple[str, ...]
    overrides: Mapping[str, Any] = field(default_factory=dict)
    absent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    grids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    searches: Mapping[str, Search] = field(default_factory=dict)
    winners: Mapping[str, str] = field(default_factory=dict)
    given_up: frozenset[str] = frozenset()
    waiting: Mapping[str, str] = field(default_factory=dict)
    charts: tuple[Chart, ...] = ()
    baseline: str | None = None
    views: tuple[View, ...] = ()
    groups: tuple[Group, ...] = ()
    folds: Folds = field(default_factory=dict)
    blocks: str | None = None

    def baselines(self) -> dict[str, str]:
        """The row that each row is compared with, of those that are compared."""
        against = {name: row.against for name, row in self.rows.items()}
        found = baselines(list(self.rows), against=against, groups=self.groups, of_table=self.baseline)
        return {row: baseline for row, baseline in found.items() if baseline in self.rows}

    def meant_by(self, name: str) -> tuple[str, ...]:
        """The rows that are run for a name: a grid's points, a search's trials, and first those that it waits for."""
        waits_for = self.meant_by(self.waiting[name]) if name in self.waiting else ()
        return (*waits_for, *self.grids.get(name, (name,)))

    def row(self, name: str, *, where: str) -> Row:
        """The row of a name. Raises ``UserError`` for one that there is not, or not at this scale."""
        if name in self.grids:
            raise UserError(f"{where}: row {name!r} is a grid; name one of {', '.join(self.grids[name])}")
        if name in self.absent:
            raise UserError(f"{where}: row {name!r} is only at scale {', '.join(self.absent[name])}, not {self.scale}")
        if name not in self.rows:
            raise UserError(f"{where}: {unknown('row', name, self.rows)}")
        return self.rows[name]


def table_path(name_or_path: str) -> Path:
    """The file of a shipped table's name, or of a path. Raises ``UserError`` with the shipped names."""
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise UserError(f"{path}: no such table file")
        return path.resolve()
    shipped = {file.stem: file for file in sorted(TABLES.glob("*.yaml"))}
    if name_or_path not in shipped:
        raise UserError(unknown("table", name_or_path, shipped) + ", or the path of a .yaml file")
    return shipped[name_or_path]


def read_sections(value: Mapping[str, Any], *, where: str) -> Config:
    """``normalise`` of the sections of a run, its refusals told with their place."""
    try:
        config: Config = normalise(value)
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None
    return config


def _row_config(
    base: Config,
    entry: Mapping[str, Any],
    *,
    table_scale: Mapping[str, Any],
    scale: str,
    scales: Sequence[str],
    where: str,
    point: Mapping[str, Any],
) -> Config:
    """Base, then the table's scale, the row's ``unset`` and ``set``, the row's own scale, its point of a grid."""
    row_set = read_mapping(entry.get("set"), where=f"{where}.set")
    row_scales = {
        name: read_mapping(differences, where=f"{where}.scales.{name}")
        for name, differences in read_mapping(entry.get("scales"), where=f"{where}.scales", allowed=scales).items()
    }
    own_scale = row_scales.get(scale, {})
    if clash := sorted(path for path in row_set if path in table_scale and path not in own_scale):
        raise UserError(
            f"{where}.set.{clash[0]}: scale {scale!r} sets this key too; say which holds under {where}.scales.{scale}"
        )
    config: Config = normalise(base)
    unset = read_texts(entry.get("unset"), where=f"{where}.unset")
    try:
        for path, value in table_scale.items():
            set_path(config, path, value)
        for path in unset:
            unset_path(config, path)
        for path, value in {**row_set, **own_scale, **point}.items():
            set_path(config, path, value)
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None
    return config


def _row_fields(name: str, entry: Any, *, where: str) -> dict[str, Any]:
    check_name(name, where=where)
    fields = read_mapping(entry, where=where, allowed=ROW_KEYS)
    if not isinstance(fields.get("why"), str):
        raise UserError(f"{where}.why: every row says in one line why it is there")
    return fields


def _only_at(name: str, entry: Any, *, scales: Sequence[str], where: str) -> tuple[str, ...]:
    """The scales at which a row is there: all, where it does not say."""
    fields = _row_fields(name, entry, where=where)
    only_at = read_texts(fields.get("only_at"), where=f"{where}.only_at")
    for scale in only_at:
        if scale not in scales:
            raise UserError(f"{where}.only_at: {unknown('scale', scale, scales)}")
    if "only_at" in fields and not only_at:
        raise UserError(f"{where}.only_at: name at least one scale; allowed: {', '.join(scales)}")
    return only_at or tuple(scales)


def _row(table: str, name: str, entry: Any, *, base: Config, table_scale: Mapping[str, Any], scale: str,
         scales: Sequence[str], where: str, overrides: Mapping[str, Any], point: Mapping[str, Any]) -> Row:  # fmt: skip
    fields = _row_fields(name, entry, where=where)
    stage = fields.get("stage", "fit")
    if stage not in ("fit", "score"):
        raise UserError(f"{where}.stage: {unknown('stage', str(stage), ('fit', 'score'))}")
    reference = fields.get("reference", False)
    if not isinstance(reference, bool):
        raise UserError(f"{where}.reference: expected true or false, got {reference!r}")
    config = _row_config(base, fields, table_scale=table_scale, scale=scale, scales=scales, where=where, point=point)
    if stage == "score":
        _check_scored(set_by_hand({**fields, "search": None}, scale=scale, point=point), where=where)
    try:
        for path, value in overrides.items():
            if stage == "fit" or path.split(".")[0] in SCORE_SECTIONS:
                set_path(config, path, value)
    except ValueError as error:
        raise UserError(f"{where}: --set {error}") from None
    for section in config:
        if section not in SECTIONS:
            raise UserError(f"{where}: {unknown('section', section, SECTIONS)}")
    kept = SECTIONS if stage == "fit" else SCORE_SECTIONS
    config = {section: config[section] for section in kept if section in config}
    sources = read_sources(fields.get("from"), table=table, where=f"{where}.from")
    check_seed(config, sources, stage=stage, where=where)
    seeds = read_seeds(fields["seeds"], where=where) if "seeds" in fields else None
    search = read_search(fields["search"], where=f"{where}.search") if "search" in fields else None
    return Row(table=table, name=name, why=fields["why"], stage=stage, config=config, sources=sources,
               reference=reference, seeds=seeds, search=search, against=fields.get("against"))  # fmt: skip


def _check_scored(paths: Collection[str], *, where: str) -> None:
    """Raise ``UserError`` for a setting of a row that never trains which only a training reads."""
    if ignored := sorted(path for path in paths if path.split(".")[0] not in SCORE_SECTIONS):
        raise UserError(
            f"{where}.set.{ignored[0]}: a row of stage score does not train: its `from:` names the run that did; "
            f"allowed: settings of {', '.join(SCORE_SECTIONS)}"
        )


def read_table(
    name_or_path: str,
    *,
    scale: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    scored_rows: Sequence[str] = (),
) -> Table:
    """Read a table at one scale (default: the first that it lists), every row merged.

    ``overrides`` are dotted paths from the command line; they come last and hold for every row, those of ``scoring``
    for ``scored_rows`` alone where there are any: the rows that these stand on are scored as ever. Raises
    ``UserError`` in one line that names file, key, value and what is allowed.
    """
    path, overrides = table_path(name_or_path), dict(overrides or {})
    check_name(path.stem, where=str(path))
    raw = read_mapping(read_yaml(path), where=str(path.name), allowed=TABLE_KEYS)
    where, name = path.name, path.stem
    scales = read_mapping(raw.get("scales"), where=f"{where}: scales") or {"full": {}}
    for known in scales:
        check_name(known, where=f"{where}: scales")
    scale = scale or next(iter(scales))
    if scale not in scales:
        raise UserError(f"{where}: {unknown('scale', scale, scales)}")
    if problem := name_problem(f"row.{name}/{scale}"):  # what finds the table's runs in a store
        raise UserError(f"{where}: tag row.{name}/{scale}: {problem}")
    grids = spell_out(read_mapping(raw.get("rows"), where=f"{where}: rows"), where=f"{where}: rows")
    if not (entries := grids.entries):
        raise UserError(f"{where}: rows: a table needs at least one row")
    grids.refuse_set(overrides, where=where)
    table_scale = read_mapping(scales[scale], where=f"{where}: scales.{scale}")
    raw = {**raw, **{key: table_scale.pop(key) for key in SCALE_KEYS if key in table_scale}}
    base = read_sections(
        read_mapping(raw.get("base"), where=f"{where}: base", allowed=SECTIONS), where=f"{where}: base"
    )
    at = {
        row: _only_at(row, entry, scales=list(scales), where=f"{where}: rows.{row}") for row, entry in entries.items()
    }
    rows = {
        row: _row(name, row, entry, base=base, table_scale=table_scale, scale=scale, scales=list(scales),
                  where=f"{where}: rows.{row}",
                  overrides=_overrides_of(row, overrides, grids.meant_by(scored_rows)), point=grids.points.get(row, {}))
        for row, entry in entries.items() if scale in at[row]
    }  # fmt: skip
    seeds = read_seeds(raw.get("seeds"), where=where)
    family = str(raw.get("family", name))
    check_name(family, where=f"{where}: family")
    _check_seeds(rows, seeds, names=list(entries), where=where)
    folds = read_folds(raw.get("folds"), where=where)
    by_row = {f"rows.{row}": set_by_hand(entries[row], scale=scale, point=grids.points.get(row, {})) for row in rows}
    rows = with_shared_search(rows, raw.get("search"), seeds=seeds, grids=grids, set_by=by_row, scale=scale,
                              scales=list(scales), where=where)  # fmt: skip
    space = {path: axis for row in rows.values() if row.search for path, axis in row.search.space.items()}
    set_by = {f"scales.{scale}": table_scale, **by_row, "search.space": space, "--set": overrides}
    check_rows(folds, rows, set_by=set_by, where=where)
    check_searches(rows.values(), seeds=seeds, folds=folds, overrides=overrides, where=where)
    columns = read_columns(raw.get("columns"), where=where)
    groups = read_groups(grids.named(raw.get("groups")), where=where, rows=list(entries))
    charts = grids.named(raw.get("charts"))
    return Table(
        name=name,
        path=path,
        title=str(raw.get("title", name)),
        family=family,
        scale=scale,
        rows=rows,
        seeds=seeds,
        columns=columns,
        machine=read_machine(raw.get("machine"), where=f"{where}: machine"),
        imports=read_texts(raw.get("imports"), where=f"{where}: imports"),
        varied=varied(rows.values()),
        overrides=overrides,
        absent={row: at_scales for row, at_scales in at.items() if scale not in at_scales},
        grids=grids.rows,
        searches={row.name: row.search for row in rows.values() if row.search is not None},
        charts=read_charts(charts, where=where, rows=list(entries), columns=columns, groups=groups),
        baseline=read_baseline(raw.get("baseline"), where=f"{where}: baseline", rows=list(entries)),
        groups=groups,
        folds=folds,
        blocks=read_blocks(raw.get("blocks"), where=where),
        views=read_views(
            grids.named(raw.get("views")), where=where, rows=list(entries), default=_default_view(base, columns)
        ),
    )


def _check_seeds(rows: Mapping[str, Row], seeds: Sequence[int], *, names: Sequence[str], where: str) -> None:
    """``names`` are the table's rows at any scale."""
    for row in rows.values():
        read_baseline(row.against, where=f"{where}: rows.{row.name}.against", rows=names)
        if extra := sorted(set(row.seeds or ()) - set(seeds)):
            raise UserError(f"{where}: rows.{row.name}.seeds: {extra[0]} is none of the table's seeds {list(seeds)}")


def _default_view(base: Config, columns: Sequence[Column]) -> View:
    monitor = get_path(base, "checkpoint.monitor")
    return default_view(
        [(column.metric, column.label) for column in columns],
        lower=[column.metric for column in columns if column.better == "lower"],
        monitor=monitor if isinstance(monitor, str) else None,
    )


def _overrides_of(row: str, overrides: Mapping[str, Any], scored_rows: Sequence[str]) -> dict[str, Any]:
    scored = not scored_rows or row in scored_rows
    return {path: value for path, value in overrides.items() if scored or path.split(".")[0] != "scoring"}
