"""Where corpora live on this disk and what each says of itself. Standard library only: the planner imports it.

A corpus is a folder ``DATA_ROOT/NAME`` (``soundscapes/demo``) whose ``corpus.json`` is written last, so a folder
with that file is whole. ``digest`` is what a run's data key is made of.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


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
    """What makes one of earmark's own corpora.

    >>> preparing_command("tones/demo-seed7")
    'earmark data tones --scale demo --seed 7'
    """
    corpus, _, scale = name.partition("/")
    scale, _, seed = scale.partition("-seed")
    return f"earmark data {corpus}" + (f" --scale {scale}" if scale else "") + (f" --seed {seed}" if seed else "")
