"""What is said about a recording: timed events or words, and the grid of frames that a network sees it on.

Standard library and numpy only, so that every package may import it. Times are seconds from the clip's
start; frame ``k`` of a grid covers ``[k * hop_seconds, (k + 1) * hop_seconds)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Event(NamedTuple):
    """A sound of one class between two times of a clip. A tuple, so that events sort by onset."""

    onset_seconds: float
    offset_seconds: float
    label: str

    @property
    def duration_seconds(self) -> float:
        """Length of the event in seconds."""
        return self.offset_seconds - self.onset_seconds


@dataclass(frozen=True)
class FrameGrid:
    """Seconds <-> frames of a fixed hop. Quotients are rounded to a millionth of a frame first: 0.3 / 0.1 are 3 frames.

    >>> grid = FrameGrid(hop_seconds=0.5)
    >>> grid.num_frames(2.1), grid.nearest_edge(0.8), grid.seconds(3)
    (5, 2, 1.5)
    >>> FrameGrid(hop_seconds=0.1).whole_frames(0.3), FrameGrid(hop_seconds=0.08).whole_frames(0.2)
    (3, 2)
    >>> grid.activity([Event(0.5, 1.5, "dog")], classes=("cat", "dog"), num_frames=4)[:, 1]
    array([0., 1., 1., 0.], dtype=float32)
    """

    hop_seconds: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.hop_seconds) and self.hop_seconds > 0):
            raise ValueError(f"hop_seconds must be a positive number, got {self.hop_seconds}")

    def num_frames(self, duration_seconds: float) -> int:
        """Number of frames that cover a duration (the last one may reach past its end)."""
        return math.ceil(self._frames(duration_seconds))

    def whole_frames(self, duration_seconds: float) -> int:
        """Number of whole frames that a duration holds."""
        return math.floor(self._frames(duration_seconds))

    def nearest_edge(self, seconds: float) -> int:
        """Frame edge nearest to a time; halves go up, so that equal events of one grid stay equal."""
        return math.floor(self._frames(seconds) + 0.5)

    def seconds(self, frame: int) -> float:
        """Time at which a frame starts."""
        return frame * self.hop_seconds

    def _frames(self, seconds: float) -> float:
        return round(seconds / self.hop_seconds, 6)

    def activity(self, events: Sequence[Event], *, classes: Sequence[str], num_frames: int) -> NDArray[np.float32]:
        """Strong labels ``Y_tc`` in {0, 1} on this grid, shape (num_frames, len(classes)).

        Edges go to the nearest frame edge; an event shorter than a frame keeps one frame.
        Raises ``KeyError`` for a label outside ``classes``.
        """
        column = {label: index for index, label in enumerate(classes)}
        activity_TC = np.zeros((num_frames, len(classes)), dtype=np.float32)
        for event in events:
            first = min(self.nearest_edge(event.onset_seconds), num_frames - 1)
            last = max(self.nearest_edge(event.offset_seconds), first + 1)
            activity_TC[first:last, column[event.label]] = 1.0
        return activity_TC


Sources = Mapping[str, Mapping[str, str]]  # by kind, then by the id of a clip or an utterance


@dataclass(frozen=True)
class ClipReferences:
    """What scoring may know of one split.

    ``tags`` are the weak labels of each clip; ``events`` its strong labels, or None where a system's
    selection must not see them. Every clip of the split is a key, event-free ones with empty values.
    ``load_waveform`` reads one clip's mono waveform (float32 in [-1, 1]) for pictures. ``sources`` has, by kind
    (family, background, session), what each clip was recorded from; no kind that some clip lacks. ``split`` is the
    split's name; what has none is never fitted on.
    """

    classes: tuple[str, ...]
    sample_rate_hz: int
    tags: Mapping[str, frozenset[str]]
    events: Mapping[str, tuple[Event, ...]] | None
    duration_seconds: Mapping[str, float]
    load_waveform: Callable[[str], NDArray[np.float32]]
    sources: Sources = field(default_factory=dict)
    split: str | None = None


BLANK = 0  # the token id that no text holds: CTC's blank, and a language model's sentence boundary
Unit = Literal["character", "subword", "word"]  # what a token of a text is


class Hypothesis(NamedTuple):
    """One reading of an utterance.

    ``score`` is what the decoder maximised, in natural logs; ``ctc_score`` the natural log of the recogniser's own
    probability (CTC's, or an attention decoder's) where a language model, a bonus or a division by length took part,
    else None. ``frames`` are the frames at which the tokens were emitted, as many as tokens, rising; empty for
    attention decoders, which emit at no frame.
    """

    tokens: tuple[int, ...]
    score: float
    frames: tuple[int, ...]
    ctc_score: float | None = None


@dataclass(frozen=True)
class UtteranceReferences:
    """What scoring may know of one split of a speech corpus.

    ``symbols[token]`` is a token's text (``symbols[BLANK]`` is never part of one), of ``unit``; ``texts``
    are the normalised transcripts by utterance id, ``languages``, ``speakers`` and ``duration_seconds`` have the same
    keys.
    ``training_texts`` are the training split's transcripts, for word lists and lexicons.
    ``load_waveform`` reads one utterance's mono waveform (float32 in [-1, 1]) for pictures. ``sources`` is as that of
    ``ClipReferences``; ``corpora`` has the corpus of each utterance, and may be empty.
    """

    symbols: tuple[str, ...]
    sample_rate_hz: int
    texts: Mapping[str, str]
    languages: Mapping[str, str]
    speakers: Mapping[str, str]
    duration_seconds: Mapping[str, float]
    training_texts: tuple[str, ...]
    load_waveform: Callable[[str], NDArray[np.float32]]
    unit: Unit = "character"
    sources: Sources = field(default_factory=dict)
    corpora: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TextReferences:
    """What scoring a language model may know of one split: its sentences by id, and the training split's.

    ``symbols`` is the vocabulary: characters or subwords joined by nothing, or words joined by spaces (``unit``).
    ``languages`` (ISO 639-1) has the keys of ``texts``.
    """

    symbols: tuple[str, ...]
    unit: Unit
    texts: Mapping[str, str]
    languages: Mapping[str, str]
    training_texts: tuple[str, ...]
