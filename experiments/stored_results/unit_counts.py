"""Of one run's stored texts, sentences, events and tags: the counts by utterance, sentence or clip behind its metrics.

They are those that the figures of the run were made of, so that ``UnitCounts.value()`` is the logged metric again: a
report checks that before it draws from them. Events are matched by sed_eval's conditions, segments are sed_eval's.
"""

from __future__ import annotations

import itertools
import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import NamedTuple

import numpy as np

from datamodules.annotations import ClipReferences, Event
from experiments.statistics.paired_bootstrap import DurationF1, MacroF1, Perplexity, Rate, Ratio, UnitCounts
from experiments.stored_results.stored_scores import Sentence, Utterance
from lightning_modules.metrics.edits import utterance_edits
from lightning_modules.metrics.event_matching import count_substitutions, match_events
from lightning_modules.metrics.event_scores import select_scored

COLLAR_SECONDS, OFFSET_FRACTION, SHORT_BELOW_SECONDS = (
    0.2,
    0.2,
    1.0,
)  # ScoreSettings' defaults, which runs are scored by
LENGTHS_WORDS = (5, 10, 20)  # as in lightning_modules/asr/scoring/text_report.py, which imports Lightning
LENGTH_NAMES = ("up_to_5_words", "6_to_10_words", "11_to_20_words", "over_20_words")

Rows = Sequence[Sequence[float]]


def text_counts(utterances: Sequence[Utterance]) -> dict[str, UnitCounts]:
    """``test/wer``, ``/cer``, the three kinds of word edits, the share of utterances without any; WER and CER by group.

    Groups are languages and the lengths and distances from training texts of ``text_report.py``; their units are the
    utterances of the group, so that a test knows how few they are.
    """
    edits = [utterance_edits(item.reference, item.hypothesis) for item in utterances]
    words, characters = ([pair[unit] for pair in edits] for unit in (0, 1))
    rows: dict[str, Rows] = {
        "wer": [(e.errors, e.length) for e in words],
        "cer": [(e.errors, e.length) for e in characters],
        "substitutions": [(e.substitutions, e.length) for e in words],
        "deletions": [(e.deletions, e.length) for e in words],
        "insertions": [(e.insertions, e.length) for e in words],
        "utterances_right": [(e.errors == 0, 1) for e in words],
    }
    ids = [item.utterance_id for item in utterances]
    speakers = [item.speaker for item in utterances]

    def counts(of: Rows, inside: Sequence[bool]) -> UnitCounts:
        within = [tuple(itertools.compress(column, inside)) for column in (ids, speakers)]
        return UnitCounts(
            "utterances", within[0], np.array(list(itertools.compress(of, inside)), float), Ratio(), within[1]
        )

    found = {f"test/{name}": counts(of, [True] * len(ids)) for name, of in rows.items()}
    lengths = [LENGTH_NAMES[bisect_left(LENGTHS_WORDS, e.length)] for e in words]
    languages = [re.sub(r"[^\w.-]", "_", item.language, flags=re.ASCII) for item in utterances]
    distances = [item.training_text for item in utterances]
    for group in (*sorted(set(lengths)), *sorted(set(languages)), *sorted(set(distances) - {""})):
        inside = [group in names for names in zip(lengths, languages, distances, strict=True)]
        found |= {f"test/{rate}_{group}": counts(rows[rate], inside) for rate in ("wer", "cer")}
    return found


def constant_counts(utterances: Sequence[Utterance], texts: Mapping[str, str]) -> dict[str, UnitCounts]:
    """``test/wer`` and ``test/cer`` of one text for every utterance, each with its own, over all and by parts."""
    return {
        name: counts
        for rate, text in texts.items()
        for name, counts in text_counts([item._replace(hypothesis=text) for item in utterances]).items()
        if name == f"test/{rate}" or name.startswith(f"test/{rate}_")
    }


def sentence_counts(sentences: Sequence[Sentence]) -> dict[str, UnitCounts]:
    """Perplexities per character and per word, the end of a sentence counted as one of either."""
    ids = tuple(item.text_id for item in sentences)
    rows: dict[str, Rows] = {
        "character": [(item.nats, item.characters) for item in sentences],
        "word": [(item.nats, len(item.text.split()) + 1) for item in sentences],
    }
    return {
        f"test/perplexity_per_{unit}": UnitCounts("sentences", ids, np.array(of, float), Perplexity())
        for unit, of in rows.items()
    }


def tag_counts(references: ClipReferences, tags: Mapping[str, Set[str]]) -> dict[str, UnitCounts]:
    """F1 of tags, macro and micro."""
    clips = tuple(references.tags)
    rows = [
        [
            count
            for label in references.classes
            for true, found in [(label in references.tags[clip], label in tags.get(clip, ()))]
            for count in (true and found, true, found)
        ]
        for clip in clips
    ]
    return _macro_and_micro("test/tagging_f1", clips, rows, either=True)


def event_counts(references: ClipReferences, events: Mapping[str, Sequence[Event]]) -> dict[str, UnitCounts]:
    """Event-based and segment-based F1 and error rate, and event-based F1 of short and of long events."""
    assert references.events is not None
    lists = select_scored(references.events, events, classes=references.classes)
    clips = tuple(lists.reference)
    macro: dict[str, list[list[int]]] = {"event": [], "segment": []}
    errors: dict[str, list[tuple[int, int]]] = {"event": [], "segment": []}
    durations: dict[str, list[tuple[int, ...]]] = {"short": [], "long": []}
    for clip in clips:
        true, found = lists.reference[clip], lists.estimated[clip]
        matching = match_events(true, found, collar_seconds=COLLAR_SECONDS, offset_fraction=OFFSET_FRACTION)
        right = [true[i] for i, _ in matching]
        macro["event"].append(_by_class(lists.classes, right, true, found))
        substituted = count_substitutions(
            true, found, matching, collar_seconds=COLLAR_SECONDS, offset_fraction=OFFSET_FRACTION
        )
        errors["event"].append((len(true) + len(found) - 2 * len(matching) - substituted, len(true)))
        for group, of_group in _durations(true, found, matching).items():
            durations[group].append(of_group)
        active, heard = _segments(true), _segments(found)
        macro["segment"].append(_by_class(lists.classes, active & heard, active, heard))
        errors["segment"].append((_segment_errors(active, heard), len(active)))
    counts: dict[str, UnitCounts] = {}
    for kind in ("event", "segment"):
        counts |= _macro_and_micro(f"test/{kind}_f1", clips, macro[kind])
        counts[f"test/{kind}_er"] = _counts(clips, errors[kind], Ratio())
    for group, of_clips in durations.items():
        counts[f"test/event_f1_{group}"] = _counts(clips, of_clips, DurationF1())
    return counts


class _Segment(NamedTuple):
    label: str
    second: int


def _counts(clips: tuple[str, ...], rows: Sequence[Sequence[float]], rate: Rate) -> UnitCounts:
    return UnitCounts("clips", clips, np.array(rows, dtype=float), rate)


def _macro_and_micro(
    name: str, clips: tuple[str, ...], rows: Sequence[Sequence[int]], *, either: bool = False
) -> dict[str, UnitCounts]:
    """``rows`` are TP, reference, estimated of each class in turn."""
    by_class = np.array(rows, dtype=float).reshape(len(clips), -1, 3)
    summed = by_class.sum(axis=1)
    micro = np.stack([2 * summed[:, 0], summed[:, 1] + summed[:, 2]], axis=1)
    return {
        f"{name}_macro": UnitCounts("clips", clips, by_class.reshape(len(clips), -1), MacroF1(either)),
        f"{name}_micro": UnitCounts("clips", clips, micro, Ratio()),
    }


def _by_class(classes: Sequence[str], *groups: Iterable[Event] | Iterable[_Segment]) -> list[int]:
    """How many of each group there are of each class: the groups side by side within a class."""
    counters = [Counter(item.label for item in group) for group in groups]
    return [counter[label] for label in classes for counter in counters]


def _durations(
    true: Sequence[Event], found: Sequence[Event], matching: Sequence[tuple[int, int]]
) -> dict[str, tuple[int, ...]]:
    """``DurationF1``'s columns of short and of long events."""

    def of(events: Sequence[Event], numbers: Iterable[int], *, short: bool) -> int:
        return sum((events[number].duration_seconds < SHORT_BELOW_SECONDS) == short for number in numbers)

    return {
        name: (
            of(true, (i for i, _ in matching), short=short),
            of(true, range(len(true)), short=short),
            of(found, (j for _, j in matching), short=short),
            of(found, range(len(found)), short=short),
        )
        for name, short in (("short", True), ("long", False))
    }


def _segments(events: Sequence[Event]) -> set[_Segment]:
    """The seconds that events touch, by class."""
    return {
        _Segment(event.label, second)
        for event in events
        for second in range(math.floor(event.onset_seconds), math.ceil(event.offset_seconds))
    }


def _segment_errors(active: set[_Segment], heard: set[_Segment]) -> int:
    """Substitutions, deletions and insertions, second by second: the larger count less the hits."""
    true, found, right = (Counter(segment.second for segment in group) for group in (active, heard, active & heard))
    return sum(max(true[second], found[second]) - right[second] for second in true.keys() | found.keys())
