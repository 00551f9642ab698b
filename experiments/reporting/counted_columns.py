"""How many test units a column is over, where that is a part of the split: ``over 20 (n=2)``.

A scoring that gives a figure of a part (``test/wer_over_20_words``) says beside it, under the same name with ``_n``,
how many utterances, clips or events that part has; of earlier runs their files say it (``part_counts.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from experiments.stored_results.part_counts import COUNT
from experiments.table_files.columns import Column
from experiments.tracking.tracked_run import TrackedRun


def counted(columns: Sequence[Column], runs: Iterable[TrackedRun]) -> tuple[Column, ...]:
    """The columns, their labels with the number of units under them where runs say it; ``2–5`` where they differ."""
    known = list(runs)
    return tuple(_counted(column, [run.metrics.get(column.metric + COUNT) for run in known]) for column in columns)


def _counted(column: Column, said: Iterable[float | None]) -> Column:
    counts = sorted({round(count) for count in said if count is not None})
    if not counts:
        return column
    number = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]}–{counts[-1]}"
    return replace(column, label=f"{column.label} (n={number})")
