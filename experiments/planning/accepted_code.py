"""``--accept-code-change``: finished runs stand for today's code too, because their user says that it is harmless.

The old run gets a tag ``code_accepted.<key of the code that it was compared with>`` with the modules that changed. A
plan then counts it as finished under its own key, so that what stands on it stays valid too, and reports mark the cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from experiments.planning.known_runs import ACCEPTED, TRAINING_ACCEPTED
from experiments.planning.trained_before import phases_of
from experiments.runs import phase_keys

if TYPE_CHECKING:
    from experiments.planning.cell import Cell
    from experiments.tracking.mlflow_store import Tracker


def accept(cells: Sequence[Cell], tracker: Tracker) -> list[str]:
    """Tag the finished runs of cells of which code alone has changed since; one line for each.

    Whether a run with today's code was tried, and failed, makes no difference.
    """
    lines = []
    for cell in cells:
        change = cell.change
        if change is not None and change.parts == ("code",) and cell.key is not None:
            modules = ", ".join(change.modules) or "modules unknown here"
            tags = {ACCEPTED + change.code: modules[:5000]}
            if cell.row.stage == "fit":  # scoring that changes later is done on the training that was kept
                phases = phases_of(cell)
                tags |= {TRAINING_ACCEPTED + phases.code: modules[:5000], phase_keys.SETTINGS: phases.settings}
            tracker.tag(change.older.run_id, tags)
            lines.append(f"{cell.name}: kept, {change.why}")
    return lines


def not_accepted(cells: Sequence[Cell]) -> list[str]:
    """A line for each cell with an older finished run that can't stand for it, since more than code has changed."""
    return [f"{cell.name}: runs again, {cell.change.why}" for cell in cells if cell.change is not None]
