"""All parts of the analysis of a run's test events: a CSV file each in its scores, and beside it the picture."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from datamodules.annotations import ClipReferences, Event
from lightning_modules.sed.analysis import charts
from lightning_modules.sed.analysis.boundaries import boundary_errors
from lightning_modules.sed.analysis.co_occurrence import co_occurrence
from lightning_modules.sed.analysis.durations import by_duration
from lightning_modules.sed.analysis.tags_and_times import tags_and_times

Events = Mapping[str, Sequence[Event]]


class Part(NamedTuple):
    """``NAME.csv`` of a run's scores, and the picture that is drawn of its lines."""

    name: str
    heading: str
    draw: Callable[[charts.Rows], Any]

    @property
    def csv(self) -> str:
        """The file's name."""
        return f"{self.name}.csv"


PARTS = (
    Part("per_class", "By class", charts.draw_by_class),
    Part("tags_and_times", "Lost by tags, lost by times", charts.draw_tags_and_times),
    Part("by_duration", "By length of the event", charts.draw_by_duration),
    Part("boundary_errors", "Errors of onsets and offsets", charts.draw_boundary_errors),
    Part("co_occurrence", "Found where another class sounds", charts.draw_co_occurrence),
)


def analyse_events(test: ClipReferences, events: Events, *, with_true_tags: Events | None, output_dir: Path) -> None:
    """Write the lines of every part but ``per_class.csv``, which is written with the scores.

    They are of the strong clips alone; none without any.
    """
    if test.events is None:
        return
    events = {clip: events[clip] for clip in test.events}
    variants = tags_and_times(test, events, with_true_tags=with_true_tags)
    errors = boundary_errors(test.events, events)
    mixed = co_occurrence(test.events, events, duration_seconds=test.duration_seconds, classes=test.classes)
    _write(output_dir / "tags_and_times.csv", [variant.row() for variant in variants])
    _write(output_dir / "by_duration.csv", [of.row() for of in by_duration(test.events, events)])
    _write(output_dir / "boundary_errors.csv", errors.rows())
    _write(output_dir / "co_occurrence.csv", mixed.rows())


def draw_analysis(output_dir: Path) -> list[Path]:
    """Draw the parts of which there are lines, each beside its CSV file."""
    paths = []
    for part in PARTS:
        if (path := output_dir / part.csv).is_file():
            paths.append(draw_part(part, path, output_dir / f"{part.name}.png"))
    return paths


def draw_part(part: Part, lines: Path, picture: Path) -> Path:
    """Draw one part from its CSV file."""
    with lines.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    part.draw(rows).savefig(picture, dpi=110)
    return picture


def _write(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
