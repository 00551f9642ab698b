"""Where corpora live on this disk and what each says of itself. Standard library only: the planner imports it.

A corpus is a folder ``DATA_ROOT/NAME`` (``soundscapes/demo``) whose ``corpus.json`` is written last, so a folder
with that file is whole. ``digest`` is what a run's data key is made of.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

# The corpora that earmark makes of nothing but its own; experiments/commands/data/own_corpora.py has what they are.
SCALED = ("soundscapes", "tones", "spoken_tones")
WHOLE = ("soundbank", "prompts", "fillets", "festvox_ru", "stamps")


def home() -> Path:
    """The folder that holds ``data/`` and ``mlruns/``: ``EARMARK_HOME``, or the current folder."""
    return Path(os.environ.get("EARMARK_HOME") or Path.cwd()).resolve()


def data_root() -> Path:
    """The folder of all corpora: ``EARMARK_DATA``, or ``data/`` under ``home()``."""
    configured = os.environ.get("EARMARK_DATA")
    return Path(configured).resolve() if configured else home() / "data"


def corpus_name(kind: str, *, scale: str, seed: int) -> str:
    """The name of one draw of a corpus.

    >>> corpus_name("tones", scale="tiny", seed=0), corpus_name("tones", scale="tiny", seed=3)
    ('tones/tiny', 'tones/tiny-seed3')
    """
    return f"{kind}/{scale}" + (f"-seed{seed}" if seed else "")


class CorpusMissingError(FileNotFoundError):
    """The corpus is not on this disk, or only part of it is."""


@dataclass(frozen=True)
class CorpusCard:
    """The contents of ``corpus.json``.

    ``name`` is the folder under the data root; ``synthetic`` says that no sound in it was ever recorded;
    ``licences`` maps each source to its licence; ``num_clips`` counts by split.
    """

    name: str
    digest: str
    classes: tuple[str, ...]
    sample_rate_hz: int
    synthetic: bool
    licences: dict[str, str]
    num_clips: dict[str, int]
    description: str

    def write(self, folder: Path) -> None:
        """Write ``corpus.json``: last, and in one step, since its presence says that the folder is whole."""
        partial = folder / "corpus.json.partial"
        partial.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        partial.replace(folder / "corpus.json")


def read_card(name: str) -> CorpusCard:
    """The card of a prepared corpus. Raises ``CorpusMissingError`` with the command that prepares it."""
    path = data_root() / name / "corpus.json"
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return CorpusCard(**{**fields, "classes": tuple(fields["classes"])})
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError) as error:
        what = f"{path} is damaged" if path.is_file() else f"no {path}"
        raise CorpusMissingError(f"corpus {name!r} is not prepared ({what}); run: {preparing_command(name)}") from error


def preparing_command(name: str) -> str:
    """What makes a corpus: one of earmark's own, all folds of a scale at once, or else a user's.

    >>> preparing_command("tones/demo-seed7"), preparing_command("prompts")
    ('earmark data tones --scale demo --seed 7', 'earmark data prompts')
    >>> preparing_command("soundscapes/study-fold3")
    'earmark data soundscapes --scale study'
    >>> preparing_command("garden")
    'earmark data import garden …, or earmark data soundscapes --soundbank … --name garden'
    """
    kind, _, draw = name.partition("/")
    if name in WHOLE:
        return f"earmark data {name}"
    if kind not in SCALED:
        return f"earmark data import {name} …, or {mixing_command(name)}"
    scale, _, seed = draw.partition("-seed")
    scale = re.sub(r"-fold\d+$", "", scale)
    return f"earmark data {kind}" + (f" --scale {scale}" if scale else "") + (f" --seed {seed}" if seed else "")


def mixing_command(name: str) -> str:
    """What makes soundscapes of a user's own sounds."""
    return f"earmark data soundscapes --soundbank … --name {name}"
