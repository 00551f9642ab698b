"""What a check says: a ``Finding`` on stretches of audio, whether they are utterances or clips of sound events."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from datamodules.audio.audio_facts import AudioFacts

NUM_EXAMPLES = 3
Severity = Literal["error", "warning"]


class Stretch(Protocol):
    """What every entry of a manifest says of its audio; its fields are those of ``ManifestEntry``."""

    @property
    def audio(self) -> Path:
        """The file."""

    @property
    def place(self) -> str:
        """Where it was read: ``train.tsv, line 3``."""

    @property
    def start_seconds(self) -> float:
        """Where it begins in the file."""

    @property
    def duration_seconds(self) -> float | None:
        """Its length, None to the end of the file."""

    @property
    def channel(self) -> int | None:
        """Counted from 0, None for the mean of all."""


class Checked(Protocol):
    """An entry of a split with what decoding its file said."""

    @property
    def split(self) -> str:
        """``train``, ``validation`` or ``test``."""

    @property
    def entry(self) -> Stretch:
        """What its manifest says."""

    @property
    def audio(self) -> AudioFacts:
        """What decoding says."""

    @property
    def name(self) -> str:
        """Its id."""

    @property
    def duration_seconds(self) -> float:
        """Length in seconds: the manifest's, or that of the rest of the file."""


One = TypeVar("One", bound=Checked)


@dataclass(frozen=True)
class Finding:
    """Something wrong with ``count`` utterances (clips, events, texts, files); ``examples`` name the first few."""

    check: str
    severity: Severity
    count: int
    what: str
    examples: tuple[str, ...]


def finding(
    check: str, severity: Severity, what: str, concerned: Sequence[One], detail: Callable[[One], str]
) -> Finding | None:
    """The finding on the entries ``concerned``, or None; ``detail`` is what an example says beside place and id."""
    lines = (said(one.entry.place, one.name, detail(one)) for one in concerned[:NUM_EXAMPLES])
    return Finding(check, severity, len(concerned), what, tuple(lines)) if concerned else None


def said(*parts: str) -> str:
    """Place, id and detail of an example in a line, those that are not empty."""
    return ": ".join(part for part in parts if part)


def rest_seconds(entry: Stretch, audio: AudioFacts) -> float:
    """Length of an entry in seconds: the manifest's, or that of the rest of its file."""
    if entry.duration_seconds is not None:
        return entry.duration_seconds
    return max(0.0, audio.duration_seconds - entry.start_seconds)


def readable(entries: Iterable[One]) -> list[One]:
    """Those whose file decodes to its end."""
    return [one for one in entries if one.audio.problem is None]


def share(part: int, whole: int) -> str:
    """How many of how many.

    >>> share(12, 120), share(1, 3000)
    ('12 of 120 (10 %)', '1 of 3000 (0.0333 %)')
    """
    return f"{part} of {whole} ({100 * part / whole:.3g} %)"


def all_but_first(entries: Iterable[One], key: Callable[[One], Hashable]) -> list[tuple[One, One]]:
    """Each entry whose key one before it has, with the first that had it."""
    first: dict[Hashable, One] = {}
    return [(one, other) for one in entries if (other := first.setdefault(key(one), one)) is not one]
