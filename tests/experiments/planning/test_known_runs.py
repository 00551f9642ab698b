"""Which finished run a cell is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.planning.known_runs import KnownRuns
from experiments.tracking.tracked_run import TrackedRun


class _Store:
    """Finished runs of a table, newest first, and how often they were asked for."""

    def __init__(self, runs: Sequence[tuple[str, int, str]]) -> None:
        self.runs = [
            TrackedRun(str(age), "finished", {"row.t": row, "seed": str(seed), "key.config": config}, {})
            for age, (row, seed, config) in enumerate(runs)
        ]
        self.searches = 0

    def find(
        self, family: str, *, tags: Mapping[str, str], having: Sequence[str] = (), limit: int | None = None
    ) -> list[TrackedRun]:
        self.searches += 1
        wanted = {name: tags[name] for name in ("row.t", "seed") if name in tags}
        return [run for run in self.runs if wanted.items() <= run.tags.items()][:limit]

    def older(self, cells: Mapping[tuple[str, int], str], wanted: Sequence[tuple[str, int]]) -> dict[Any, str]:
        store: Any = self
        found = KnownRuns(store).older("sed", table="t", scale="demo", cells=cells, wanted=wanted)
        return {cell: run.run_id for cell, run in found.items()}


@pytest.mark.parametrize(("config", "expected"), [("plain", "1"), ("trial", "0"), ("unknown", "0")])
def test_a_newer_trial_with_other_settings_does_not_hide_the_rows_own_run(config: str, expected: str) -> None:
    store = _Store([("mil", 0, "trial"), ("mil", 0, "plain"), ("mil", 0, "plain")])
    assert store.older({("mil", 0): config}, [("mil", 0)]) == {("mil", 0): expected}


@given(
    runs=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.just("old"))),
    wanted=st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 4)), unique=True),
)
def test_each_wanted_cell_gets_its_newest_run_and_no_other_cell_any(
    runs: list[tuple[str, int, str]], wanted: list[tuple[str, int]]
) -> None:
    newest = {(row, seed): str(age) for age, (row, seed, _) in reversed(list(enumerate(runs)))}
    cells = {(row, seed): "new" for row in "abcd" for seed in range(5)}
    assert _Store(runs).older(cells, wanted) == {cell: newest[cell] for cell in wanted if cell in newest}


def test_cells_of_one_seed_or_one_row_are_one_search_though_the_others_have_newer_runs() -> None:
    rows, seeds = [f"row{k}" for k in range(50)], range(10)
    cells = {(row, seed): "new" for seed in seeds for row in rows}
    runs = [(row, seed, config) for config in ("new", "old", "older") for row, seed in cells]
    for wanted in ([cell for cell in cells if cell[1] == 9], [cell for cell in cells if cell[0] == "row7"]):
        current = [run for run in runs if run[2] != "new" or run[:2] not in wanted]
        store = _Store(current)
        assert len(store.older(cells, wanted)) == len(wanted)
        assert store.searches == 1


def test_rows_that_never_ran_are_not_asked_for_one_by_one_because_others_ran_often() -> None:
    cells = {(f"row{k}", seed): "new" for seed in range(10) for k in range(50)}
    often = [("row0", seed, "new") for _ in range(300) for seed in range(10)]
    store = _Store(often)
    assert not store.older(cells, [cell for cell in cells if cell[0] != "row0"])
    assert store.searches == 10 + 49
