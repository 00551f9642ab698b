"""One cell of a table: a row at a seed, with the key of its run, its state, and why it is in that state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from experiments.runs import keys
from experiments.table_files.spec import Row, Table
from experiments.tracking.tracked_run import TrackedRun

if TYPE_CHECKING:
    from experiments.planning.changes import Change

NEVER = "never run"


@dataclass(frozen=True)
class Cell:
    """One run of ``table``, which is another than the planned one where a row of that stands on it.

    ``state`` is ``finished``, ``running``, ``failed``, ``stale`` or ``missing``; ``why`` says what a state rests on.
    ``upstream`` maps the names of ``from:`` to the cells that the run stands on. ``run`` is MLflow's record of the
    run with this very key, whatever its state. ``change`` is what a stale cell, or one whose attempt failed, differs in
    from its newest finished run.
    ``accepted`` are the modules that changed since a finished run whose result was declared to stand all the same
    (``--accept-code-change``); ``key`` is that run's. ``stored_data`` says by which data a report's cell was found
    where its corpus is not on this disk. ``fold`` is the name of the table's fold, None of a table without folds.
    ``left_out`` is there of a cell as it was run (``as_run.py``): how many other finished runs of its row, of other
    code, configuration or data, do not count.
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
    change: Change | None = None
    accepted: str = ""
    stored_data: str = ""
    fold: str | None = None
    left_out: int | None = None

    @property
    def name(self) -> str:
        """``table/row seed N``, or ``table/row fold F seed N``."""
        fold = "" if self.fold is None else f" fold {self.fold}"
        return f"{self.row.table}/{self.row.name}{fold} seed {self.seed}"

    @property
    def failed_by_itself(self) -> bool:
        """Whether its last attempt ended in an error of its own: one that was stopped or killed only has to go on."""
        return self.state == "failed" and self.why.startswith("failed: ")

    @property
    def would_run(self) -> bool:
        """Whether a launch has it to do: no failed trial that its search went past, and nothing that stands on one."""
        given_up = self.row.name in self.table.given_up
        return (
            self.state != "finished"
            and not given_up
            and all(other.state == "finished" or other.would_run for other in self.upstream.values())
        )
