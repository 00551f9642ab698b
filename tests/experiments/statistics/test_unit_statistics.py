"""Figures of weights meet the draws that rates of counts meet, clip by clip and in blocks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from experiments.statistics.paired_bootstrap import Ratio, UnitCounts, num_differing, resample
from experiments.statistics.unit_statistics import UnitStatistics

IDS = tuple(f"clip{number}" for number in range(7))
COUNTS = np.array([[3, 4], [0, 6], [2, 5], [1, 3], [4, 8], [0, 2], [1, 3]], float)


def ratio(counts_NC: np.ndarray) -> UnitStatistics:
    """A ratio as a figure of weights: both paths must draw the same."""

    def figure(weights_N: np.ndarray) -> float:
        above, below = weights_N @ counts_NC
        return float(above / below)

    return UnitStatistics("clips", IDS, counts_NC, figure)


@pytest.mark.parametrize("blocks", [None, ["a", "b", "a", "c", "b", "d", "d"]])
def test_draws_are_those_of_a_rate_of_counts(blocks: list[str] | None) -> None:
    of_counts = UnitCounts("clips", IDS, COUNTS, Ratio())
    computed = resample([ratio(COUNTS)], blocks=blocks, num_resamples=300)
    np.testing.assert_allclose(computed, resample([of_counts], blocks=blocks, num_resamples=300), rtol=1e-12)
    assert ratio(COUNTS).value() == of_counts.value()


def test_another_order_of_the_units_draws_the_same_units() -> None:
    order = [4, 0, 6, 2, 1, 5, 3]
    ids = [IDS[number] for number in order]
    turned = ratio(COUNTS).ordered(ids)
    assert turned.ids == tuple(ids)
    expected = resample([UnitCounts("clips", IDS, COUNTS, Ratio()).ordered(ids)], num_resamples=100)
    np.testing.assert_allclose(resample([turned], num_resamples=100), expected, rtol=1e-12)
    back = turned.ordered(IDS)
    np.testing.assert_allclose(
        resample([back], num_resamples=100), resample([ratio(COUNTS)], num_resamples=100), rtol=1e-12
    )
    np.testing.assert_array_equal(back.seen_NC, COUNTS)


def test_units_that_differ_are_counted_by_what_was_made_of_them() -> None:
    others = COUNTS.copy()
    others[2, 0] += 1
    others[5, 0] += 1
    assert num_differing([ratio(COUNTS)], [ratio(others)]) == 2
    assert num_differing([ratio(COUNTS)], [ratio(COUNTS)]) == 0


def test_one_unit_is_nothing_to_draw_from_and_kinds_are_not_mixed() -> None:
    one = UnitStatistics("clips", IDS[:1], COUNTS[:1], lambda weights_N: 1.0)
    with pytest.raises(ValueError, match="1 block to draw from, allowed: 2 or more"):
        resample([one], num_resamples=10)
    with pytest.raises(ValueError, match="not both"):
        resample([ratio(COUNTS), UnitCounts("clips", IDS, COUNTS, Ratio())], num_resamples=10)


def test_rows_of_the_same_curves_are_computed_once() -> None:
    """What two runs made of every unit says whether their figures are one; a figure that counts its calls tells."""
    calls: list[str] = []

    def statistics(name: str, seen: float) -> UnitStatistics:
        def figure(weights_N: NDArray[np.float64]) -> float:
            calls.append(name)
            return float(weights_N @ np.arange(4)) * seen

        return UnitStatistics("clips", ("a", "b", "c", "d"), np.full((4, 1), seen), figure)

    own, same, other = statistics("own", 1.0), statistics("same", 1.0), statistics("other", 2.0)
    figures_SR = resample([own, same, other], num_resamples=5)
    assert set(calls) == {"own", "other"}
    np.testing.assert_array_equal(figures_SR[0], figures_SR[1])
    np.testing.assert_array_equal(figures_SR[2], 2 * figures_SR[0])
