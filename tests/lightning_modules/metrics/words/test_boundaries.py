"""Errors of boundaries and places of peaks, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_modules.metrics.words.boundaries import boundary_figures, errors_ms, place_figures, places, shared_gaps


def test_words_meet_where_the_gap_is_short_and_overlaps_stay() -> None:
    words = [(0.0, 0.2), (0.3, 0.5), (0.9, 1.0), (0.95, 1.1)]
    expected = [(0.0, 0.25), (0.25, 0.5), (0.9, 1.0), (0.95, 1.1)]
    for found, wanted in zip(shared_gaps(words, most_seconds=0.1000001), expected, strict=True):
        assert found == pytest.approx(wanted)
    assert shared_gaps(words, most_seconds=0.0) == words
    assert shared_gaps([], most_seconds=1.0) == []


def test_starts_and_ends_are_told_apart() -> None:
    errors = errors_ms([(0.1, 0.5), (0.6, 0.9)], [(0.0, 0.52), (0.585, 1.5)])
    assert errors.round(6).tolist() == [[100, -20], [15, -600]]
    figures = boundary_figures(errors)
    assert figures["boundary_ms"] == pytest.approx(60)
    assert figures["boundary_ms_mean"] == pytest.approx(735 / 4)
    assert (figures["word_start_ms"], figures["word_start_ms_signed"]) == pytest.approx((57.5, 57.5))
    assert (figures["word_end_ms"], figures["word_end_ms_signed"]) == pytest.approx((310, -310))
    shares = [figures[f"boundary_within_{limit}_ms"] for limit in (20, 50)]
    assert shares == [0.5, 0.5]
    assert (figures["word_start_within_20_ms"], figures["word_end_within_100_ms"]) == (0.5, 0.5)


def test_other_words_are_refused() -> None:
    with pytest.raises(ValueError, match="1 words and 2 real ones"):
        errors_ms([(0, 1)], [(0, 1), (1, 2)])


def test_places_are_of_the_own_sound() -> None:
    found = places([0.5, 0.1, 0.9, 0.3], [(0.4, 0.6), (0.2, 0.4), (0.5, 0.6), (0.3, 0.3)])
    assert found[:3].round(9).tolist() == [0.5, -0.5, 4.0]
    assert np.isnan(found[3])
    assert place_figures(found)["peak_place"] == pytest.approx(0.5)
    assert place_figures(found)["peaks_in_phone"] == pytest.approx(1 / 3)
    assert place_figures(np.full(2, np.nan)) == {}
