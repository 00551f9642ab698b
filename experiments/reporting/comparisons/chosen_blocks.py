"""``blocks:`` of a table: the kind of recorded source that tests over the test set draw by, and by no other.

A table that names one is tested so or not at all: units of which it is not recorded, and fewer sources than percentiles
can be of, are said in the place of a test.
"""

from __future__ import annotations

from dataclasses import replace

from experiments.reporting.comparisons.unit_draws import ENOUGH_SPEAKERS, plural
from experiments.statistics.paired_bootstrap import Units
from experiments.stored_results.stored_counts import StoredCounts


def choose_blocks(counts: StoredCounts, kind: str | None) -> None:
    """Leave the counts the sources of one kind alone, and leave out the runs of rows that have too few; None: all."""
    if kind is None:
        return
    sources: dict[str, set[tuple[str | None, str]]] = {}
    for run, by_metric in list(counts.by_run.items()):
        chosen = {metric: _of_kind(of, kind) for metric, of in by_metric.items()}
        if lacking := [of.unit for of in chosen.values() if of.speakers is None and not of.sources]:
            counts.left_out[run] = f"blocks: no {kind} is recorded of its {lacking[0]}"
            del counts.by_run[run]
            continue
        counts.by_run[run] = chosen
        named = sources.setdefault(run.row, set())
        named.update((run.training.fold, name) for of in chosen.values() for name in _names(of))
    for run in list(counts.by_run):
        if (num := len(sources[run.row])) < ENOUGH_SPEAKERS:
            counts.left_out[run] = _too_few(kind, num)
            del counts.by_run[run]


def _too_few(kind: str, num: int) -> str:
    return f"blocks: {num} {kind if num == 1 else plural(kind)} to draw from, allowed: {ENOUGH_SPEAKERS} or more"


def _of_kind(of: Units, kind: str) -> Units:
    if kind == "speaker" and of.speakers is not None:
        return replace(of, sources={})
    return replace(of, speakers=None, sources={name: names for name, names in of.sources.items() if name == kind})


def _names(of: Units) -> set[str]:
    """The sources that are left."""
    return {name for names in (of.speakers or (), *of.sources.values()) for name in names}
