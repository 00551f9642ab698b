"""Dealt splits of the three data modules: what they serve, what leaks, what is said."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from datamodules.asr import SpeechDataModule
from datamodules.batches import ClipBatch, StrongClipBatch
from datamodules.dealing.deal import Deal
from datamodules.dealing.dealt_cuts import read_cuts
from datamodules.sed import WITH_SOURCES, SoundEventClips
from datamodules.text import TextDataModule

TONES, SPEECH = "tones/tiny", "spoken_tones/tiny"


def clips_of(data: SoundEventClips) -> dict[str, set[str]]:
    train = {clip for batch in data.train_dataloader() for clip in _weak(batch).clip_ids}
    return {"train": train, "validation": set(data.clip_ids("validation")), "test": set(data.clip_ids("test"))}


def _weak(batch: ClipBatch | StrongClipBatch) -> ClipBatch:
    return batch.clips if isinstance(batch, StrongClipBatch) else batch


def test_every_clip_is_tested_on_once_and_no_family_is_in_two_splits(tiny_tones: Path) -> None:
    families = {
        str(cut.id): {segment.custom["family"] for segment in cut.supervisions}
        for name in WITH_SOURCES
        for cut in read_cuts(tiny_tones, name)
    }
    tested: list[str] = []
    for fold in range(3):
        data = SoundEventClips(corpus=TONES, batch_size=1, deal=Deal(fold, 3))
        of = clips_of(data)
        tested += of["test"]
        assert sorted(clip for clips in of.values() for clip in clips) == sorted(families)
        sources = [set().union(*(families[clip] for clip in clips)) for clips in of.values()]
        assert sum(map(len, sources)) == len(set().union(*sources))
    assert sorted(tested) == sorted(families)


def test_strong_labels_stay_behind_their_two_doors(tiny_tones: Path) -> None:
    weak = SoundEventClips(corpus=TONES, batch_size=1, deal=Deal(0, 3))
    assert all(type(batch) is ClipBatch for batch in weak.train_dataloader())
    assert weak.references("validation").events is None
    assert weak.references("test").events is not None
    strong = SoundEventClips(corpus=TONES, batch_size=1, deal=Deal(0, 3), train_labels="strong", selection="strong")
    assert all(type(batch) is StrongClipBatch for batch in strong.train_dataloader())
    assert strong.references("validation").events is not None


def test_without_a_deal_the_splits_are_the_corpus_own(tiny_tones: Path) -> None:
    of = clips_of(SoundEventClips(corpus=TONES, batch_size=1))
    assert all(clip.startswith(split) for split, clips in of.items() for clip in clips)
    assert [len(clips) for clips in of.values()] == [8, 4, 4]


def test_what_was_dealt_is_said_once(tiny_tones: Path) -> None:
    data = SoundEventClips(corpus=TONES, batch_size=1, deal=Deal(1, 3))
    with pytest.warns(match=r"tones/tiny: deal 1 of 3 by family: train \d+ clips of \d+ sources.*; test \d+ clips"):
        data.setup("fit")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data.setup("fit")
        SoundEventClips(corpus=TONES, batch_size=1).setup("fit")


@pytest.mark.parametrize(
    ("deal", "says"),
    [
        (Deal(0, 3, "speaker"), "tones/tiny: deal 0 of 3 by speaker: no speaker is recorded of 16 clips"),
        (Deal(0, 40), r"tones/tiny: deal 0 of 40 by family: \d+ sources \(.*, …\); allowed: 40 or more"),
    ],
)
def test_a_deal_that_the_corpus_does_not_allow_is_refused_at_once(tiny_tones: Path, deal: Deal, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        SoundEventClips(corpus=TONES, batch_size=1, deal=deal)


def test_speech_and_its_texts_have_one_deal_whichever_languages_they_keep(tiny_speech: Path) -> None:
    deal = Deal(0, 3, "speaker")
    speech = SpeechDataModule(corpus=SPEECH, batch_seconds=20, deal=deal)
    language = next(iter(speech.references("test").languages.values()))
    some = SpeechDataModule(corpus=SPEECH, batch_seconds=20, languages=[language], deal=deal)
    texts = TextDataModule(corpus=SPEECH, batch_size=2, deal=deal)
    assert set(texts.clip_ids("test")) == set(speech.clip_ids("test")) > set()
    assert set(some.clip_ids("test")) == {
        clip for clip, of in speech.references("test").languages.items() if of == language
    }
    speakers = [set(speech.references(split).speakers.values()) for split in ("validation", "test")]
    speakers.append({utterance.speaker for utterance in speech._train.utterances})
    assert sum(map(len, speakers)) == len(set().union(*speakers))
    with pytest.warns(match="spoken_tones/tiny: deal 0 of 3 by speaker: train"):
        speech.setup("fit")


def test_references_say_what_their_units_were_recorded_from(tiny_speech: Path) -> None:
    references = SpeechDataModule(corpus=SPEECH, batch_seconds=20).references("test")
    assert references.sources == {"speaker": references.speakers}


def test_clips_of_which_some_have_no_recorded_family_have_no_blocks(tiny_tones: Path) -> None:
    """One of the four test clips has no event, and the noise under it was recorded nowhere."""
    data = SoundEventClips(corpus=TONES, batch_size=1)
    assert data.references("test").sources == {}
    assert data.references("validation").sources == {}
