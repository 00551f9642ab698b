"""Climbing over decoder weights: grids grow until the best is inside, within what a weight can be, and no further."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_modules.asr.ctc.decoder import Decoder
from lightning_modules.asr.tuning import MOST_STEPS, Weights, Within, climb


def bowl(**best: float) -> Callable[[Weights], float]:
    """An error that rises from the best weights."""
    return lambda weights: sum((weights[name] - value) ** 2 for name, value in best.items())


@settings(max_examples=50)
@given(st.floats(-3, 3), st.floats(0.07, 3))
def test_the_best_is_inside_wherever_it_lies_near_the_grid(bonus: float, weight: float) -> None:
    grid = {"lm_weight": (0.5, 1.0, 1.5), "word_bonus": (-1.0, 0.0, 1.0)}
    tuned = climb(bowl(lm_weight=weight, word_bonus=bonus), grid, within=Decoder.WITHIN)
    assert not tuned.at_edge
    assert tuned.weights["lm_weight"] > 0
    error = min(trial.error for trial in tuned.trials)
    for name, sides in tuned.beside().items():
        below, above = sides["below"], sides["above"]
        assert below is not None
        assert above is not None
        assert min(below.error, above.error) >= error
        assert below.weights[name] < tuned.weights[name] < above.weights[name]
        assert all(
            trial.weights[other] == tuned.weights[other] for trial in (below, above) for other in grid if other != name
        )


@pytest.mark.parametrize(
    ("within", "far", "found"),
    [
        (Within(), 100.0, 2.0 + MOST_STEPS),
        (Within(), -100.0, 0.0 - MOST_STEPS),
        (Within(low=-1.5, is_above=True), -100.0, -1.5 + 0.5 / 2 ** (MOST_STEPS - 1)),
    ],
)
def test_a_grid_grows_by_so_many_steps_and_no_more(within: Within, far: float, found: float) -> None:
    tuned = climb(bowl(a=far), {"a": (0.0, 1.0, 2.0)}, within={"a": within})
    assert tuned.weights == {"a": found}
    assert tuned.at_edge == ["a"]
    assert len(tuned.trials) <= 3 + MOST_STEPS


@pytest.mark.parametrize(("far", "limit"), [(100.0, 1.0), (-100.0, 0.0)])
def test_a_limit_is_reached_and_is_no_edge(far: float, limit: float) -> None:
    tuned = climb(bowl(ctc_weight=far), {"ctc_weight": (0.3, 0.6)}, within=Decoder.WITHIN)
    assert tuned.weights == {"ctc_weight": limit}
    assert not tuned.at_edge


def test_a_single_candidate_is_fixed_and_a_weight_of_ones_own_stays_in_its_grid() -> None:
    grid = {"lm_weight": (0.5,), "mine": (0.0, 1.0)}
    tuned = climb(bowl(lm_weight=2.0, mine=9.0), grid, within=Decoder.WITHIN)
    assert tuned.weights == {"lm_weight": 0.5, "mine": 1.0}
    assert tuned.at_edge == ["mine"]
    assert set(tuned.beside()) == {"mine"}


def test_what_is_equally_good_beyond_the_edge_is_not_taken() -> None:
    tuned = climb(lambda _: 0.25, {"a": (0.0, 1.0)}, within={"a": Within()})
    assert tuned.weights == {"a": 1.0}
    assert len(tuned.trials) == 3
