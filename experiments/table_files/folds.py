"""``folds:`` of a table file: the same rows on several splits of the data, an axis beside the seeds.

Either settings by fold (``folds: {a: {data.corpus: mine/a}, b: {data.corpus: mine/b}}``) or deals of one corpus by what
its clips were recorded from (``folds: {deals: 5, by: family}``), or by folds of its own (``by: fold``). A fold's
settings come after the row's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from datamodules.dealing.deal import DEALT_BY, KINDS, LEAST_PARTS
from experiments.errors import UserError, unknown
from experiments.table_files.merge import Config, get_path, normalise, set_path
from experiments.table_files.table_values import check_name, read_mapping

if TYPE_CHECKING:
    from experiments.table_files.spec import Row

DEAL_KEYS = ("deals", "by")
Folds = Mapping[str, Mapping[str, Any]]  # settings by dotted path, by the fold's name


def read_folds(value: Any, *, where: str) -> dict[str, dict[str, Any]]:
    """Settings by fold; empty of a table without folds. Raises ``UserError``."""
    entries = read_mapping(value, where=f"{where}: folds")
    if "deals" in entries:
        return _deals(read_mapping(value, where=f"{where}: folds", allowed=DEAL_KEYS), where=where)
    folds = {}
    for name, settings in entries.items():
        place = f"{where}: folds.{name}"
        check_name(str(name), where=place)
        folds[str(name)] = read_mapping(settings, where=place)
        if other := [path for path in folds[str(name)] if not path.startswith("data.")]:
            raise UserError(f"{place}.{other[0]}: a fold is another split of the data; allowed: keys of data")
        if same := [before for before in folds if before != name and folds[before] == folds[str(name)]]:
            raise UserError(f"{place}: says the same as folds.{same[0]}; a fold is another split of the data")
    if len(folds) == 1:
        raise UserError(f"{where}: folds: one fold is none; name two or more")
    return folds


def read_blocks(value: Any, *, where: str) -> str | None:
    """``blocks:`` of a table file: the kind of recorded source that tests draw by. Raises ``UserError``."""
    if value is not None and value not in KINDS:
        raise UserError(f"{where}: blocks: {unknown('kind of source', str(value), KINDS)}")
    return None if value is None else str(value)


def _deals(fields: Mapping[str, Any], *, where: str) -> dict[str, dict[str, Any]]:
    number, by = fields["deals"], fields.get("by", "family")
    if type(number) is not int or number < LEAST_PARTS:
        says = "a part to test on, one to validate and the rest to train"
        raise UserError(f"{where}: folds.deals: expected an integer >= {LEAST_PARTS} ({says}), got {number!r}")
    if by not in DEALT_BY:
        raise UserError(f"{where}: folds.by: {unknown('kind of source', str(by), DEALT_BY)}")
    return {str(fold): {"data.deal": {"fold": fold, "of": number, "by": by}} for fold in range(number)}


def check_fold(folds: Folds, fold: str, *, where: str) -> None:
    """Raise ``UserError`` where there is no fold of that name."""
    if fold not in folds:
        says = unknown("fold", fold, folds) if folds else f"unknown fold {fold!r}: the table has no folds"
        raise UserError(f"{where}: {says}")


def in_fold(row: Row, settings: Mapping[str, Any]) -> Row:
    """The row on a fold, whose settings come last."""
    config = normalise(row.config)
    for path, value in settings.items():
        set_path(config, path, value)
    return replace(row, config=config)


def check_rows(folds: Folds, rows: Mapping[str, Row], *, set_by: Mapping[str, Mapping[str, Any]], where: str) -> None:
    """Raise ``UserError`` where a fold's settings take the place of what somebody chose, or find none in a row's data.

    ``set_by`` has settings by dotted path by their place: those of the scale, of each row and of the command line.
    """
    for fold, settings in folds.items():
        for place, own in set_by.items():
            for path, value in settings.items():
                if (other := set_value(own, path)) is not None and other != value:
                    says = f"{path} is {other!r} here and {value!r} by folds.{fold}"
                    raise UserError(f"{where}: {place}: {says}; leave it to one of the two")
        for row in rows.values():
            try:
                in_fold(row, settings)
            except ValueError as error:
                raise UserError(f"{where}: folds.{fold}: rows.{row.name}: {error}") from None


def set_by_hand(entry: Mapping[str, Any], *, scale: str, point: Mapping[str, Any]) -> dict[str, Any]:
    """What a row sets or searches itself, by dotted path; ``point`` is its own of a grid."""
    of_scale = (entry.get("scales") or {}).get(scale) or {}
    searched = (entry.get("search") or {}).get("space") or {}
    return {**(entry.get("set") or {}), **of_scale, **point, **searched}


def set_value(settings: Mapping[str, Any], path: str) -> Any:
    """What settings by dotted path say of one path, be it in a whole section; None where they don't."""
    config: Config = {}
    for key, value in settings.items():
        set_path(config, key, value)
    return get_path(config, path)
