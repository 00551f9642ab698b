"""What the store knows of a plan's cells, asked for with few queries: cells of one code and data come together.

Asked one by one, a plan of 500 cells would take longer than all the rest of it (``benchmarks/plan_speed.py``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from experiments.keys import RunKey
from experiments.tracking import STATE, TrackedRun, Tracker

MANY = 100  # cells without a run of their key: more are asked for with one query a table, fewer with one a row
ACCEPTED = "code_accepted."  # + code key: a tag of a run whose results stand for that code too, by ``earmark run``


class KnownRuns:
    """Answers from one store, each query made once."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._by_code: dict[tuple[str, str, str], dict[str, list[TrackedRun]]] = {}
        self._accepted: dict[tuple[str, str], list[TrackedRun]] = {}

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

    def older(
        self, family: str, *, table: str, scale: str, cells: Mapping[tuple[str, int], str]
    ) -> dict[tuple[str, int], TrackedRun]:
        """A finished run of each of these (row, seed), whatever its key; nothing for one that never finished.

        The newest of the configuration whose key ``cells`` has, else the newest: trials with ``--set`` are of that row
        too. Many are asked for together, the newest of the table first; then the rows that are left, each by itself.
        """
        tags = {"scale": scale, STATE: "finished"}
        found: dict[tuple[str, int], TrackedRun] = {}
        if len(cells) > MANY:
            runs = self._tracker.find(family, tags=tags, having=[f"row.{table}"], limit=len(cells))
            _take_newest(found, runs, table=table, configs=cells)
            if len(runs) < len(cells):
                return {cell: found[cell] for cell in cells if cell in found}
        for row in dict.fromkeys(row for row, seed in cells if (row, seed) not in found):
            limit = 2 * sum(row == other for other, _ in cells)
            runs = self._tracker.find(family, tags={f"row.{table}": row, **tags}, limit=limit)
            _take_newest(found, runs, table=table, configs=cells)
            for seed in (seed for other, seed in cells if other == row and (row, seed) not in found):
                if len(runs) == limit:  # pushed out by newer ones of other seeds
                    own = {f"row.{table}": row, "seed": str(seed), **tags}
                    _take_newest(found, self._tracker.find(family, tags=own, limit=1), table=table, configs=cells)
        return {cell: found[cell] for cell in cells if cell in found}


def _take_newest(
    found: dict[tuple[str, int], TrackedRun],
    runs: Sequence[TrackedRun],
    *,
    table: str,
    configs: Mapping[tuple[str, int], str],
) -> None:
    for run in runs:
        cell = (run.tags[f"row.{table}"], int(run.tags["seed"]))
        wanted = configs.get(cell)
        if cell not in found or run.tags["key.config"] == wanted != found[cell].tags["key.config"]:
            found[cell] = run
