"""All that a prediction can be told, and ``predict.yaml``: what it was told, read back by ``--load-params``.

earmark: 0.1.0
run: {text: weak_sed/glu_mil, name: …, key: …}
settings: {formats: [dcase], window_seconds: 10.0, overlap_seconds: 2.5, …}
post_processing: {…}             what the settings and the run's own fit came to
files: ["yard.wav: 12.5 s, 3 events: dog 2, cat 1", …]
failed: ["broken.wav: cut short …"]
no_audio: [notes.md]
written: [DIGEST yard.tsv]       by which a file of ours is told from one that was corrected since
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from experiments.applying.params_file import read_params
from experiments.applying.predicting.decision import Overrides
from experiments.errors import UserError

PARAMS = "predict.yaml"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """None is the run's own, or what stands beside it. ``ValueError`` for what is out of range."""

    formats: str = "dcase"
    scale: str | None = None  # of a TABLE/ROW
    window_seconds: float | None = None  # the longest clip of the run's own test and validation
    overlap_seconds: float | None = None  # a quarter of the window
    batch_size: int = 8
    threshold: float | None = None
    clip_threshold: float | None = None
    min_seconds: float | None = None
    top: int | None = None
    one_list: bool = False
    audio_prefix: str = ""
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise UserError(f"--batch-size {self.batch_size}, allowed: 1 or more windows")
        for name in ("window_seconds", "overlap_seconds"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                raise UserError(f"--{name.split('_')[0]} {value}, allowed: a number of seconds")

    @property
    def overrides(self) -> Overrides:
        """What is set of the post-processing."""
        return Overrides(
            threshold=self.threshold, clip_threshold=self.clip_threshold, min_seconds=self.min_seconds, top=self.top
        )

    def with_given(self, given: dict[str, Any]) -> Settings:
        """These with what a command line gives, None being nothing."""
        return replace(self, **{name: value for name, value in given.items() if value is not None})

    def as_plain(self) -> dict[str, Any]:
        """For the params file, defaults too."""
        return asdict(self)


def load_params(path: Path) -> tuple[str, Settings]:
    """The run and the settings of a ``predict.yaml``. Raises ``UserError`` naming file and key."""
    run_text, settings = read_params(path, Settings, command="predict")
    return run_text, Settings(**settings)
