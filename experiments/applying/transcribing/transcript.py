"""What was read of one recording: its parts, their words and tokens with times in seconds from the recording's start.

``times`` says what word and token times are: ``aligned`` by forced alignment of the chosen text with the recogniser's
CTC output; ``written``, the frames at which a transducer wrote them, which may be late; ``attended``, those at which an
attention decoder looks while it writes the chosen text; ``parts``, only where each part begins and ends is known (a
decoder that hears a summary vector, and Whisper's).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

Times = Literal["aligned", "written", "attended", "parts"]
MAX_CUE_CHARACTERS, MAX_CUE_SECONDS, CUE_PAUSE_SECONDS = 84, 7.0, 1.0  # two lines of 42, as subtitles have


@dataclass(frozen=True)
class Token:
    """A symbol of the recogniser. ``probability`` is its posterior at its spike, None where there are none."""

    text: str
    start: float
    end: float
    probability: float | None = None


@dataclass(frozen=True)
class Word:
    """``confidence`` is the geometric mean of its tokens' probabilities, not calibrated (``aligned_words.py``)."""

    text: str
    start: float
    end: float
    confidence: float | None = None
    tokens: tuple[Token, ...] = ()


@dataclass(frozen=True)
class ReadPart:
    """A part and its text; ``words`` are empty where no word has a time."""

    start: float
    end: float
    text: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Transcript:
    """A whole recording; ``left_out_seconds`` are of silent stretches, ``remarks`` what else is to be known."""

    audio: str
    duration: float
    times: Times
    parts: tuple[ReadPart, ...]
    left_out_seconds: float = 0.0
    remarks: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All of it, in one line."""
        return " ".join(part.text for part in self.parts if part.text)

    @property
    def words(self) -> tuple[Word, ...]:
        """Those of all parts."""
        return tuple(word for part in self.parts for word in part.words)

    def cues(self) -> Iterator[ReadPart]:
        """Parts cut into subtitles, at pauses between words and where they get too long; without words the parts."""
        for part in self.parts:
            if not part.words and part.text:
                yield part
            cue: list[Word] = []
            for word in part.words:
                if cue and _ends(cue, word):
                    yield _cue(cue)
                    cue = []
                cue.append(word)
            if cue:
                yield _cue(cue)

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        return {"text": self.text, **asdict(self)}


def _ends(cue: list[Word], word: Word) -> bool:
    length = sum(len(said.text) + 1 for said in cue) + len(word.text)
    is_long = length > MAX_CUE_CHARACTERS or word.end - cue[0].start > MAX_CUE_SECONDS
    return is_long or word.start - cue[-1].end > CUE_PAUSE_SECONDS


def _cue(words: list[Word]) -> ReadPart:
    return ReadPart(words[0].start, words[-1].end, " ".join(word.text for word in words), tuple(words))
