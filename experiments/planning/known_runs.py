"""What the store knows of a plan's cells, asked for with few queries: cells of one code and data come together.

Asked one by one, a plan of 500 cells would take longer than all the rest of it (``benchmarks/plan_speed.py``); and all
together, a plan of one cell would read every run of its code, ten thousand perhaps (``benchmarks/large_store.py``). So
the newest come together, as many as are worth it, and a cell that is not among them is asked for by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from experiments.planning.cell import Place
from experiments.runs import phase_keys
from experiments.runs.keys import RunKey
from experiments.runs.phase_keys import PhaseKeys
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import STATE, TrackedRun

FORM = "key.form"  # a tag of a run: what its configuration has in common with other spellings of it
TRAINING_ACCEPTED = "training_accepted."  # + PhaseKeys.code: the same of its training and predictions
ACCEPTED = "code_accepted."  # + code key: a tag of a run whose results stand for that code too, by ``earmark run``
FOLD = "fold"  # a tag of a run on a fold of its table
RUNS_FOR_A_QUERY = 5  # that a query costs as much as, which is how many may be read in vain to save it
_Tags = tuple[tuple[str, str], ...]
_Share = Callable[[Place], _Tags]


class _Newest(NamedTuple):
    """The newest runs of a kind, by what they are looked up by; ``whole`` where there are no more of them."""

    runs: Mapping[_Tags, list[TrackedRun]]
    whole: bool


class KnownRuns:
    """Answers from one store, each query made once; ``num_cells`` is about how many cells will be asked for."""

    def __init__(self, tracker: Tracker, *, num_cells: int = 100) -> None:
        self._tracker = tracker
        self._limit = RUNS_FOR_A_QUERY * num_cells
        self._newest: dict[tuple[str, _Tags, str], _Newest] = {}
        self._alone: dict[tuple[str, _Tags, str], list[TrackedRun]] = {}
        self._of_rows: dict[tuple[str, str, str], Mapping[Place, list[TrackedRun]]] = {}

    def with_key(self, family: str, key: RunKey) -> list[TrackedRun]:
        """Runs with this very key, newest first; of more than one perhaps those from a finished one on alone."""
        return self._look_up(family, {"key": key.id}, {"key.code": key.code, "key.data": key.data})

    def spelled_otherwise(self, family: str, key: RunKey, form: str) -> TrackedRun | None:
        """A run of the same training whose configuration says it in other words: a finished one, else the newest."""
        wanted = {FORM: form, "seed": str(key.seed), "key.upstream": key.upstream}
        found = self._look_up(family, wanted, {"key.code": key.code, "key.data": key.data}, having=FORM)
        return next((run for run in found if run.state == "finished"), found[0] if found else None)

    def accepted(self, family: str, key: RunKey) -> TrackedRun | None:
        """A finished run that differs in code alone, and for which that was declared harmless."""
        same = {f"key.{name}": part for name, part in key.parts().items() if name != "code"}
        found = self._look_up(
            family, {"seed": str(key.seed), **same}, {STATE: "finished"}, having=ACCEPTED + key.code
        )  # fmt: skip
        return found[0] if found else None

    def trained(self, family: str, key: RunKey, phases: PhaseKeys) -> list[TrackedRun]:
        """Runs of the same training, whatever scores them and their state, and finished ones accepted in its place."""
        shared = {phase_keys.CODE: phases.fit_code, "key.data": key.data}
        same = self._look_up(family, {phase_keys.FIT: phases.fit}, shared)
        accepted = self._look_up(
            family, {phase_keys.SETTINGS: phases.settings}, {STATE: "finished"}, having=TRAINING_ACCEPTED + phases.code
        )
        return list({run.run_id: run for run in [*same, *accepted]}.values())

    def at(self, family: str, place: Place, *, table: str, scale: str) -> list[TrackedRun]:
        """Finished runs at a place, newest first, of the newest of the table: asked for once, for all cells."""
        if (family, table, scale) not in self._of_rows:
            wanted = {"scale": scale, STATE: "finished"}
            found = defaultdict(list)
            for run in self._tracker.find(family, tags=wanted, having=[f"row.{table}"], limit=self._limit):
                found[_place(run, table=table)].append(run)
            self._of_rows[family, table, scale] = found
        return self._of_rows[family, table, scale].get(place, [])

    def _look_up(
        self, family: str, wanted: Mapping[str, str], shared: Mapping[str, str], *, having: str = ""
    ) -> list[TrackedRun]:
        """Runs with the ``wanted`` tags, of those with the ``shared`` ones: of the newest of these, or for themselves.

        A finished one among the newest settles the question; anything else may hide an older finished one.
        """
        place, tags = (family, tuple(shared.items()), having), tuple(wanted.items())
        if place not in self._newest:
            self._newest[place] = self._ask_newest(place, names=tuple(wanted))
        newest = self._newest[place]
        found = newest.runs.get(tags, [])
        if newest.whole or any(run.state == "finished" for run in found):
            return found
        alone = (family, tags, having)
        if alone not in self._alone:
            every = {**(shared if having else {}), **wanted}
            self._alone[alone] = self._tracker.find(family, tags=every, having=[having] if having else [])
        return self._alone[alone]

    def _ask_newest(self, place: tuple[str, _Tags, str], *, names: Sequence[str]) -> _Newest:
        family, shared, having = place
        runs = self._tracker.find(family, tags=dict(shared), having=[having] if having else [], limit=self._limit)
        by_tags = defaultdict(list)
        for run in runs:
            by_tags[tuple((name, run.tags.get(name, "")) for name in names)].append(run)
        return _Newest(by_tags, whole=len(runs) < self._limit)

    def older(
        self,
        family: str,
        *,
        table: str,
        scale: str,
        cells: Mapping[Place, str],
        wanted: Sequence[Place],
    ) -> dict[Place, TrackedRun]:
        """A finished run of each wanted place, whatever its key; nothing for one that never finished.

        The newest of the configuration whose key ``cells`` has, else the newest: trials with ``--set`` are of that row
        too. ``cells`` are all of the table's in the plan. Those that share a row or a seed, whichever makes fewer
        queries, are asked for together, as many as can be there; where other runs left no room, the other way; last,
        and where few share anything, one by one.
        """
        found: dict[Place, TrackedRun] = {}
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


def _shares(cells: Sequence[Place], *, table: str) -> list[_Share]:
    """The tags that cells have in common: those that make fewer groups, the others, and all."""

    def row(cell: Place) -> _Tags:
        return ((f"row.{table}", cell.row),)

    def seed(cell: Place) -> _Tags:
        return (("seed", str(cell.seed)),)

    def fold(cell: Place) -> _Tags:
        return () if cell.fold is None else ((FOLD, cell.fold),)

    first, second = sorted((row, seed), key=lambda share: len({share(cell) for cell in cells}))
    return [first, second, lambda cell: row(cell) + seed(cell) + fold(cell)]


def _place(run: TrackedRun, *, table: str) -> Place:
    return Place(run.tags[f"row.{table}"], int(run.tags["seed"]), run.tags.get(FOLD))


def _take_newest(
    found: dict[Place, TrackedRun],
    runs: Sequence[TrackedRun],
    *,
    table: str,
    configs: Mapping[Place, str],
) -> None:
    for run in runs:
        cell = _place(run, table=table)
        wanted = configs.get(cell)
        if cell not in found or run.tags["key.config"] == wanted != found[cell].tags["key.config"]:
            found[cell] = run
