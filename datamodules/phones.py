"""When each phone of an utterance is said: ``phones.tsv`` of a corpus, and the references that scoring gets of it.

The file is optional; a corpus without it is what it was, its digest too. A line is a phone, in the order of time:
utterance, start and end in seconds, the phone's name, the number of its word in the text (from 1; 0 in silence), and
the letters of that word that it says. The letters of a word's phones are the word, so a letter has the time of its
phone; a phone without letters (the first sound of a letter that stands for two) belongs to the one before it in its
word, or to the next where there is none. Standard library only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from datamodules.annotations import UtteranceReferences

FILE = "phones.tsv"
HEADER = "utterance\tstart_seconds\tend_seconds\tphone\tword\tletters"


class Phone(NamedTuple):
    """A sound between two times of an utterance; ``word`` counts from 1 and is 0 in silence."""

    start_seconds: float
    end_seconds: float
    name: str
    word: int = 0
    letters: str = ""


class Span(NamedTuple):
    """A stretch of time."""

    start_seconds: float
    end_seconds: float


@dataclass(frozen=True)
class TimedReferences(UtteranceReferences):
    """References with the phones of each utterance; one whose phones are not known has none."""

    phones: Mapping[str, tuple[Phone, ...]] = field(default_factory=dict)


def word_spans(phones: Sequence[Phone]) -> list[Span]:
    """Each word from its first phone's start to its last one's end."""
    return [Span(own[0].start_seconds, own[-1].end_seconds) for own in _by_word(phones)]


def letter_spans(phones: Sequence[Phone]) -> list[list[Span]]:
    """The time of each letter of each word; letters of one phone have all of it.

    >>> said = [Phone(0.0, 0.1, "j", 1), Phone(0.1, 0.3, "e", 1, "е"), Phone(0.3, 0.4, "ll", 1, "ль")]
    >>> [tuple(span) for span in letter_spans(said)[0]]
    [(0.0, 0.3), (0.3, 0.4), (0.3, 0.4)]
    """
    return [_letters(own) for own in _by_word(phones)]


def _letters(phones: Sequence[Phone]) -> list[Span]:
    groups: list[list[Phone]] = []
    for phone in phones:
        if groups and (not phone.letters or not any(one.letters for one in groups[-1])):
            groups[-1].append(phone)
        else:
            groups.append([phone])
    return [
        Span(group[0].start_seconds, group[-1].end_seconds) for group in groups for one in group for _ in one.letters
    ]


def _by_word(phones: Iterable[Phone]) -> list[list[Phone]]:
    words: dict[int, list[Phone]] = defaultdict(list)
    for phone in phones:
        if phone.word:
            words[phone.word].append(phone)
    return [words[number] for number in sorted(words)]


def shifted(phones: Iterable[Phone], seconds: float, *, duration_seconds: float) -> tuple[Phone, ...]:
    """The phones so much later, cut to an utterance: of silence that was trimmed nothing stays.

    >>> said = (Phone(0.0, 0.3, "pau"), Phone(0.3, 0.5, "a", 1, "а"), Phone(0.5, 0.9, "pau"))
    >>> [tuple(phone[:3]) for phone in shifted(said, -0.3, duration_seconds=0.25)]
    [(0.0, 0.2, 'a'), (0.2, 0.25, 'pau')]
    """
    moved = [
        one._replace(
            start_seconds=min(max(one.start_seconds + seconds, 0.0), duration_seconds),
            end_seconds=min(max(one.end_seconds + seconds, 0.0), duration_seconds),
        )
        for one in phones
    ]
    return tuple(one for one in moved if one.word or one.end_seconds > one.start_seconds)


def phone_lines(utterance: str, phones: Iterable[Phone]) -> list[str]:
    """The lines of an utterance; times to a tenth of a millisecond."""
    return [
        f"{utterance}\t{one.start_seconds:.4f}\t{one.end_seconds:.4f}\t{one.name}\t{one.word}\t{one.letters}"
        for one in phones
    ]


def check_phones(utterance: str, text: str, phones: Sequence[Phone], *, duration_seconds: float) -> None:
    """Raise ``ValueError``, one line, for phones that run backwards or out of the utterance, or spell another text."""
    end = 0.0
    for phone in phones:
        if not end - 1e-4 <= phone.start_seconds <= phone.end_seconds <= duration_seconds + 1e-3:
            raise ValueError(
                f"utterance {utterance!r}: phone {phone.name!r} from {phone.start_seconds:g} s to "
                f"{phone.end_seconds:g} s, allowed: after {end:g} s and within its {duration_seconds:g} s"
            )
        end = phone.end_seconds
    said = " ".join("".join(phone.letters for phone in own) for own in _by_word(phones))
    if said != text:
        raise ValueError(f"utterance {utterance!r}: its phones spell {said!r}, allowed: its text {text!r}")


def read_phones(folder: Path) -> dict[str, tuple[Phone, ...]]:
    """The phones of a corpus by utterance. Raises ``ValueError`` naming file and line, ``OSError`` where it is none."""
    path = folder / FILE
    found: dict[str, list[Phone]] = defaultdict(list)
    header, *lines = path.read_text(encoding="utf-8").splitlines() or [""]
    if header != HEADER:
        raise ValueError(f"{path}, line 1: {header!r}, allowed: {HEADER!r}")
    for number, line in enumerate(lines, start=2):
        try:
            utterance, start, end, name, word, letters = line.split("\t")
            found[utterance].append(Phone(float(start), float(end), name, int(word), letters))
        except ValueError:
            raise ValueError(f"{path}, line {number}: {line!r}, allowed: six columns, {HEADER!r}") from None
    return {utterance: tuple(phones) for utterance, phones in found.items()}
