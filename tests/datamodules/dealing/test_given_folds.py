"""Folds that a corpus gives its clips, and recordings of imported ones, as the axis of a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from datamodules.annotations import Event
from datamodules.corpora.clip_corpus import CorpusFacts
from datamodules.corpus_files import facts_of
from datamodules.corpus_folder import data_root
from datamodules.dealing.deal import Deal
from datamodules.dealing.dealt_cuts import read_cuts
from datamodules.importers.imported_clips.placed_clips import Placing
from datamodules.importers.imported_clips.stretches import stretches
from datamodules.importers.imported_clips.written_clips import write_placed_clips
from datamodules.importers.sound_events.clip_entry import ClipEntry
from datamodules.sed import WITH_SOURCES, SoundEventClips
from experiments.errors import UserError
from experiments.table_files.folds import read_folds


@pytest.fixture
def folded(tmp_path: Path, earmark_home: Path, write_audio) -> Path:
    """A corpus of two classes in folds 1, 2 and 10, two recordings of three clips each."""
    placing, clips = Placing(), []
    for fold in ("1", "2", "10"):
        for label in ("cat", "dog"):
            audio = write_audio(tmp_path / f"{fold}-{label}.wav", 3.0)
            entry = ClipEntry(f"{fold}-{label}", audio, f"line {fold}", events=(Event(0.5, 2.5, label),), fold=fold)
            clips += stretches(placing.placed(entry), 1.0, slivers=[])
    folder = data_root() / "folded"
    folder.mkdir(parents=True)
    audio = {str(clip.audio): facts_of(clip.audio) for clip in clips}
    facts = CorpusFacts("folded", ("cat", "dog"), 16_000, synthetic=False, licences={}, description="")
    by_split = {"train": clips[:12], "validation": clips[12:15], "test": clips[15:]}
    write_placed_clips(folder, facts=facts, clips=by_split, audio=audio, dropped={})
    return folder


def splits(**deal) -> dict[str, set[str]]:
    data = SoundEventClips(corpus="folded", batch_size=1, deal=Deal(**deal))
    train = {clip for batch in data.train_dataloader() for clip in batch.clip_ids}
    return {"train": train, "validation": set(data.clip_ids("validation")), "test": set(data.clip_ids("test"))}


def test_each_fold_is_tested_on_once_in_the_order_of_numbers(folded: Path) -> None:
    fold_of = {str(cut.id): cut.custom["fold"] for name in WITH_SOURCES for cut in read_cuts(folded, name)}
    for k, (test, validation, train) in enumerate((("1", "2", "10"), ("2", "10", "1"), ("10", "1", "2"))):
        of = {split: {fold_of[clip] for clip in clips} for split, clips in splits(fold=k, of=3, by="fold").items()}
        assert of == {"train": {train}, "validation": {validation}, "test": {test}}


def test_another_number_of_folds_is_refused(folded: Path) -> None:
    says = r"folded: deal 0 of 4 by fold: the corpus has 3 folds \(1, 2, 10\); allowed: as many"
    with pytest.raises(ValueError, match=says):
        SoundEventClips(corpus="folded", batch_size=1, deal=Deal(0, 4, by="fold"))


def test_deals_by_group_keep_the_clips_of_a_recording_together(folded: Path) -> None:
    group_of = {str(cut.id): cut.custom["group"] for name in WITH_SOURCES for cut in read_cuts(folded, name)}
    assert set(group_of.values()) == {f"{fold}-{label}" for fold in ("1", "2", "10") for label in ("cat", "dog")}
    tested: list[str] = []
    for k in range(3):
        groups = [{group_of[clip] for clip in of} for of in splits(fold=k, of=3, by="group").values()]
        assert sum(map(len, groups)) == 6
        tested += groups[2]
    assert sorted(tested) == sorted(set(group_of.values()))


def test_a_corpus_without_folds_says_what_is_recorded(tiny_tones: Path) -> None:
    with pytest.raises(ValueError, match=r"no fold is recorded of 16 clips .*; recorded is family"):
        SoundEventClips(corpus="tones/tiny", batch_size=1, deal=Deal(0, 3, by="fold"))


def test_a_table_takes_given_folds_as_its_axis() -> None:
    folds = read_folds({"deals": 3, "by": "fold"}, where="table")
    assert folds["2"] == {"data.deal": {"fold": 2, "of": 3, "by": "fold"}}
    with pytest.raises(UserError, match=r"table: folds.by: .*'folds'.*fold"):
        read_folds({"deals": 3, "by": "folds"}, where="table")
