"""One cell of a table: a row on a fold and at a seed, with the key of its run, its state, and why it is so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from experiments.runs import keys
from experiments.runs.named_files import MODEL, NOISE
from experiments.runs.phase_keys import PREDICTED_AS, TRAINED_AS
from experiments.table_files.row_sources import WEIGHTS
from experiments.table_files.spec import Row, Table
from experiments.tracking.tracked_run import TrackedRun

if TYPE_CHECKING:
    from experiments.planning.changes import Change

NEVER = "never run"
MERGED_RUN = "merged run: "  # begins why a row lacks what did not come in a pack


class Place(NamedTuple):
    """Where in its table a run stands; ``fold`` None in a table without folds."""

    row: str
    seed: int
    fold: str | None = None

    @property
    def run(self) -> str:
        """Which of its row's runs it is: ``seed N`` or ``fold F seed N``."""
        return f"seed {self.seed}" if self.fold is None else f"fold {self.fold} seed {self.seed}"


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
    where its corpus is not on this disk. ``fold`` is the name of the table's fold, whose settings ``row`` has; None of
    a table without folds.
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
    trained: Trained | None = None
    left_out: int | None = None

    @property
    def place(self) -> Place:
        """Where in its table it stands."""
        return Place(self.row.name, self.seed, self.fold)

    @property
    def name(self) -> str:
        """``table/row seed N``, or ``table/row fold F seed N``."""
        return f"{self.row.table}/{self.run_name}"

    @property
    def run_name(self) -> str:
        """``row seed N`` or ``row fold F seed N``: what MLflow shows."""
        return f"{self.row.name} {self.place.run}"

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
    def waits(self) -> bool:
        """Whether it stands on a search that has not ended, so that what it would be is not known yet."""
        return self.row.name in self.table.waiting

    @property
    def lacks_files(self) -> bool:
        """Whether its pretrained model, its noises or what it reads of a merged run has to be fetched first."""
        return self.key is None and self.why.startswith((MODEL, NOISE, MERGED_RUN))

    @property
    def would_run(self) -> bool:
        """Whether a launch has it to do: nothing that lacks files, that its search went past, or stands on such."""
        given_up = self.row.name in self.table.given_up
        return (
            self.state != "finished"
            and not self.lacks_files
            and not given_up
            and not self.waits
            and all(other.state == "finished" or other.would_run for other in self.upstream.values())
        )


def stood_on(row: Row, upstream: Mapping[str, Cell]) -> dict[str, str]:
    """The key that each upstream cell is known by to a row: of its training, of its predictions or of its scores."""

    def known_by(name: str, cell: Cell) -> str:
        if cell.row.stage != "fit":
            return cell.key.id if cell.key is not None else ""
        return cell.weights_of if row.stage == "fit" and name in WEIGHTS else cell.predictions_of

    return {name: known_by(name, cell) for name, cell in upstream.items() if cell.key is not None}


def axes(cells: Iterable[Cell]) -> str:
    """Over what a mean of a row of these cells is: ``1 seed``, ``3 folds × 2 seeds``."""
    places = [cell.place for cell in cells]
    folds = {place.fold for place in places} - {None}
    counts = {"fold": len(folds), "seed": len({place.seed for place in places})}
    return " × ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items() if count)


def num_runs(cells: Iterable[Cell]) -> int:
    """How many runs a row has that runs on every fold and at every seed of these cells."""
    return len({(cell.fold, cell.seed) for cell in cells})
