"""A table file: base, rows that say only what differs, seeds, columns, scales. Read strictly into frozen dataclasses.

One file is one table; a row is a small difference with one line why; a cell (row, seed) is a tracked run. The shape
is in docs/tables.md. YAML 1.2, duplicate keys are refused with their line. Neither torch nor mlflow is imported here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from experiments.errors import UserError, unknown
from experiments.merge import Config, get_path, normalise, set_path, unset_path
from experiments.yaml_files import read_yaml

TABLES = Path(__file__).parent / "tables"
TABLE_KEYS = ("title", "family", "base", "machine", "rows", "seeds", "scales", "columns", "imports")
ROW_KEYS = ("why", "set", "unset", "scales", "stage", "from", "reference")
MACHINE_KEYS = {"num_workers": 0, "devices": 1, "num_nodes": 1, "threads": 1}  # integers, with the least of each
COLUMN_KEYS = ("label", "better", "unit", "decimals")
DECIMALS = {"percent": 1, "number": 2}
SECTIONS = ("data", "model", "trainer", "checkpoint", "scoring")
SCORE_SECTIONS = ("data", "scoring")
SHARED_OVERRIDES = ("data.corpus", "data.languages")  # what rows of two tables must agree on to stand on each other
NAME = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class Column:
    """One metric as a report shows it, with so many decimals; ``unit`` percent multiplies rates by 100."""

    metric: str
    label: str
    better: Literal["higher", "lower", "neither"]
    unit: Literal["percent", "number"]
    decimals: int


@dataclass(frozen=True)
class Row:
    """One system of a table, with its whole configuration at the chosen scale.

    ``sources`` maps a name of ``from:`` to ``table/row``. A ``reference`` row is shown and never stands in bold: it
    knows more than the others (the true tags, strong labels), so it does not compete.
    """

    table: str
    name: str
    why: str
    stage: Literal["fit", "score"]
    config: Config
    sources: Mapping[str, str]
    reference: bool = False


@dataclass(frozen=True)
class Table:
    """A table at one scale; ``varied`` are the dotted paths in which its trained rows differ."""

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


def _mapping(value: Any, *, where: str, allowed: Sequence[str] | None = None) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UserError(f"{where}: expected a mapping, got {value!r}")
    for key in value:
        if not isinstance(key, str):
            raise UserError(f"{where}: key {key!r} is not text; quote it")
        if allowed is not None and key not in allowed:
            raise UserError(f"{where}: {unknown('key', key, allowed)}")
    return dict(value)


def read_texts(value: Any, *, where: str) -> tuple[str, ...]:
    """A list of text, empty where nothing stands."""
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise UserError(f"{where}: expected a list of text, got {value!r}")
    return tuple(value)


def read_machine(value: Any, *, where: str) -> dict[str, Any]:
    """``machine:`` of a table or of a file for ``earmark fit``."""
    machine = _mapping(value, where=where, allowed=(*MACHINE_KEYS, "accelerator"))
    for key, item in machine.items():
        if key == "accelerator":
            if not isinstance(item, str):
                raise UserError(f"{where}.accelerator: expected text such as auto, cpu or gpu, got {item!r}")
        elif type(item) is not int or item < MACHINE_KEYS[key]:
            raise UserError(f"{where}.{key}: expected an integer >= {MACHINE_KEYS[key]}, got {item!r}")
    return machine


def read_sections(value: Mapping[str, Any], *, where: str) -> Config:
    """``normalise`` of the sections of a run, its refusals told with their place."""
    try:
        config: Config = normalise(value)
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None
    return config


def _check_name(name: str, *, where: str) -> None:
    """Names become folders, tags and arguments of ``--rows``."""
    if not NAME.fullmatch(name):
        raise UserError(f"{where}: name {name!r}; allowed: letters, digits and _ . - (A-Z, a-z, 0-9)")


def _columns(value: Any, *, where: str) -> tuple[Column, ...]:
    columns = []
    for metric, entry in _mapping(value, where=f"{where}: columns").items():
        place = f"{where}: columns.{metric}"
        fields = _mapping(entry, where=place, allowed=COLUMN_KEYS)
        better, unit = fields.get("better", "higher"), fields.get("unit", "percent")
        if better not in ("higher", "lower", "neither"):
            raise UserError(f"{place}.better: {unknown('value', str(better), ('higher', 'lower', 'neither'))}")
        if unit not in DECIMALS:
            raise UserError(f"{place}.unit: {unknown('value', str(unit), DECIMALS)}")
        decimals = fields.get("decimals", DECIMALS[unit])
        if type(decimals) is not int or not 0 <= decimals <= 6:
            raise UserError(f"{place}.decimals: expected an integer from 0 to 6, got {decimals!r}")
        label = str(fields.get("label", metric))
        columns.append(Column(metric=metric, label=label, better=better, unit=unit, decimals=decimals))
    return tuple(columns)


def _seeds(value: Any, *, where: str) -> tuple[int, ...]:
    seeds = [0] if value is None else value
    valid = isinstance(seeds, list) and seeds and all(type(seed) is int and seed >= 0 for seed in seeds)
    if not valid or len(set(seeds)) != len(seeds):
        raise UserError(f"{where}: seeds: expected a list of different integers >= 0, got {value!r}")
    return tuple(seeds)


def _row_config(
    base: Config,
    entry: Mapping[str, Any],
    *,
    table_scale: Mapping[str, Any],
    scale: str,
    scales: Sequence[str],
    where: str,
) -> Config:
    """Base, then the table's scale, then the row's ``unset`` and ``set``, then the row's own scale."""
    row_set = _mapping(entry.get("set"), where=f"{where}.set")
    row_scales = {
        name: _mapping(differences, where=f"{where}.scales.{name}")
        for name, differences in _mapping(entry.get("scales"), where=f"{where}.scales", allowed=scales).items()
    }
    own_scale = row_scales.get(scale, {})
    clash = sorted(path for path in row_set if path in table_scale and path not in own_scale)
    if clash:
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
        for path, value in {**row_set, **own_scale}.items():
            set_path(config, path, value)
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None
    return config


def _sources(value: Any, *, table: str, where: str) -> dict[str, str]:
    sources = _mapping(value, where=f"{where}.from")
    for name, source in sources.items():
        if not isinstance(source, str):
            raise UserError(f"{where}.from.{name}: expected row or table/row, got {source!r}")
    return {name: source if "/" in source else f"{table}/{source}" for name, source in sources.items()}


def _row(table: str, name: str, entry: Any, *, base: Config, table_scale: Mapping[str, Any], scale: str,
         scales: Sequence[str], where: str, overrides: Mapping[str, Any]) -> Row:  # fmt: skip
    _check_name(name, where=where)
    fields = _mapping(entry, where=where, allowed=ROW_KEYS)
    if not isinstance(fields.get("why"), str):
        raise UserError(f"{where}.why: every row says in one line why it is there")
    stage = fields.get("stage", "fit")
    if stage not in ("fit", "score"):
        raise UserError(f"{where}.stage: {unknown('stage', str(stage), ('fit', 'score'))}")
    reference = fields.get("reference", False)
    if not isinstance(reference, bool):
        raise UserError(f"{where}.reference: expected true or false, got {reference!r}")
    config = _row_config(base, fields, table_scale=table_scale, scale=scale, scales=scales, where=where)
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
    sources = _sources(fields.get("from"), table=table, where=where)
    return Row(table=table, name=name, why=fields["why"], stage=stage, config=config, sources=sources,
               reference=reference)  # fmt: skip


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
    _check_name(path.stem, where=str(path))
    raw = _mapping(read_yaml(path), where=str(path.name), allowed=TABLE_KEYS)
    where, name = path.name, path.stem
    scales = _mapping(raw.get("scales"), where=f"{where}: scales") or {"full": {}}
    scale = scale or next(iter(scales))
    if scale not in scales:
        raise UserError(f"{where}: {unknown('scale', scale, scales)}")
    entries = _mapping(raw.get("rows"), where=f"{where}: rows")
    if not entries:
        raise UserError(f"{where}: rows: a table needs at least one row")
    table_scale = _mapping(scales[scale], where=f"{where}: scales.{scale}")
    base = read_sections(_mapping(raw.get("base"), where=f"{where}: base", allowed=SECTIONS), where=f"{where}: base")
    rows = {
        row: _row(name, row, entry, base=base, table_scale=table_scale, scale=scale, scales=list(scales),
                  where=f"{where}: rows.{row}",
                  overrides=_overrides_of(row, overrides, scored_rows))
        for row, entry in entries.items()
    }  # fmt: skip
    return Table(
        name=name,
        path=path,
        title=str(raw.get("title", name)),
        family=str(raw.get("family", name)),
        scale=scale,
        rows=rows,
        seeds=_seeds(raw.get("seeds"), where=where),
        columns=_columns(raw.get("columns"), where=where),
        machine=read_machine(raw.get("machine"), where=f"{where}: machine"),
        imports=read_texts(raw.get("imports"), where=f"{where}: imports"),
        varied=_varied(rows),
        overrides=overrides,
    )


def _overrides_of(row: str, overrides: Mapping[str, Any], scored_rows: Sequence[str]) -> dict[str, Any]:
    scored = not scored_rows or row in scored_rows
    return {path: value for path, value in overrides.items() if scored or path.split(".")[0] != "scoring"}


def _varied(rows: Mapping[str, Row]) -> tuple[str, ...]:
    """Dotted paths in which at least two rows of one stage differ: what MLflow shows as params."""
    paths = sorted({path for row in rows.values() for path in _paths(row.config)})
    varied = []
    for path in paths:
        values = {repr(get_path(row.config, path)) for row in rows.values() if row.stage == "fit"}
        if len(values) > 1:
            varied.append(path)
    return tuple(varied)


def _paths(value: Any, prefix: str = "") -> list[str]:
    """All dotted paths of a configuration, ``init_args`` skipped, classes included."""
    if not isinstance(value, dict):
        return [prefix]
    found = []
    if "class_path" in value:
        found, value = [prefix], value["init_args"]
    for key, item in value.items():
        found += _paths(item, f"{prefix}.{key}" if prefix else key)
    return found
