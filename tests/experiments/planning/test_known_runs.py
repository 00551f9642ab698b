"""Which finished run a cell is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.planning.cell import Place
from experiments.planning.known_runs import KnownRuns
from experiments.tracking.tracked_run import TrackedRun


class _Store:
    """Finished runs of a table, newest first, and how often they were asked for."""

    def __init__(self, runs: Sequence[tuple[Place, str]]) -> None:
        self.runs = [
            TrackedRun(str(age), "finished", {**_tags(place), "key.config": config}, {})
            for age, (place, config) in enumerate(runs)
        ]
        self.searches = 0

    def find(
        self, family: str, *, tags: Mapping[str, str], having: Sequence[str] = (), limit: int | None = None
    ) -> list[TrackedRun]:
        self.searches += 1
        wanted = {name: tags[name] for name in ("row.t", "seed", "fold") if name in tags}
        return [run for run in self.runs if wanted.items() <= run.tags.items()][:limit]

    def older(self, cells: Mapping[Place, str], wanted: Sequence[Place]) -> dict[Any, str]:
        store: Any = self
        found = KnownRuns(store).older("sed", table="t", scale="demo", cells=cells, wanted=wanted)
        return {cell: run.run_id for cell, run in found.items()}


@pytest.mark.parametrize(("config", "expected"), [("plain", "1"), ("trial", "0"), ("unknown", "0")])
def test_a_newer_trial_with_other_settings_does_not_hide_the_rows_own_run(config: str, expected: str) -> None:
    mil = Place("mil", 0)
    store = _Store([(mil, "trial"), (mil, "plain"), (mil, "plain")])
    assert store.older({mil: config}, [mil]) == {mil: expected}


@given(
    runs=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3))),
    wanted=st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 4)), unique=True),
    folds=st.sampled_from([(None,), ("a", "b"), ("0", "1", "2")]),
    data=st.data(),
)
def test_each_wanted_cell_gets_its_newest_run_and_no_other_cell_any(
    runs: list[tuple[str, int]], wanted: list[tuple[str, int]], folds: tuple[str | None, ...], data: st.DataObject
) -> None:
    some_fold = st.sampled_from(folds)
    made = [Place(*run, data.draw(some_fold)) for run in runs]
    asked = [Place(*cell, data.draw(some_fold)) for cell in wanted]
    newest = {place: str(age) for age, place in reversed(list(enumerate(made)))}
    cells = {Place(row, seed, fold): "new" for row in "abcd" for seed in range(5) for fold in folds}
    found = _Store([(place, "old") for place in made]).older(cells, asked)
    assert found == {cell: newest[cell] for cell in asked if cell in newest}


def _tags(place: Place) -> dict[str, str]:
    fold = {} if place.fold is None else {"fold": place.fold}
    return {"row.t": place.row, "seed": str(place.seed), **fold}


def test_cells_of_one_seed_or_one_row_are_one_search_though_the_others_have_newer_runs() -> None:
    rows, seeds = [f"row{k}" for k in range(50)], range(10)
    cells = {Place(row, seed): "new" for seed in seeds for row in rows}
    runs = [(place, config) for config in ("new", "old", "older") for place in cells]
    for wanted in ([cell for cell in cells if cell[1] == 9], [cell for cell in cells if cell[0] == "row7"]):
        current = [run for run in runs if run[1] != "new" or run[0] not in wanted]
        store = _Store(current)
        assert len(store.older(cells, wanted)) == len(wanted)
        assert store.searches == 1


def test_rows_that_never_ran_are_not_asked_for_one_by_one_because_others_ran_often() -> None:
    cells = {Place(f"row{k}", seed): "new" for seed in range(10) for k in range(50)}
    often = [(Place("row0", seed), "new") for _ in range(300) for seed in range(10)]
    store = _Store(often)
    assert not store.older(cells, [cell for cell in cells if cell[0] != "row0"])
    assert store.searches == 10 + 49
