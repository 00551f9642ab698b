"""One cell of a table: a row at a seed, with the key of its run, its state, and why it is in that state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from experiments.runs import keys
from experiments.runs.phase_keys import PREDICTED_AS, TRAINED_AS
from experiments.table_files.row_sources import SEED
from experiments.table_files.spec import Row, Table
from experiments.tracking.tracked_run import TrackedRun

if TYPE_CHECKING:
    from experiments.planning.changes import Change

NEVER = "never run"


@dataclass(frozen=True)
class Trained:
    """A finished run of a cell's very training, from which the cell is scored without one.

    ``predicts``: what predicts is another since, or its predictions are gone; its weights predict again. ``accepted``
    are the modules that changed since the training, which its user declared harmless.
    """

    run: TrackedRun
    predicts: bool = False
    accepted: str = ""


@dataclass(frozen=True)
class Cell:
    """One run of ``table``, which is another than the planned one where a row of that stands on it.

    ``state`` is ``finished``, ``running``, ``failed``, ``unscored``, ``unpredicted``, ``stale`` or ``missing``; ``why``
    says what a state rests on. ``trained`` is what a cell that is not finished is made of without training.
    ``upstream`` maps the names of ``from:`` to the cells that the run stands on. ``run`` is MLflow's record of the
    run with this very key, whatever its state. ``change`` is what a stale cell, or one whose attempt failed, differs in
    from its newest finished run.
    ``accepted`` are the modules that changed since a finished run whose result was declared to stand all the same
    (``--accept-code-change``); ``key`` is that run's. ``stored_data`` says by which data a report's cell was found
    where its corpus is not on this disk. ``fold`` is the name of the table's fold, None of a table without folds.
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
    trained: Trained | None = None

    @property
    def name(self) -> str:
        """``table/row seed N``, or ``table/row fold F seed N``."""
        fold = "" if self.fold is None else f" fold {self.fold}"
        return f"{self.row.table}/{self.row.name}{fold} seed {self.seed}"

    @property
    def weights_of(self) -> str:
        """The key of the run that was trained: what stands on a run's weights is none the worse for new scores."""
        return self._made_as(TRAINED_AS)

    @property
    def predictions_of(self) -> str:
        """The key of the run that predicted."""
        if self.trained is not None and self.trained.predicts:
            return self.key.id if self.key is not None else ""
        return self._made_as(PREDICTED_AS)

    def _made_as(self, tag: str) -> str:
        own = self.key.id if self.key is not None else ""
        if self.trained is not None:
            tags = self.trained.run.tags
            return tags.get(tag, tags["key"])
        return self.run.tags.get(tag, own) if self.run is not None and self.state == "finished" else own

    @property
    def is_quick(self) -> bool:
        """Whether nothing is trained for it."""
        return self.row.stage == "score" or self.trained is not None

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


def stood_on(row: Row, upstream: Mapping[str, Cell]) -> dict[str, str]:
    """The key that each upstream cell is known by to a row: of its training, of its predictions or of its scores."""

    def known_by(name: str, cell: Cell) -> str:
        if cell.row.stage != "fit":
            return cell.key.id if cell.key is not None else ""
        return cell.weights_of if row.stage == "fit" and name == SEED else cell.predictions_of

    return {name: known_by(name, cell) for name, cell in upstream.items() if cell.key is not None}
