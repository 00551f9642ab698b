"""The worst and the best test clips or utterances of a run, from its stored predictions: what a reader hears.

Two of each that err most and least and, where the run drew pictures, the worst and the best of those. Of equal ones
the richest comes first: more events, longer texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from datamodules.annotations import ClipReferences, Event
from datamodules.clips.dcase_tsv import read_events, read_tags
from experiments.planning.cell import Cell
from experiments.stored_results.split_references import References, TestSplits
from experiments.stored_results.stored_scores import EVENTS, TAGS, UTTERANCES, StoredScores, Utterance, read_utterances
from experiments.table_files.table_values import corpus_of
from lightning_modules.metrics.edits import align, utterance_edits, words
from lightning_modules.metrics.event_matching import match_events

EACH = 2


class Pair(NamedTuple):
    """Words of reference and hypothesis under each other; ``kind`` is empty where they are equal."""

    said: str
    written: str
    kind: str


class Bar(NamedTuple):
    """An event on a lane of its class, in percent of the clip."""

    left: float
    width: float
    predicted: bool
    seconds: str


@dataclass(frozen=True)
class Example:
    """One clip or utterance of a row, worst or best; ``picture`` is one that the run drew."""

    name: str
    verdict: str
    about: str
    picture: Path | None
    pairs: tuple[Pair, ...] = ()
    lanes: Mapping[str, tuple[Bar, ...]] | None = None
    tags: tuple[Pair, ...] = ()


@dataclass(frozen=True)
class RowExamples:
    """Of one run; ``references`` load its audio, where the corpus is on this disk."""

    cell: Cell
    references: References | None
    worst: tuple[Example, ...]
    best: tuple[Example, ...]

    def clip(self, example: Example) -> str:
        """The name of an example's clip with its corpus: another row's, or fold's, may have a clip of that name too."""
        return f"{corpus_of(self.cell.row.config)} {example.name}"


class _Candidate(NamedTuple):
    name: str
    error: float  # 0 is right
    richness: int
    make: Callable[[Path | None], Example]


def row_examples(cell: Cell, scores: StoredScores, splits: TestSplits) -> RowExamples | None:
    """Examples of a finished cell; None where its stored predictions (or, for events, the corpus) are not here."""
    run_dir, references = scores.run_dir(cell), splits.of(cell)
    candidates: list[_Candidate] = []
    if isinstance(references, ClipReferences):
        events, tags = scores.file(cell, EVENTS), scores.file(cell, TAGS)
        candidates = _clips(references, read_events(events) if events else None, read_tags(tags) if tags else {})
    elif (path := scores.file(cell, UTTERANCES)) is not None:
        candidates = [_utterance(item) for item in read_utterances(path)]
    if not candidates:
        return None
    pictures = _pictures(run_dir / "scores") if run_dir else {}
    worst = sorted(candidates, key=lambda of: (-of.error, -of.richness, of.name))
    best = sorted(candidates, key=lambda of: (of.error, -of.richness, of.name))
    first = _chosen(worst, pictures, ())
    return RowExamples(
        cell=cell,
        references=references,
        worst=tuple(of.make(pictures.get(of.name)) for of in first),
        best=tuple(of.make(pictures.get(of.name)) for of in _chosen(best, pictures, first)),
    )


def _chosen(
    ordered: Sequence[_Candidate], pictures: Mapping[str, Path], taken: Sequence[_Candidate]
) -> list[_Candidate]:
    names = {of.name for of in taken}
    free = [of for of in ordered if of.name not in names]
    chosen = free[:EACH]
    drawn = next((of for of in free[EACH:] if of.name in pictures), None)
    return [*chosen, *([drawn] if drawn else [])]


def _pictures(scores: Path) -> dict[str, Path]:
    """Pictures by clip (``clips/ID.png``) or utterance (``utterances/NN-ID.png``)."""
    clips = {path.stem: path for path in sorted((scores / "clips").glob("*.png"))}
    utterances = {path.stem.partition("-")[2]: path for path in sorted((scores / "utterances").glob("*.png"))}
    return {**clips, **utterances}


def _utterance(item: Utterance) -> _Candidate:
    edits = utterance_edits(item.reference, item.hypothesis).words
    rate = edits.rate

    def make(picture: Path | None) -> Example:
        pairs = tuple(_pair(said, written) for said, written in align(words(item.reference), words(item.hypothesis)))
        verdict = f"{_number(edits.errors, 'error')} in {_number(edits.length, 'word')}"
        about = ", ".join(text for text in (item.language, item.speaker) if text)
        return Example(item.utterance_id, verdict, about, picture, pairs=pairs)

    return _Candidate(item.utterance_id, rate, edits.length, make)


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _pair(said: str | None, written: str | None) -> Pair:
    kind = "insertion" if said is None else "deletion" if written is None else ""
    return Pair(said or "", written or "", kind or ("" if said == written else "substitution"))


def _clips(
    references: ClipReferences,
    events: Mapping[str, Sequence[Event]] | None,
    tags: Mapping[str, frozenset[str]],
) -> list[_Candidate]:
    true = references.events
    if events is None or true is None:  # a tagger, or a test split of weak clips
        return [_tagged(clip, references, tags.get(clip, frozenset())) for clip in references.tags]
    return [_detected(clip, references, true[clip], events.get(clip, ()), tags.get(clip)) for clip in true]


def _tagged(clip: str, references: ClipReferences, found: frozenset[str]) -> _Candidate:
    true = references.tags[clip]
    total, right = len(true) + len(found), len(true & found)

    def make(picture: Path | None) -> Example:
        verdict = f"{right} of {len(true)} tags found, {len(found)} predicted"
        return Example(clip, verdict, _seconds(references, clip), picture, tags=_tag_pairs(true, found))

    return _Candidate(clip, 1 - 2 * right / total if total else 0.0, total, make)


def _detected(
    clip: str,
    references: ClipReferences,
    true: Sequence[Event],
    found: Sequence[Event],
    tags: frozenset[str] | None,
) -> _Candidate:
    right, total = len(match_events(true, found)), len(true) + len(found)

    def make(picture: Path | None) -> Example:
        verdict = f"{right} of {len(true)} events found, {len(found)} predicted"
        labels = sorted({event.label for event in (*true, *found)})
        length = references.duration_seconds[clip]
        lanes = {
            label: (*_bars(true, label, length, predicted=False), *_bars(found, label, length, predicted=True))
            for label in labels
        }
        pairs = _tag_pairs(references.tags[clip], tags) if tags is not None else ()
        return Example(clip, verdict, _seconds(references, clip), picture, lanes=lanes, tags=pairs)

    return _Candidate(clip, 1 - 2 * right / total if total else 0.0, total, make)


def _bars(events: Iterable[Event], label: str, length: float, *, predicted: bool) -> list[Bar]:
    return [
        Bar(
            left=100 * event.onset_seconds / length,
            width=max(100 * event.duration_seconds / length, 0.3),
            predicted=predicted,
            seconds=f"{event.onset_seconds:.2f} to {event.offset_seconds:.2f} s",
        )
        for event in events
        if event.label == label
    ]


def _tag_pairs(true: frozenset[str], found: frozenset[str]) -> tuple[Pair, ...]:
    return tuple(
        _pair(label if label in true else None, label if label in found else None) for label in sorted(true | found)
    )


def _seconds(references: ClipReferences, clip: str) -> str:
    return f"{references.duration_seconds[clip]:.1f} s"
