"""``columns:`` of a table file: the metrics that its report shows, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from experiments.errors import UserError, unknown
from experiments.table_files.stored_names import name_problem
from experiments.table_files.table_values import read_mapping

COLUMN_KEYS = ("label", "better", "unit", "decimals", "equivalent_within")
DECIMALS = {"percent": 1, "number": 2}


@dataclass(frozen=True)
class Column:
    """One metric as a report shows it, with so many decimals; ``unit`` percent multiplies rates by 100.

    ``equivalent_within`` is the largest difference that still counts as none (the δ of a test of equivalence), as the
    metric is stored: the file has it in the column's unit. None where the table names none.
    """

    metric: str
    label: str
    better: Literal["higher", "lower", "neither"]
    unit: Literal["percent", "number"]
    decimals: int
    equivalent_within: float | None = None


def read_columns(value: Any, *, where: str) -> tuple[Column, ...]:
    """``columns:`` of a table file. Raises ``UserError``."""
    columns = []
    for metric, entry in read_mapping(value, where=f"{where}: columns").items():
        place = f"{where}: columns.{metric}"
        if problem := name_problem(str(metric)):
            raise UserError(f"{place}: {problem}")
        fields = read_mapping(entry, where=place, allowed=COLUMN_KEYS)
        better, unit = fields.get("better", "higher"), fields.get("unit", "percent")
        if better not in ("higher", "lower", "neither"):
            raise UserError(f"{place}.better: {unknown('value', str(better), ('higher', 'lower', 'neither'))}")
        if unit not in DECIMALS:
            raise UserError(f"{place}.unit: {unknown('value', str(unit), DECIMALS)}")
        decimals = fields.get("decimals", DECIMALS[unit])
        if type(decimals) is not int or not 0 <= decimals <= 6:
            raise UserError(f"{place}.decimals: expected an integer from 0 to 6, got {decimals!r}")
        label = str(fields.get("label", metric))
        margin = fields.get("equivalent_within")
        if margin is not None and (isinstance(margin, bool) or not isinstance(margin, int | float) or not margin > 0):
            raise UserError(
                f"{place}.equivalent_within: expected a number above 0 in the column's unit, got {margin!r}"
            )
        within = None if margin is None else margin / (100 if unit == "percent" else 1)
        columns.append(Column(metric, label, better, unit, decimals, within))
    return tuple(columns)
