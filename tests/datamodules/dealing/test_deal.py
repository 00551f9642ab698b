"""Deals: no source in two splits, every clip tested on once, the same in any order, and parts that are alike."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.dealing.deal import KINDS, Deal, Dealt, Split, deal_parts

SPLITS: tuple[Split, ...] = ("train", "validation", "test")
CLIPS = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.floats(0.1, 100), st.sets(st.sampled_from(["dog", "cat", "rain"]))),
    min_size=1,
    max_size=40,
).map(lambda drawn: [Dealt(f"clip{number}", *of) for number, of in enumerate(drawn)])


@given(clips=CLIPS, num_parts=st.integers(3, 6), data=st.data())
def test_a_deal_holds_sources_together_and_tests_on_every_clip_once(
    clips: list[Dealt], num_parts: int, data: st.DataObject
) -> None:
    if len({clip.source for clip in clips}) < num_parts:
        with pytest.raises(ValueError, match=f"allowed: {num_parts} or more"):
            deal_parts(clips, num_parts=num_parts)
        return
    parts = deal_parts(clips, num_parts=num_parts)
    tested: Counter[str] = Counter()
    for fold in range(num_parts):
        deal = Deal(fold, num_parts)
        of = {split: [clip for clip in clips if deal.part_of(split, parts[clip.clip_id])] for split in SPLITS}
        assert all(of.values())
        assert sum(map(len, of.values())) == len(clips)
        sources = [{clip.source for clip in of[split]} for split in SPLITS]
        assert sum(map(len, sources)) == len(set().union(*sources))
        tested.update(clip.clip_id for clip in of["test"])
    assert tested == {clip.clip_id: 1 for clip in clips}
    assert deal_parts(data.draw(st.permutations(clips)), num_parts=num_parts) == parts


def test_parts_are_alike_in_seconds_and_in_each_label() -> None:
    clips = [
        Dealt(f"{label}{source}{k}", f"{label}{source}", 2.0, (label,))
        for label, sources in (("dog", 9), ("rain", 6), ("door", 3))
        for source in range(sources)
        for k in range(4)
    ]
    parts = deal_parts(clips, num_parts=3)
    counts = Counter((next(iter(clip.labels)), parts[clip.clip_id]) for clip in clips)
    assert counts == {(label, part): n for label, n in (("dog", 12), ("rain", 8), ("door", 4)) for part in range(3)}


def test_one_large_source_fills_a_part() -> None:
    clips = [Dealt(f"big{k}", "big", 1.0, ("x",)) for k in range(50)]
    clips += [Dealt(f"small{k}", f"small{k}", 1.0, ("x",)) for k in range(20)]
    parts = deal_parts(clips, num_parts=3)
    assert Counter(parts[clip.clip_id] for clip in clips) == {0: 50, 1: 10, 2: 10}


@pytest.mark.parametrize(
    ("fold", "of", "by", "says"),
    [
        (3, 3, "family", "fold 3 of 3; allowed: 0 to of - 1"),
        (-1, 3, "family", "allowed: 0 to of - 1"),
        (0, 2, "family", "and of 3 or more"),
        (0, 3, "familly", f"by 'familly'; allowed: {', '.join(KINDS)}"),
    ],
)
def test_a_deal_that_is_none_is_refused(fold: int, of: int, by: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Deal(fold, of, by)
