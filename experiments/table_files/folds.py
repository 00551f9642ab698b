"""``folds:`` of a table file: the same rows on several splits of the data, an axis beside the seeds.

Either settings by fold (``folds: {a: {data.corpus: mine/a}, b: {data.corpus: mine/b}}``) or deals of one corpus by what
its clips were recorded from (``folds: {deals: 5, by: family}``). A fold's settings come after the row's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.errors import UserError
from experiments.table_files.table_values import check_name, read_mapping

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
    if len(folds) == 1:
        raise UserError(f"{where}: folds: one fold is none; name two or more")
    return folds


def _deals(fields: Mapping[str, Any], *, where: str) -> dict[str, dict[str, Any]]:
    number, by = fields["deals"], fields.get("by", "family")
    if type(number) is not int or number < 2:
        raise UserError(f"{where}: folds.deals: expected an integer >= 2, got {number!r}")
    if not isinstance(by, str):
        raise UserError(f"{where}: folds.by: expected what clips come from, such as family or speaker, got {by!r}")
    return {str(fold): {"data.deal": {"fold": fold, "of": number, "by": by}} for fold in range(number)}
