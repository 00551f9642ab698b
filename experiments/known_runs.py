"""What the store knows of a plan's cells, asked for with few queries: cells of one code and data come together.

Asked one by one, a plan of 500 cells would take longer than all the rest of it (``benchmarks/plan_speed.py``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from experiments.keys import RunKey
from experiments.tracking import STATE, TrackedRun, Tracker

ACCEPTED = "code_accepted."  # + code key: a tag of a run whose results stand for that code too, by ``earmark run``
_Tags = tuple[tuple[str, str], ...]
_Share = Callable[[tuple[str, int]], _Tags]


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
        self,
        family: str,
        *,
        table: str,
        scale: str,
        cells: Mapping[tuple[str, int], str],
        wanted: Sequence[tuple[str, int]],
    ) -> dict[tuple[str, int], TrackedRun]:
        """A finished run of each wanted (row, seed), whatever its key; nothing for one that never finished.

        The newest of the configuration whose key ``cells`` has, else the newest: trials with ``--set`` are of that row
        too. ``cells`` are all of the table's in the plan. Those that share a row or a seed, whichever makes fewer
        queries, are asked for together, as many as can be there; where other runs left no room, the other way; last,
        and where few share anything, one by one.
        """
        found: dict[tuple[str, int], TrackedRun] = {}
        left = wanted
        shares = _shares(wanted, table=table)
        for share in shares:
            groups = defaultdict(list)
            for cell in left:
                groups[share(cell)].append(cell)
            if share is not shares[-1] and 2 * len(groups) > len(left):
                continue
            left = []
            for shared, group in groups.items():
                limit = len(group) + sum(share(cell) == shared for cell in cells)
                tags = {**dict(shared), "scale": scale, STATE: "finished"}
                runs = self._tracker.find(family, tags=tags, having=[f"row.{table}"], limit=limit)
                _take_newest(found, runs, table=table, configs=cells)
                left += [cell for cell in group if cell not in found and len(runs) == limit]
        return {cell: found[cell] for cell in wanted if cell in found}


def _shares(cells: Sequence[tuple[str, int]], *, table: str) -> list[_Share]:
    """The tags that cells have in common: those that make fewer groups, the others, and both."""

    def row(cell: tuple[str, int]) -> _Tags:
        return ((f"row.{table}", cell[0]),)

    def seed(cell: tuple[str, int]) -> _Tags:
        return (("seed", str(cell[1])),)

    first, second = sorted((row, seed), key=lambda share: len({share(cell) for cell in cells}))
    return [first, second, lambda cell: row(cell) + seed(cell)]


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
