"""Splits that are given by layout, list or fold, or dealt by recording with the classes alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.annotations import Event
from datamodules.importers.audio_headers import Header
from datamodules.importers.entry import ManifestError
from datamodules.importers.imported_clips.dealt_splits import dealt_splits
from datamodules.importers.imported_clips.placed_clips import PlacedClip


def clip(name: str, *tags: str, recording: str = "", split=None, fold=None, kind="strong", seconds=1.0) -> PlacedClip:
    return PlacedClip(
        clip_id=name,
        audio=Path(f"{name}.wav"),
        header=Header(1000, 1000, 1),
        place=f"{name}.txt",
        start_seconds=0.0,
        duration_seconds=seconds,
        channel=None,
        kind=kind,
        events=tuple(Event(0.0, 1.0, tag) for tag in tags),
        tags=frozenset(tags),
        recording=recording or name,
        split=split,
        fold=fold,
    )


def ids(by_split) -> dict[str, list[str]]:
    return {split: [one.clip_id for one in clips] for split, clips in by_split.items()}


def test_the_layouts_own_splits_hold():
    clips = [clip("a", split="train"), clip("b", split="validation"), clip("c", split="test")]
    by_split, says = dealt_splits({"train": clips}, name="mine")
    assert (ids(by_split), says) == ({"train": ["a"], "validation": ["b"], "test": ["c"]}, None)
    with pytest.raises(ManifestError, match=r"d.txt: has no split, and other clips of its list have, allowed: all or"):
        dealt_splits({"train": [*clips, clip("d")]}, name="mine")
    with pytest.raises(ManifestError, match=r"c.txt: is of split 'test', allowed: no --test of its own"):
        dealt_splits({"train": clips, "test": [clip("t")]}, name="mine")
    with pytest.raises(ManifestError, match=r"a.txt: is of split 'train', allowed: 'test', as its list"):
        dealt_splits({"train": [clip("x")], "validation": [clip("y")], "test": clips[:1]}, name="mine")


def test_a_split_that_a_layout_lacks_is_dealt_from_its_training_clips():
    clips = [*(clip(f"a{n}", "dog", split="train") for n in range(10)), clip("t", split="test")]
    by_split, says = dealt_splits({"train": clips}, name="mine")
    assert ids(by_split)["test"] == ["t"]
    assert (len(by_split["train"]), len(by_split["validation"])) == (9, 1)
    assert says is not None


def test_the_last_two_folds_are_held_out_where_a_layout_gives_folds():
    clips = [clip(f"{fold}-{n}", "dog", fold=str(fold)) for fold in range(1, 11) for n in range(2)]
    by_split, says = dealt_splits({"train": clips}, name="mine")
    assert ids(by_split)["test"] == ["10-0", "10-1"]
    assert ids(by_split)["validation"] == ["9-0", "9-1"]
    assert says is not None
    assert says.startswith("dealt by the folds given: train 16 clips")


def test_recordings_without_a_label_train():
    clips = [clip(f"a{n}", "dog") for n in range(5)] + [clip(f"u{n}", kind="unlabelled") for n in range(50)]
    by_split, _ = dealt_splits({"train": clips}, name="mine")
    assert sum(one.kind == "unlabelled" for one in by_split["train"]) == 50


recordings = st.lists(
    st.tuples(st.sets(st.sampled_from("abc"), max_size=2), st.integers(1, 4)), min_size=3, max_size=25
)


@given(made=recordings)
def test_no_recording_is_in_two_splits_and_none_is_empty(made):
    clips = [
        clip(f"r{number}-{n}", *sorted(tags), recording=f"r{number}")
        for number, (tags, count) in enumerate(made)
        for n in range(count)
    ]
    by_split, _ = dealt_splits({"train": clips}, name="mine")
    assert sorted(one.clip_id for of in by_split.values() for one in of) == sorted(one.clip_id for one in clips)
    of = {split: {one.recording for one in clips} for split, clips in by_split.items()}
    assert all(of.values())
    assert not of["train"] & (of["validation"] | of["test"])
    assert not of["validation"] & of["test"]


def test_classes_are_alike_in_every_split():
    clips = [clip(f"{label}{n}", label) for label, count in (("common", 100), ("rare", 25)) for n in range(count)]
    by_split, _ = dealt_splits({"train": clips}, name="mine")
    shares = {
        split: [sum(label in one.tags for one in of) for label in ("common", "rare")] for split, of in by_split.items()
    }
    assert shares == {"train": [80, 20], "validation": [8, 2], "test": [12, 3]}
