"""A run's figures on its test split for its card, each with its 95 % interval over clips or utterances.

Intervals that the run stored are taken (errors of texts); those of sound events are drawn anew from its stored events,
tags and curves, where its corpus is on this disk, and only where the stored ones give the run's own figure again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from datamodules.annotations import ClipReferences
from datamodules.clips.dcase_tsv import read_events, read_tags
from datamodules.corpus_folder import CorpusMissingError
from datamodules.joined_corpora import read_cards
from experiments.applying.chosen_run import ChosenRun
from experiments.errors import UserError, first_line
from experiments.statistics.paired_bootstrap import Units, resample
from experiments.stored_results import unit_counts
from experiments.stored_results.curve_counts import curve_counts
from experiments.stored_results.stored_counts import AGREES
from experiments.stored_results.stored_scores import CURVES, EVENTS, TAGS
from experiments.table_files.table_values import corpus_of
from lightning_modules.metrics.bootstrap import Interval

OF_EVENTS = {
    "test/event_f1_macro": "event-based F1, mean over classes (collar 200 ms)",
    "test/segment_f1_macro": "segment-based F1, mean over classes (1 s)",
    "test/psds1": "PSDS 1",
    "test/psds2": "PSDS 2",
    "test/tagging_f1_macro": "tagging F1, mean over classes",
    "test/tagging_map": "tagging mean average precision",
}
OF_TEXTS = {"test/wer": "word error rate", "test/cer": "character error rate"}
CURVE_METRICS = ("test/psds1", "test/psds2")
DRAWS = 5_000


class Score(NamedTuple):
    """A figure by its name in words; ``interval`` None where none is known."""

    metric: str
    words: str
    value: float
    interval: Interval | None


def card_scores(chosen: ChosenRun) -> tuple[list[Score], str]:
    """The figures that the run has, and why some have no interval (empty where all have one)."""
    names = {name: words for name, words in {**OF_EVENTS, **OF_TEXTS}.items() if name in chosen.scores}
    stored = {name: found for name in names if (found := _stored(chosen.scores, name)) is not None}
    drawn, why = ({}, "") if stored.keys() >= names.keys() else _drawn(chosen)
    known: dict[str, Interval] = {**drawn, **stored}
    scores = [Score(name, words, chosen.scores[name], known.get(name)) for name, words in names.items()]
    lacking = any(score.interval is None for score in scores)
    return scores, (why or "not every figure is one of counts by clip") if lacking else ""


def _stored(scores: Mapping[str, float], metric: str) -> Interval | None:
    low, high = (scores.get(f"{metric}_ci95_{end}") for end in ("low", "high"))
    return None if low is None or high is None else Interval(low, high)


def _drawn(chosen: ChosenRun) -> tuple[dict[str, Interval], str]:
    """Intervals by metric over clips, and why there are not more."""
    counts, why = _counts(chosen)
    found = {}
    for metric, of in counts.items():
        value = chosen.scores.get(metric, math.nan)
        if not math.isclose(of.value(), value, rel_tol=AGREES, abs_tol=1e-9):
            continue  # of other curves or labels than the run's
        low, high = np.nanquantile(resample([of], num_resamples=DRAWS)[0], (0.025, 0.975)).tolist()
        found[metric] = Interval(low, high)
    return found, why


def _counts(chosen: ChosenRun) -> tuple[dict[str, Units], str]:
    scores = chosen.folder / "scores"
    curves, asked = scores / CURVES, [name for name in CURVE_METRICS if name in chosen.scores]
    counts: dict[str, Units] = dict(curve_counts(curves, asked)) if curves.is_file() and asked else {}
    files = [path for path in (scores / TAGS, scores / EVENTS) if path.is_file()]
    if not files:
        return counts, "the run's stored events are not on this disk"
    try:
        references = _references(chosen)
    except (UserError, CorpusMissingError, OSError, ValueError) as error:
        return counts, f"the labels of its test split were not on the exporting machine ({first_line(error)})"
    return {**counts, **_counts_of_events(scores, references)}, ""


def _counts_of_events(scores: Path, references: ClipReferences) -> dict[str, Units]:
    counts: dict[str, Units] = {}
    if (scores / TAGS).is_file():
        counts |= unit_counts.tag_counts(references, read_tags(scores / TAGS))
    if (scores / EVENTS).is_file() and references.events is not None:
        counts |= unit_counts.event_counts(references, read_events(scores / EVENTS))
    return counts


def _references(chosen: ChosenRun) -> ClipReferences:
    from experiments.configuration.schema import build

    read_cards(corpus_of(chosen.config))  # which says what prepares a corpus that is not here
    config = {section: chosen.config[section] for section in ("data", "scoring") if section in chosen.config}
    data = build(config, stage="score", seed=0, where=f"run {chosen.name}", imports=chosen.imports).data
    data.setup("score")
    references = data.references("test")
    if not isinstance(references, ClipReferences):
        raise ValueError("its test split has no clips")
    return references
