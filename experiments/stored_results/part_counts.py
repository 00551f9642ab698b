"""How many test units a figure of a part of the test split is over, from the files that a run keeps of its parts.

Scorings say it beside their figures, as ``test/wer_over_20_words_n``; runs of before they did have it in their tables
of lengths, languages and corpora all the same, and sound events have theirs by class. What a run says itself stands.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from experiments.planning.cell import Cell
from experiments.stored_results.stored_scores import StoredScores

COUNT = "_n"
_TEXTS = {
    "per_length.csv": ("length", ""),
    "per_language.csv": ("language", ""),
    "per_corpus.csv": ("corpus", "corpus_"),
}
_EVENTS = "per_class.csv"
_EVENT_FIGURES = ("event_f1", "event_recall", "event_precision")
_OF_EVENTS = tuple(f"test/{figure}_{part}" for figure in _EVENT_FIGURES for part in ("short", "long"))


def with_part_counts(cells: Sequence[Cell], scores: StoredScores, metrics: Collection[str]) -> list[Cell]:
    """The cells, the metrics of their runs with the units under those of ``metrics`` that are of a part."""
    return [_counted(cell, scores, metrics) if cell.run else cell for cell in cells]


def _may_say(file: str, metric: str) -> bool:
    """Whether a figure may be of a part that this file has: no file is fetched from a server in vain."""
    if file == _EVENTS:
        return metric.startswith(_OF_EVENTS)
    return metric.startswith(("test/wer_", "test/cer_")) and not metric.endswith(("_low", "_high", "_max"))


def _counted(cell: Cell, scores: StoredScores, metrics: Collection[str]) -> Cell:
    assert cell.run is not None
    lacking = [metric for metric in metrics if metric + COUNT not in cell.run.metrics and metric in cell.run.metrics]
    found: dict[str, float] = {}
    for name in (*_TEXTS, _EVENTS):
        if any(_may_say(name, metric) for metric in lacking) and (path := scores.file(cell, name)):
            found |= dict(_event_counts(path) if name == _EVENTS else _text_counts(path, *_TEXTS[name]))
    counts = {metric + COUNT: found[plain] for metric in lacking if (plain := metric.removesuffix("_tuned")) in found}
    return replace(cell, run=replace(cell.run, metrics={**cell.run.metrics, **counts})) if counts else cell


def _text_counts(path: Path, kind: str, prefix: str) -> Iterator[tuple[str, float]]:
    """Utterances of each length, language or corpus; none of a split of one."""
    parts = list(_rows(path))
    for part in parts if len(parts) > 1 or kind == "length" else ():
        name = prefix + re.sub(r"[^\w.-]", "_", part[kind], flags=re.ASCII)
        for figure in ("wer", "cer"):
            yield f"test/{figure}_{name}", float(part["utterances"])


def _event_counts(path: Path) -> Iterator[tuple[str, float]]:
    """Real events that are short, and the others."""
    classes = list(_rows(path))
    if classes and {"reference_events", "reference_events_short"} <= classes[0].keys():
        total, short = (_sum(classes, column) for column in ("reference_events", "reference_events_short"))
        for part, count in (("short", short), ("long", total - short)):
            for figure in _EVENT_FIGURES:
                yield f"test/{figure}_{part}", count


def _sum(rows: Sequence[Mapping[str, str]], column: str) -> float:
    return sum(float(row[column] or 0) for row in rows)


def _rows(path: Path) -> Iterator[Mapping[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
