"""The paired bootstrap: the same draws as the metrics' own, rates against their definition, p against enumeration."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.statistics.paired_bootstrap import (
    DurationF1,
    MacroF1,
    Perplexity,
    Ratio,
    UnitCounts,
    difference_of_means,
    least_p,
    multiplicities,
    num_differing,
    resample,
)
from lightning_modules.metrics.bootstrap import Bootstrap

RESAMPLES = 2000


def system(counts: object, rate: object = None, speakers: tuple[str, ...] | None = None) -> UnitCounts:
    counts_NC = np.array(counts, float)
    ids = tuple(f"u{number}" for number in range(len(counts_NC)))
    return UnitCounts("utterances", ids, counts_NC, rate or Ratio(), speakers)  # type: ignore[arg-type]


@pytest.mark.parametrize("blocks", [None, ["a", "b", "a", "c", "b", "d", "d"]])
def test_draws_are_those_of_the_runs_own_intervals(blocks: list[str] | None) -> None:
    errors, others, lengths = [3, 0, 2, 1, 4, 0, 1], [1, 0, 2, 2, 3, 1, 0], [4, 6, 5, 3, 8, 2, 3]
    own = Bootstrap(num_resamples=RESAMPLES).compare(others, errors, lengths, blocks=blocks)
    pair = [system(list(zip(of, lengths, strict=True))) for of in (errors, others)]
    drawn = resample(pair, blocks=blocks, num_resamples=RESAMPLES)
    values = np.array([[of.value()] for of in pair])
    found = difference_of_means(values[0], drawn[:1], values[1], drawn[1:])
    assert found is not None
    assert found.difference == pytest.approx(own.difference)
    assert found.ci95 == pytest.approx(own.ci95)
    worse = own.probability_better  # of the errors being fewer
    ties = np.mean(np.abs(drawn[0] - drawn[1]) < 1e-12)
    rarer = min(worse, 1 - worse) + ties / 2
    assert found.p == pytest.approx(min(1.0, 2 * (rarer * RESAMPLES + 1) / (RESAMPLES + 1)))


def test_chunks_draw_as_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.concatenate(list(multiplicities(5, num_resamples=101)))
    assert (whole.sum(axis=1) == 5).all()
    monkeypatch.setattr("experiments.statistics.paired_bootstrap._DRAWN_AT_ONCE", 35)
    for kept in (1000, 0):
        monkeypatch.setattr("experiments.statistics.paired_bootstrap._DRAWS_KEPT", kept)
        parts = list(multiplicities(5, num_resamples=101))
        assert len(parts) == math.ceil(101 / 7)
        np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_p_comes_near_the_exact_one_over_all_resamples() -> None:
    errors, others, lengths = np.array([2, 0, 1, 3]), np.array([1, 1, 0, 2]), np.array([4, 3, 5, 6])
    draws = [list(draw) for draw in itertools.product(range(4), repeat=4)]
    exact = np.array([(errors[draw].sum() - others[draw].sum()) / lengths[draw].sum() for draw in draws])
    p = min(1.0, 2 * min(np.mean(exact <= 0), np.mean(exact >= 0)))
    pair = [system(np.stack([of, lengths], axis=1)) for of in (errors, others)]
    drawn = resample(pair, num_resamples=20_000)
    found = difference_of_means(np.array([pair[0].value()]), drawn[:1], np.array([pair[1].value()]), drawn[1:])
    assert found is not None
    assert found.p == pytest.approx(p, abs=0.015)


def test_equal_systems_have_p_one_and_several_seeds_are_averaged() -> None:
    counts = [[1, 3], [0, 4], [2, 5], [1, 2]]
    drawn = resample([system(counts)] * 2, num_resamples=500)
    values = np.array([4 / 14])
    found = difference_of_means(values, drawn[:1], values, drawn[1:])
    assert found is not None
    assert (found.difference, found.p) == (0.0, 1.0)
    two = [system([[a, 3] for a in errors]) for errors in ([1, 0, 2], [3, 0, 0], [0, 1, 0], [1, 1, 1])]
    drawn = resample(two, num_resamples=500)
    of_two = difference_of_means(np.array([1 / 3, 1 / 3]), drawn[:2], np.array([1 / 9, 1 / 3]), drawn[2:])
    assert of_two is not None
    assert of_two.difference == pytest.approx(1 / 9)
    low, high = np.quantile((drawn[0] + drawn[1] - drawn[2] - drawn[3]) / 2, [0.025, 0.975])
    assert of_two.ci95 == pytest.approx((low, high))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from("abc")), min_size=2, max_size=7))
@settings(max_examples=60)
def test_no_exact_test_goes_below_the_least_p(units: list[tuple[int, int, str]]) -> None:
    """All ways to swap two systems, unit by unit and block by block: the share that differs at least as much."""
    errors, others = ([[unit[k], 3] for unit in units] for k in (0, 1))
    for blocks in (None, [block for _, _, block in units]):
        names = blocks or list(range(len(units)))
        signs = [
            dict(zip(set(names), swap, strict=True)) for swap in itertools.product((1, -1), repeat=len(set(names)))
        ]
        sums = [abs(sum(sign[name] * (a - b) for name, (a, b, _) in zip(names, units, strict=True))) for sign in signs]
        seen = abs(sum(a - b for a, b, _ in units))
        exact = sum(of >= seen for of in sums) / len(sums)
        differing = num_differing([system(errors)], [system(others)], blocks=blocks)
        assert exact >= least_p(differing)
        differences = {name: sum(a - b for other, (a, b, _) in zip(names, units, strict=True) if other == name)
                       for name in names}  # fmt: skip
        assert differing == sum(of != 0 for of in differences.values())
        if min(differences.values()) >= 0 or max(differences.values()) <= 0:  # all agree: there it is reached
            assert exact == least_p(differing)


def test_a_unit_differs_where_any_seed_does() -> None:
    same, once = system([[1, 3], [0, 3], [2, 3]]), system([[1, 3], [1, 3], [2, 3]])
    assert num_differing([same, once], [same, same]) == 1
    assert num_differing([same, same], [same, same]) == 0


def test_one_block_is_refused() -> None:
    with pytest.raises(ValueError, match="1 block to draw from"):
        resample([system([[1, 2], [0, 1]])], blocks=["a", "a"], num_resamples=3)


COUNTS = st.lists(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=2),
    min_size=2,
    max_size=6,
)


@given(COUNTS, st.booleans())
@settings(max_examples=50)
def test_macro_f1_of_every_draw_is_its_definition(rows: list[list[tuple[int, int, int]]], either: bool) -> None:
    """TP, then misses and false alarms beside it, of two classes."""
    counts = np.array([[n for tp, miss, false in clip for n in (tp, tp + miss, tp + false)] for clip in rows], float)
    of = system(counts, MacroF1(either))
    drawn = resample([of], num_resamples=20)[0]
    weights = np.concatenate(list(multiplicities(len(rows), num_resamples=20)))
    for value, times in zip(drawn, weights, strict=True):
        f1s = []
        for label in range(2):
            right, true, found = (times @ counts)[3 * label : 3 * label + 3]
            if true > 0 or (either and found > 0):
                f1s.append(2 * right / (true + found))
        expected = sum(f1s) / len(f1s) if f1s else math.nan
        assert value == pytest.approx(expected, nan_ok=True)


def test_rates_of_undefined_sums() -> None:
    assert np.isnan(Ratio()(np.array([[1.0], [0.0]])))
    assert Perplexity()(np.array([[2 * math.log(3)], [2.0]])) == pytest.approx([3.0])
    found = DurationF1()(np.array([[0, 0, 1, 2], [1, 2, 0, 0], [0, 2, 0, 3], [1, 2, 2, 3]], dtype=float).T)
    assert found == pytest.approx([math.nan, 0.0, 0.0, 2 * 0.5 * (2 / 3) / (0.5 + 2 / 3)], nan_ok=True)


def test_counts_are_put_in_another_order_with_their_speakers() -> None:
    of = system([[1, 1], [2, 2], [3, 3]], speakers=("a", "b", "c")).ordered(["u2", "u0", "u1"])
    assert of.counts_NC[:, 0].tolist() == [3, 1, 2]
    assert of.speakers == ("c", "a", "b")
