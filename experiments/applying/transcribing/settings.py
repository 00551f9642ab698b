"""All that a transcription can be told, and ``transcribe.yaml``: what it was told, read back by ``--load-params``.

earmark: 0.1.0
run: {text: ctc_decoding/greedy, name: greedy seed 0, key: …}
decoder: row ctc_decoding/wfst with lm_weight 1.2, word_bonus 0, prior_scale 0.3
settings: {formats: [srt, ctm], row: ctc_decoding/wfst, cut: vad, max_seconds: 20.0, …}
files: [{audio: talk.wav, seconds: 512.3, parts: 41, written: [talk.srt, talk.ctm]}, …]
failed: [{audio: broken.wav, why: …}]
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from experiments.applying.params_file import read_params
from experiments.applying.transcribing.parts import HOWS
from experiments.applying.transcribing.text_formats import FORMATS
from experiments.errors import UserError, unknown

PARAMS = "transcribe.yaml"
ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """None is the run's own, or what stands beside it. ``UserError`` for what is out of range."""

    formats: str = "txt"
    scale: str | None = None  # of a TABLE/ROW
    row: str | None = None  # the run's own decoder
    cut: str | None = None  # vad where silero-vad is installed and hears the rate, else quiet
    max_seconds: float = 20.0
    pause_seconds: float = 0.5
    language: str | None = None  # that a Whisper is told
    hotwords: str | None = None
    hotword_bonus: float = 1.0
    beam_size: int = 100

    def __post_init__(self) -> None:
        for name in self.format_names:
            if name not in FORMATS:
                raise UserError(f"-f {self.formats}: {unknown('format', name, [*FORMATS, ALL])}")
        if self.cut is not None and self.cut not in HOWS:
            raise UserError(f"--cut {self.cut}, allowed: {', '.join(HOWS)}")
        if not 1 <= self.max_seconds < float("inf"):
            raise UserError(f"--max-seconds {self.max_seconds}, allowed: 1 or more; one part a file is --cut none")
        if not 0.1 <= self.pause_seconds < float("inf"):
            raise UserError(f"--pause-seconds {self.pause_seconds}, allowed: 0.1 or more")
        if not 0 <= self.hotword_bonus < float("inf"):
            raise UserError(f"--hotword-bonus {self.hotword_bonus}, allowed: 0 or more, natural log a character")
        if self.beam_size < 1:
            raise UserError(f"--beam-size {self.beam_size}, allowed: 1 or more")

    @property
    def format_names(self) -> tuple[str, ...]:
        """The formats, each once, in the order asked for."""
        names = [name.strip() for name in self.formats.split(",") if name.strip()]
        return tuple(dict.fromkeys(FORMATS if names == [ALL] else names))

    def with_given(self, given: dict[str, Any]) -> Settings:
        """These with what a command line gives, None being nothing."""
        return replace(self, **{name: value for name, value in given.items() if value is not None})

    def as_plain(self) -> dict[str, Any]:
        """For the params file, defaults too."""
        return asdict(self)


def load_params(path: Path) -> tuple[str, Settings]:
    """The run and the settings of a ``transcribe.yaml``. Raises ``UserError`` naming file and key."""
    run_text, settings = read_params(path, Settings, command="transcribe")
    return run_text, Settings(**settings)
