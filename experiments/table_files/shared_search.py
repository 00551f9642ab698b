"""``search:`` of a table: every row is searched over one space with one budget, so that none is the tuned one.

``search: {metric: …, budget: 12, space: {…}}``. Each row becomes one with a search of its own (``search_spec.py``): the
draws are random with a fixed seed and so the *same* settings for every row, which is what makes the expected best
against the budget (``expected_best.py``) comparable. ``sampler: tpe`` lets each row's trials learn from its own.
``scales: {demo: {budget: 3}}`` has other keys at a scale.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from experiments.errors import UserError, unknown
from experiments.table_files.folds import set_value
from experiments.table_files.grid import Grids
from experiments.table_files.search_spec import Search, read_search
from experiments.table_files.table_values import read_mapping, read_texts

if TYPE_CHECKING:
    from experiments.table_files.spec import Row

KEYS = ("metric", "better", "budget", "parallel", "space", "sampler", "seeds", "folds", "rows", "only_at", "scales")
OF_A_SCALE = ("budget", "parallel", "space", "sampler", "seeds", "folds")
BUDGET = re.compile(r"([0-9]+) trials?")  # 12 trials, as one says it
EXAMPLE = "such as 12 or 12 trials"


def with_shared_search(
    rows: Mapping[str, Row],
    value: Any,
    *,
    seeds: Sequence[int],
    grids: Grids,
    set_by: Mapping[str, Mapping[str, Any]],
    scale: str,
    scales: Sequence[str],
    where: str,
) -> dict[str, Row]:
    """The rows, those that the table's search means with it; unchanged where the table has none at this scale.

    ``grids`` has all rows of the file, those of other scales too; ``set_by`` is what each row sets by dotted path, by
    its place. Raises ``UserError`` in one line.
    """
    if value is None:
        return dict(rows)
    fields = read_mapping(value, where=f"{where}: search", allowed=KEYS)
    only_at = read_texts(fields.get("only_at", list(scales)), where=f"{where}: search.only_at")
    if not only_at:
        raise UserError(f"{where}: search.only_at: name at least one scale; allowed: {', '.join(scales)}")
    for name in only_at:
        if name not in scales:
            raise UserError(f"{where}: search.only_at: {unknown('scale', name, scales)}")
    of_scale = _of_scale(fields.pop("scales", {}), scale=scale, scales=scales, where=f"{where}: search.scales")
    if scale not in only_at:
        return dict(rows)
    fields |= of_scale
    wanted = _wanted(rows, grids.named(fields.get("rows")), named=list(grids.entries), where=where)
    search = _search(fields, where=f"{where}: search")
    for row in wanted:
        _refuse_set(search, set_by.get(f"rows.{row}", {}), where=f"{where}: rows.{row}")
    of = {row: search if search.seeds else replace(search, seeds=((rows[row].seeds or seeds)[0],)) for row in wanted}
    return {name: replace(row, search=of.get(name, row.search)) for name, row in rows.items()}


def _of_scale(value: Any, *, scale: str, scales: Sequence[str], where: str) -> dict[str, Any]:
    """What stands there for this scale; the others' keys are checked, too."""
    of: dict[str, dict[str, Any]] = {}
    for name, keys in read_mapping(value, where=where).items():
        if name not in scales:
            raise UserError(f"{where}: {unknown('scale', name, scales)}")
        of[name] = read_mapping(keys, where=f"{where}.{name}", allowed=OF_A_SCALE)
    return of.get(scale, {})


def _search(fields: Mapping[str, Any], *, where: str) -> Search:
    budget = fields.get("budget")
    said = BUDGET.fullmatch(budget) if isinstance(budget, str) else None
    number = int(said[1]) if said else budget
    if type(number) is not int or number < 1:
        raise UserError(f"{where}.budget: expected how many trials every row has, {EXAMPLE}, got {budget!r}")
    own = {key: value for key, value in fields.items() if key not in ("budget", "rows", "only_at")}
    sampler = own.setdefault("sampler", "random")
    if sampler == "random":  # no draw rests on another: all are known from the start
        own.setdefault("parallel", number)
    return read_search({**own, "trials": number}, where=where)


def _wanted(rows: Mapping[str, Row], value: Any, *, named: Sequence[str], where: str) -> list[str]:
    """The rows that are searched: those named that this scale has, or all that train without a search of their own."""
    if value is None:
        wanted = [name for name, row in rows.items() if row.stage == "fit" and row.search is None]
        if not wanted:
            raise UserError(f"{where}: search: no row of stage fit is without a search of its own")
        return wanted
    place = f"{where}: search.rows"
    for name in (wanted := list(read_texts(value, where=place))):
        if name not in named:
            raise UserError(f"{place}: {unknown('row', name, named)}")
        if name in rows and rows[name].stage != "fit":
            raise UserError(f"{place}: {name} is of stage {rows[name].stage}, which trains nothing")
        if name in rows and rows[name].search is not None:
            raise UserError(f"{place}: {name} has a search of its own; leave it to one of the two")
    if not wanted:
        raise UserError(f"{place}: name at least one row, or leave the key out for all that train")
    return [name for name in wanted if name in rows]


def _refuse_set(search: Search, settings: Mapping[str, Any], *, where: str) -> None:
    """A row narrows nothing: what all are searched over is no difference of one."""
    for path in search.space:
        if (value := set_value(settings, path)) is not None:
            says = f"{path} is {value!r} here and searched for by search.space"
            raise UserError(f"{where}: {says}; leave it to one of the two")
