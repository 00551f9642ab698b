"""One test clip as several systems hear it: which rows, which of their runs, and which clip by which rule.

Curves are in the runs' predictions, which packs of results seldom have, and sounds in the prepared corpus, which they
never have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import ClipReferences, Event
from datamodules.clips.dcase_tsv import read_events
from experiments.errors import UserError, unknown
from experiments.planning.cell import Cell
from experiments.reporting.report import Report
from experiments.stored_results.split_references import TestSplits
from experiments.stored_results.stored_scores import EVENTS, StoredScores
from experiments.table_files.charts import ExampleClip
from experiments.tracking.run_store import RunStore
from lightning_modules.metrics.coactivation import coactivation
from lightning_modules.sed.fitting.fitted import clip_curves
from lightning_modules.sed.predictions import DetectionPredictions

SOURCE = "own"  # the name under which a row that only scores has the row whose curves it scores


class NotDrawnError(Exception):
    """Why there is no example, in a line: runs, curves, labels or sounds are not here, and nobody is at fault."""


@dataclass(frozen=True)
class System:
    """A row's run: its frame curves and its events by clip."""

    cell: Cell
    predictions: DetectionPredictions
    curves: Mapping[str, NDArray[np.float32]]
    events: Mapping[str, Sequence[Event]]

    def coactivation(self, clip: str, tags: frozenset[str]) -> float:
        """The mean cosine of two tagged classes' curves; NaN of a clip with less than two tags."""
        column = self.predictions.classes.index
        return coactivation([(self.curves[clip], np.array(sorted(map(column, tags)), dtype=np.int64))])


@dataclass(frozen=True)
class ChosenClip:
    """A clip, in a sentence why this one, and the systems that hear it."""

    clip: str
    rule: str
    references: ClipReferences
    systems: tuple[System, ...]

    @property
    def reference(self) -> Sequence[Event]:
        """The clip's strong labels."""
        assert self.references.events is not None
        return self.references.events[self.clip]


def choose_clip(
    report: Report, chart: ExampleClip, cells: Sequence[Cell], store: RunStore, scores: StoredScores, splits: TestSplits
) -> ChosenClip:
    """The chart's clip, or the one of its rule, at the first seed (and fold) that all its rows have finished.

    Raises ``NotDrawnError``, or ``UserError`` for a clip that there is not and a row that has no curves by its nature.
    """
    where = f"{report.table.path.name}: charts.{chart.name}"
    if not store.uri:
        raise NotDrawnError(f"{where}: not drawn, a pack of results has no sounds and seldom curves; ask a store")
    rows = chart.rows or _baseline_and_neighbours(report, cells, store)
    together = _together(rows, [cell for cell in cells if cell.row.table == report.table.name], store)
    if not together:
        raise NotDrawnError(
            f"{where}: not drawn, at no seed have all its rows ({', '.join(rows) or 'none'}) finished with frame curves"
        )
    known: set[str] = set()
    for runs in together:
        references = _references(runs[0], splits, where=where)
        known |= set(references.events or ())
        if chart.clip is None or chart.clip in known:
            break
    else:
        raise UserError(f"{where}.clip: {unknown('clip', str(chart.clip), sorted(known))}")
    systems = tuple(_system(cell, store, scores, where=where) for cell in runs)
    if chart.clip is None:
        return _by_rule(references, systems, where=where)
    return ChosenClip(chart.clip, "chosen by its name", references, systems)


def _baseline_and_neighbours(report: Report, cells: Sequence[Cell], store: RunStore) -> tuple[str, ...]:
    """Of the first group's rows with curves its baseline, and those before and after it; without it the first three."""
    group = report.groups[0]
    with_curves = {cell.row.name for cell in cells if cell.row.table == report.table.name and _curves(cell, store)}
    rows = [row for row in group.rows if row in with_curves]
    baseline = group.baseline or report.table.baseline
    middle = rows.index(baseline) if baseline in rows else 1
    return tuple(rows[max(middle - 1, 0) : middle + 2])


def _together(rows: Sequence[str], cells: Sequence[Cell], store: RunStore) -> list[tuple[Cell, ...]]:
    """The rows' finished runs, one each at every seed (and on every fold) at which all of them have curves."""
    by_place: dict[tuple[str | None, int], dict[str, Cell]] = {}
    for cell in cells:
        if cell.row.name in rows and cell.state == "finished" and _curves(cell, store):
            by_place.setdefault((cell.fold, cell.seed), {})[cell.row.name] = cell
    return [tuple(of[row] for row in rows) for of in by_place.values() if rows and len(of) == len(rows)]


def _curves(cell: Cell, store: RunStore) -> Path | None:
    """Where a finished run's test predictions are on this disk; those of the row that a row scores."""
    predicted = cell.upstream.get(SOURCE, cell) if cell.row.stage == "score" else cell
    if predicted.run is None or predicted.key is None:
        return None
    run_dir = store.run_dir(predicted.run.tags.get("key", predicted.key.id))
    places = [run_dir, store.artifact_folder(predicted.run.artifact_uri)]
    paths = [place / "predictions" / "test.npz" for place in places if place is not None]
    return next((path for path in paths if path.is_file()), None)


def _references(cell: Cell, splits: TestSplits, *, where: str) -> ClipReferences:
    references = splits.of(cell)
    if not isinstance(references, ClipReferences) or references.events is None:
        raise NotDrawnError(f"{where}: not drawn, {splits.why_not(cell) or 'the test split has no strong labels'}")
    return references


def _system(cell: Cell, store: RunStore, scores: StoredScores, *, where: str) -> System:
    path, events = _curves(cell, store), scores.file(cell, EVENTS)
    assert path is not None, "of those that have curves"
    predictions = DetectionPredictions.load(path)
    if predictions.frame_probabilities_NTC is None or events is None:
        raise UserError(f"{where}.rows: row {cell.row.name!r} has tags and no frame curves with events")
    return System(cell, predictions, dict(clip_curves(predictions)), read_events(events))


def _by_rule(references: ClipReferences, systems: tuple[System, ...], *, where: str) -> ChosenClip:
    """Of the clips with two tags or more the one with the median difference in co-activation, first row - last row.

    Of an even number the lower one; of equal differences the first by name. Neither the best nor the worst to see.
    """
    assert references.events is not None
    first, last = systems[0], systems[-1]
    tags = {clip: references.tags[clip] for clip in sorted(references.events) if len(references.tags[clip]) > 1}
    by_difference = sorted(
        tags, key=lambda clip: (first.coactivation(clip, tags[clip]) - last.coactivation(clip, tags[clip]), clip)
    )
    if not by_difference:
        raise NotDrawnError(f"{where}: not drawn, no test clip has two classes to tell apart")
    rule = (
        f"of the {len(tags)} test clips with two classes or more the one whose difference in co-activation between "
        f"{first.cell.row.name} and {last.cell.row.name} is the median"
    )
    return ChosenClip(by_difference[(len(tags) - 1) // 2], rule, references, systems)
