"""Five folds over recording families: each is a test family once, in no two splits of a fold, and the deal is even."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.corpora.sounds.family_folds import NUM_FOLDS, deal_fold, fold_parts

FAMILIES = st.dictionaries(st.text(min_size=1, max_size=6), st.floats(0.1, 60.0), min_size=NUM_FOLDS, max_size=30)


@given(FAMILIES, st.text(max_size=5))
def test_every_family_is_a_test_family_once_and_in_one_split_of_a_fold(seconds: dict[str, float], label: str) -> None:
    folds = [deal_fold(label, seconds, fold) for fold in range(NUM_FOLDS)]
    for split in ("validation", "test"):
        assert sorted(family for dealt in folds for family in dealt[split]) == sorted(seconds)
    for dealt in folds:
        assert all(dealt.values())
        assert sorted(family for part in dealt.values() for family in part) == sorted(seconds)


@given(FAMILIES, st.text(max_size=5))
def test_parts_are_even_in_number_and_as_even_in_seconds_as_the_longest_family_lets(
    seconds: dict[str, float], label: str
) -> None:
    parts = fold_parts(label, seconds)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    lengths = [sum(seconds[family] for family in part) for part in parts]
    assert max(lengths) - min(lengths) <= max(seconds.values()) + 1e-9


@given(FAMILIES)
def test_the_order_of_the_families_does_not_change_the_parts(seconds: dict[str, float]) -> None:
    assert fold_parts("bird", seconds) == fold_parts("bird", dict(reversed(seconds.items())))


def test_validation_is_the_next_folds_test() -> None:
    seconds = {f"family{k}": 1.0 + k for k in range(9)}
    for fold in range(NUM_FOLDS):
        assert (
            deal_fold("bird", seconds, fold)["validation"] == deal_fold("bird", seconds, (fold + 1) % NUM_FOLDS)["test"]
        )


def test_no_fold_tests_the_longest_family_of_every_class() -> None:
    seconds = {"long": 9.0, "a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0}
    places = {
        [part == ("long",) for part in fold_parts(label, seconds)].index(True)
        for label in ("alarm", "bird", "door", "drums", "fire", "speech")
    }
    assert len(places) > 2


def test_fewer_families_than_folds_are_refused() -> None:
    with pytest.raises(ValueError, match="class 'owl' has 4 recording families, allowed: 5 or more"):
        fold_parts("owl", dict.fromkeys("abcd", 1.0))
