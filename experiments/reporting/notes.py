"""The note of an MLflow experiment, its page's Markdown: one section a table, the newest first.

Tables of one family share an experiment. Each table's last section is kept in an experiment tag of its own,
``earmark.note.<table>``, and the note is made anew of all of them, so that reporting one table leaves the others.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from experiments.reporting.views import CHARTS, view_id
from experiments.table_files.spec import Table
from experiments.tracking.mlflow_store import Tracker

NOTE = "mlflow.note.content"
PREFIX = "earmark.note."
MAX_CHARACTERS = 18000  # MLflow refuses experiment tags over 20,000


def write_note(tracker: Tracker, table: Table, text: str) -> None:
    """Make ``text``, a report's Markdown, the table's section of its experiment's note. Raises ``TrackingError``."""
    experiment_id = tracker.experiment_id(table.family)
    section = f"{text.rstrip()}\n\n{_links(table, experiment_id)}".rstrip() + "\n"
    stored = {"time_ms": time.time_ns() // 1_000_000, "scale": table.scale, "text": section}
    tags = {**tracker.experiment_tags(table.family), PREFIX + table.name: json.dumps(stored)}
    tracker.tag_experiment(table.family, {PREFIX + table.name: tags[PREFIX + table.name], NOTE: compose(tags)})


def _links(table: Table, experiment_id: str) -> str:
    """Links to the table's saved views on the very page that shows the note."""
    links = []
    for view in table.views:
        link = f"#/experiments/{experiment_id}/runs?viewStateShareKey={view_id(table, view)}"
        links.append(f"[{view.name}]({link}) ([charts]({link}{CHARTS}))")
    return f"Saved views: {', '.join(links)}" if links else ""


def compose(tags: Mapping[str, str]) -> str:
    """The note from an experiment's tags: sections, newest first; a line names the commands of what does not fit."""
    sections = []
    for key, value in tags.items():
        if key.startswith(PREFIX):
            stored = json.loads(value)
            command = f"earmark report {key.removeprefix(PREFIX)} --scale {stored['scale']}"
            sections.append((int(stored["time_ms"]), command, str(stored["text"])))
    kept: list[str] = []
    dropped: list[str] = []
    for _, command, text in sorted(sections, reverse=True):
        fits = sum(len(other) + 1 for other in kept) + len(text) <= MAX_CHARACTERS - 1000
        (kept if fits else dropped).append(text if fits else f"`{command}`")
    if dropped:
        kept.append(f"Not shown for want of room: {', '.join(dropped)}\n")
    return "\n".join(kept)
