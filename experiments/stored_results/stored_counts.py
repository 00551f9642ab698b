"""The counts of every finished run of a plan, from its stored scores: read, and checked against what the run logged.

Nothing is decoded or trained again. A run whose files are not on this disk nor in MLflow, or whose counts do not give
its logged figure again (another corpus is prepared here now, say), is left out with the reason: no test rests on other
numbers than the table's.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from datamodules.annotations import ClipReferences
from datamodules.clips.dcase_tsv import read_events, read_tags
from experiments.planning.cell import Cell
from experiments.statistics.paired_bootstrap import Units
from experiments.statistics.trainings import Training
from experiments.stored_results import unit_counts
from experiments.stored_results.curve_counts import METRICS, curve_counts
from experiments.stored_results.split_references import References, TestSplits
from experiments.stored_results.stored_scores import (
    CONSTANTS,
    CURVES,
    EVENTS,
    SENTENCES,
    TAGS,
    TUNED,
    TUNED_EVENTS,
    UTTERANCES,
    StoredScores,
    Utterance,
    read_constants,
    read_sentences,
    read_utterances,
)
from experiments.table_files.table_values import corpus_of
from experiments.waiting import with_bar

NOT_HERE = "its stored predictions or its corpus are not on this disk"
AGREES = 1e-4  # relative: sentences.csv keeps four decimals


class Run(NamedTuple):
    """A row at a seed, of a fold where the table has folds."""

    row: str
    training: Training


def training_of(cell: Cell) -> Training:
    """The fold and seed of a cell."""
    return Training(cell.fold, cell.seed)


@dataclass
class StoredCounts:
    """Counts by run and metric, and why runs have none."""

    by_run: dict[Run, dict[str, Units]] = field(default_factory=dict)
    left_out: dict[Run, str] = field(default_factory=dict)

    def of(self, metric: str) -> dict[Run, Units]:
        """The runs that have counts of a metric."""
        return {run: counts[metric] for run, counts in self.by_run.items() if metric in counts}


def read_counts(
    finished: Sequence[Cell], scores: StoredScores, splits: TestSplits, metrics: Collection[str]
) -> StoredCounts:
    """Of each finished cell the counts behind those of ``metrics`` that are made of counts."""
    read = StoredCounts()
    texts = _Texts(finished, scores)
    for cell in with_bar(finished, "stored scores are counted"):
        run = Run(cell.row.name, training_of(cell))
        found = {name: of for name, of in _counts(cell, scores, splits, texts, metrics).items() if name in metrics}
        if not found:
            why = splits.why_not(cell)
            read.left_out[run] = f"no labels of its test split: {why}" if why else NOT_HERE
        elif (wrong := _disagreement(cell, found)) is not None:
            read.left_out[run] = wrong
        elif cell.fold is None:
            read.by_run[run] = found
        else:
            read.by_run[run] = {name: of_corpus(of, corpus_of(cell.row.config)) for name, of in found.items()}
    return read


def of_corpus(of: Units, corpus: str) -> Units:
    """Units by their corpus and id: folds that are corpora may each have a ``test-0001``, of other clips."""
    return replace(of, ids=tuple(f"{corpus}: {name}" for name in of.ids))


class _Texts:
    """The texts of each run, and the references that a constant text is scored on."""

    def __init__(self, finished: Sequence[Cell], scores: StoredScores) -> None:
        self._read: dict[str, list[Utterance]] = {}
        for cell in with_bar(finished, "stored texts are read"):
            path = scores.file(cell, UTTERANCES) if _may_have(cell, "text") else None
            if path is not None and cell.run is not None:
                self._read[cell.run.run_id] = read_utterances(path)
        self._corpora = {cell.run.run_id: cell.row.config["data"] for cell in finished if cell.run}

    def of(self, cell: Cell) -> list[Utterance]:
        return self._read.get(cell.run.run_id if cell.run else "", [])

    def references_of(self, cell: Cell) -> list[Utterance]:
        """The utterances of any other run on the same data section."""
        for run_id, utterances in self._read.items():
            if self._corpora[run_id] == cell.row.config["data"]:
                return utterances
        return []


def _may_have(cell: Cell, kind: str) -> bool:
    """Saves asking a server for files that runs of a family never have; a user's own data module may have any."""
    module = str(cell.row.config["data"].get("class_path", ""))
    families = {"events": "datamodules.sed.", "text": "datamodules.asr.", "sentences": "datamodules.text."}
    known = [name for name, prefix in families.items() if module.startswith(prefix)]
    return not known or kind in known


def _counts(
    cell: Cell, scores: StoredScores, splits: TestSplits, texts: _Texts, metrics: Collection[str]
) -> Mapping[str, Units]:
    if utterances := texts.of(cell):
        return _recorded(unit_counts.text_counts(utterances), cell, splits)
    if _may_have(cell, "text") and (path := scores.file(cell, CONSTANTS)) is not None:
        references = texts.references_of(cell)
        counts = unit_counts.constant_counts(references, read_constants(path)) if references else {}
        return _recorded(counts, cell, splits)
    if _may_have(cell, "sentences") and (path := scores.file(cell, SENTENCES)) is not None:
        return unit_counts.sentence_counts(read_sentences(path))
    return _detection_counts(cell, scores, splits, metrics) if _may_have(cell, "events") else {}


def _detection_counts(
    cell: Cell, scores: StoredScores, splits: TestSplits, metrics: Collection[str]
) -> dict[str, Units]:
    """Curve metrics need no labels; with them here their clips have what they were recorded from."""
    tags, events = (scores.file(cell, name) for name in (TAGS, EVENTS))
    asked = [metric for metric in metrics if metric in METRICS]
    curves = scores.file(cell, CURVES) if asked else None
    counts = {} if curves is None else curve_counts(curves, asked)
    references = splits.of(cell) if tags or events else None
    if not isinstance(references, ClipReferences):
        return counts
    if tags:
        counts |= unit_counts.tag_counts(references, read_tags(tags))
    if events and references.events is not None:
        counts |= unit_counts.event_counts(references, read_events(events))
    tuned = scores.file(cell, TUNED_EVENTS) if any(metric.endswith(TUNED) for metric in metrics) else None
    if tuned and references.events is not None:
        of_tuned = unit_counts.event_counts(references, read_events(tuned))
        counts |= {f"{metric}{TUNED}": of for metric, of in of_tuned.items()}
    return {name: _with_sources(of, references) for name, of in counts.items()}


def _recorded(counts: Mapping[str, Units], cell: Cell, splits: TestSplits) -> Mapping[str, Units]:
    """Counts of texts, whose speakers are stored beside them; for any other blocks the corpus is read."""
    if cell.table.blocks in (None, "speaker") or (references := splits.of(cell)) is None:
        return counts
    return {name: _with_sources(of, references) for name, of in counts.items()}


def _with_sources(of: Units, references: References) -> Units:
    """With what each clip was recorded from, by kind (family, session), of kinds that every clip has."""
    sources = {
        kind: tuple(by_clip[clip] for clip in of.ids)
        for kind, by_clip in references.sources.items()
        if by_clip.keys() >= set(of.ids)
    }
    return replace(of, sources=sources)


def _disagreement(cell: Cell, counts: dict[str, Units]) -> str | None:
    """Which logged figure the counts do not give again; metrics that were not logged, or diverged, leave the counts."""
    logged = cell.run.metrics if cell.run else {}
    for metric in [name for name in counts if not math.isfinite(logged.get(name, math.nan))]:
        del counts[metric]  # undefined on this split
    for metric, of_metric in counts.items():
        value = of_metric.value()
        if not math.isclose(value, logged[metric], rel_tol=AGREES, abs_tol=1e-9):
            return f"its stored predictions give {metric} {value:.4f} and the run logged {logged[metric]:.4f}"
    return None
