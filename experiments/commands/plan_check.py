"""The check of what a plan would run, begun beside the plan where its table looks new: imports are most of its time."""

from __future__ import annotations

import contextlib
import os
from types import TracebackType
from typing import TYPE_CHECKING

from experiments.commands.table_arguments import check_configurations
from experiments.planning import checked_configurations

if TYPE_CHECKING:
    from experiments.configuration.early_check import EarlyCheck
    from experiments.planning.cell import Cell
    from experiments.table_files.spec import Table


class PlanCheck:
    """``begin`` once the table is read, ``finish`` when it is known what would run."""

    def __init__(self) -> None:
        self._early: EarlyCheck | None = None
        self._table_id = ""

    def begin(self, table: Table) -> None:
        """Start importing, on another core, unless a plan of this very table was checked before."""
        from datamodules.corpus_folder import home
        from experiments.configuration.early_check import EarlyCheck
        from experiments.runs.keys import named_modules

        self._table_id = checked_configurations.table_id(table)
        if self._table_id in checked_configurations.known(home() / "mlruns") or os.cpu_count() == 1:
            return
        modules = {module for row in table.rows.values() for module in named_modules(row.config)}
        with contextlib.suppress(OSError):  # no process or no memory left: this one imports then
            self._early = EarlyCheck(sorted(modules))

    def finish(self, cells: list[Cell]) -> None:
        """Check what would run. Raises ``UserError``."""
        from datamodules.corpus_folder import home

        check_configurations(cells, one_of_a_shape=True, warm=self._early)
        checked_configurations.add(home() / "mlruns", [self._table_id])

    def __enter__(self) -> PlanCheck:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._early is not None:
            self._early.end()
