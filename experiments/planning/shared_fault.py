"""A refused configuration that every row has alike is the table's fault, not that of the row that came first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from experiments.errors import UserError
from experiments.table_files.spec import SCALE_KEYS
from experiments.table_files.yaml_files import read_yaml

if TYPE_CHECKING:
    from experiments.planning.cell import Cell  # which imports MLflow
    from experiments.table_files.spec import Table


def told_of_all(
    error: UserError, refused: Sequence[Cell], cells: Sequence[Cell], *, check: Callable[[Cell], str]
) -> UserError:
    """The error with ``base`` in its row's place, where all rows of the stage are refused in the same words.

    ``refused`` are the cells that were checked, of which the error is; ``cells`` are those of the plan. ``check`` says
    why a cell is refused, empty where it is not, and is asked until one differs.
    """
    said = str(error)
    place = next((cell for cell in refused if said.startswith(f"{row_place(cell)}: ")), None)
    if place is None:
        return error
    reason = said.removeprefix(f"{row_place(place)}: ")
    alike = [cell for cell in cells if cell.table.name == place.table.name and cell.row.stage == place.row.stage]
    others = {cell.row.name: cell for cell in alike if cell.row.name != place.row.name}
    if not others or any(cell.state == "finished" for cell in alike):
        return error
    if any(check(cell) != f"{row_place(cell)}: {reason}" for cell in others.values()):
        return error
    does = {"fit": "trains", "score": "scores"}[place.row.stage]
    return UserError(f"{place.table.path.name}: {_shared(place.table)}: {reason} (in every row that {does})")


def row_place(cell: Cell) -> str:
    """The row in a table's file, as refusals begin."""
    name = cell.table.path.name
    return name if cell.table.name == "fit" else f"{name}: rows.{cell.row.name}"


def _shared(table: Table) -> str:
    """Where settings of all rows stand."""
    scale = (read_yaml(table.path).get("scales") or {}).get(table.scale) or {}
    places = ["base", *([f"scales.{table.scale}"] if scale.keys() - set(SCALE_KEYS) else [])]
    return " or ".join([*places, *(["--set"] if table.overrides else [])])
