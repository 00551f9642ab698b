"""``trained.json`` in the folder of a run that was not trained there: whose training it has, and what is known of that.

The launcher writes it last, when weights, predictions and curves have been taken over (``launching/rescored.py``); the
process that finds it does not train, whichever attempt it is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from experiments.runs.attempts import ENERGY, WALL
from experiments.runs.journal import EPOCH, JournalLine
from experiments.runs.phase_keys import PREDICTED_AS, TRAINED_AS
from experiments.runs.run_folder import write_whole

NAME = "trained.json"
PARAMETERS, SECONDS = "model/parameters", "run/seconds"
SCORING_SECONDS = "run/scoring_seconds"  # of a run that trained nothing
KEPT = (PARAMETERS, SECONDS, WALL, ENERGY)  # of a training, whichever run scores it
TRAINED_ON = "trained_on."  # + a fact of ENVIRONMENT: tags of a run that was trained elsewhere
ENVIRONMENT = ("torch", "device", "hardware")  # tags of a run
ACCEPTED = "trained_before"  # tag: modules that changed since the training, which was accepted


@dataclass(frozen=True)
class TrainingRecord:
    """Keys of the runs that trained and predicted (empty: this run predicts), and the figures of the training.

    ``step`` is the one after the training's last, ``accepted`` the modules of an accepted change of code since,
    ``environment`` what the training ran on.
    """

    trained_as: str
    predicted_as: str
    step: int
    metrics: Mapping[str, float]
    accepted: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    def tags(self) -> dict[str, str]:
        """What the run's MLflow tags say of it."""
        tags = {TRAINED_AS: self.trained_as, PREDICTED_AS: self.predicted_as, ACCEPTED: self.accepted}
        trained_on = {TRAINED_ON + name: value for name, value in self.environment.items()}
        return {name: value for name, value in {**tags, **trained_on}.items() if value}

    def write(self, run_dir: Path) -> None:
        """Raises ``OSError``."""
        write_whole(run_dir / NAME, json.dumps(asdict(self), indent=1) + "\n")


def read_record(run_dir: Path) -> TrainingRecord | None:
    """The record of a folder, None where the run trains itself."""
    path = run_dir / NAME
    return TrainingRecord(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def environment_of(tags: Mapping[str, str]) -> dict[str, str]:
    """What a run's training ran on, by its tags."""
    found = {name: tags.get(TRAINED_ON + name) or tags.get(name, "") for name in ENVIRONMENT}
    return {name: value for name, value in found.items() if value}


def is_of_training(line: JournalLine) -> bool:
    """Whether a journal's line is of an epoch: what a run logs at its end names none."""
    return line.kind == "metrics" and EPOCH in line.fields["values"]


def figures(lines: Sequence[JournalLine], *, monitor: str, mode: Literal["min", "max"]) -> tuple[int, dict[str, float]]:
    """(step of a run's end, figures of its training) from its journal: the best of ``monitor``, size, time, energy.

    The best is looked for among the epochs: scores at the end may have the monitor's name.
    """
    ends = [
        line.fields for line in lines if line.kind == "fitted" or (line.kind == "metrics" and not is_of_training(line))
    ]
    last = max((int(line.fields["step"]) for line in lines if line.kind == "metrics"), default=0)
    step, at_end = (int(ends[-1]["step"]), ends[-1]["values"]) if ends else (last + 1, {})
    kept = {name: float(at_end[name]) for name in KEPT if name in at_end}
    of_epochs = [float(line.fields["values"].get(monitor, math.nan)) for line in lines if is_of_training(line)]
    finite = [value for value in of_epochs if math.isfinite(value)]
    return step, kept | ({monitor: (min if mode == "min" else max)(finite)} if finite else {})
