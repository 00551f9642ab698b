"""What the store knows of a plan's cells, asked for with few queries: a query takes 20 ms, a run in its answer 3 ms.

Cells of one code and data come together, since an answer for 500 cells one by one would take ten seconds. Old runs of
cells that are not there are asked for once a table, the newest first.
"""

from __future__ import annotations

from collections import defaultdict

from experiments.keys import RunKey
from experiments.tracking import STATE, TrackedRun, Tracker

ACCEPTED = "code_accepted."  # + code key: a tag of a run whose results stand for that code too, by ``earmark run``


class KnownRuns:
    """Answers from one store, each query made once."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._by_code: dict[tuple[str, str, str], dict[str, list[TrackedRun]]] = {}
        self._accepted: dict[tuple[str, str], list[TrackedRun]] = {}
        self._finished: dict[tuple[str, str, str], tuple[list[TrackedRun], bool]] = {}

    def with_key(self, family: str, key: RunKey) -> list[TrackedRun]:
        """Runs with this very key, newest first."""
        place = (family, key.code, key.data)
        if place not in self._by_code:
            by_key = defaultdict(list)
            for run in self._tracker.find(family, tags={"key.code": key.code, "key.data": key.data}):
                by_key[run.tags["key"]].append(run)
            self._by_code[place] = dict(by_key)
        return self._by_code[place].get(key.id, [])

    def accepted(self, family: str, key: RunKey) -> TrackedRun | None:
        """A finished run that differs in code alone, and for which that was declared harmless."""
        place = (family, key.code)
        if place not in self._accepted:
            self._accepted[place] = self._tracker.find(family, tags={STATE: "finished"}, having=[ACCEPTED + key.code])
        wanted = {**key.parts(), "code": None}
        return next(
            (
                run
                for run in self._accepted[place]
                if int(run.tags["seed"]) == key.seed
                and all(part is None or run.tags[f"key.{name}"] == part for name, part in wanted.items())
            ),
            None,
        )

    def older(self, family: str, *, table: str, row: str, scale: str, seed: int, num_cells: int) -> TrackedRun | None:
        """The newest finished run of a cell, whatever its key; ``num_cells`` are as many as may be asked for."""
        place = (family, table, scale)
        tags = {"scale": scale, STATE: "finished"}
        if place not in self._finished:
            runs = self._tracker.find(family, tags=tags, having=[f"row.{table}"], limit=num_cells)
            self._finished[place] = runs, len(runs) < num_cells
        runs, is_all = self._finished[place]
        cell = {f"row.{table}": row, "seed": str(seed)}
        found = next((run for run in runs if all(run.tags[name] == value for name, value in cell.items())), None)
        if found is None and not is_all:
            found = next(iter(self._tracker.find(family, tags={**cell, **tags}, limit=1)), None)
        return found
