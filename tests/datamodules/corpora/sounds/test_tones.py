"""The synthetic corpus: its layout, that weak and strong labels agree, that it repeats bit for bit."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse import CutSet

from datamodules.clips.dcase_tsv import read_events, read_tags
from datamodules.corpora.clip_corpus import SPLITS
from datamodules.corpora.sounds import tones
from datamodules.corpus_folder import CorpusCard, data_root, read_card


@pytest.fixture
def tiny(earmark_home: Path) -> tuple[CorpusCard, Path]:
    return tones.prepare("tiny"), data_root() / "tones" / "tiny"


def test_tiny_is_made_in_well_under_a_second(earmark_home: Path) -> None:
    started = time.perf_counter()
    tones.prepare("tiny")
    assert time.perf_counter() - started < 1.0


def test_card_is_stored_and_says_that_nothing_was_recorded(tiny: tuple[CorpusCard, Path]) -> None:
    card, _ = tiny
    assert card == read_card("tones/tiny")
    assert card.synthetic
    assert card.num_clips == {"train": 8, "validation": 4, "test": 4}
    assert len(card.classes) == 3


@pytest.mark.parametrize("split", SPLITS)
def test_lists_and_audio_of_a_split_agree(tiny: tuple[CorpusCard, Path], split: str) -> None:
    card, folder = tiny
    events, tags = read_events(folder / f"{split}_strong.tsv"), read_tags(folder / f"{split}_weak.tsv")
    assert set(events) == set(tags) == {path.stem for path in (folder / "audio" / split).glob("*.flac")}
    assert any(not of_clip for of_clip in events.values())  # event-free clips are listed
    for clip, of_clip in events.items():
        assert tags[clip] == {event.label for event in of_clip} <= set(card.classes)
        info = soundfile.info(folder / "audio" / split / f"{clip}.flac")
        assert (info.samplerate, info.channels, info.frames) == (16_000, 1, 32_000)
        assert all(0 <= event.onset_seconds < event.offset_seconds <= 2.0 for event in of_clip)
    assert {label for of_clip in tags.values() for label in of_clip} == set(card.classes)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_weak_manifests_hold_no_strong_label(tiny: tuple[CorpusCard, Path], split: str) -> None:
    _, folder = tiny
    weak = list(CutSet.from_file(folder / "manifests" / f"{split}.jsonl.gz"))
    strong = list(CutSet.from_file(folder / "manifests" / f"{split}_strong.jsonl.gz"))
    assert all(not cut.supervisions for cut in weak)
    assert [cut.id for cut in weak] == [cut.id for cut in strong]
    events = read_events(folder / f"{split}_strong.tsv")
    for weak_cut, strong_cut in zip(weak, strong, strict=True):
        found = {(segment.start, round(segment.end, 3), segment.custom["label"]) for segment in strong_cut.supervisions}
        assert found == {tuple(event) for event in events[strong_cut.id]}
        assert weak_cut.custom["tags"] == sorted({label for _, _, label in found})
        source = Path(weak_cut.recording.sources[0].source)
        assert not source.is_absolute()
        assert (folder / source).is_file()


def test_no_family_is_in_two_splits(tiny: tuple[CorpusCard, Path]) -> None:
    _, folder = tiny
    sources = json.loads((folder / "sources.json").read_text())
    families = [family for split in SPLITS for listed in sources[split].values() for family in listed]
    assert len(families) == len(set(families)) > 0
    for split in SPLITS:
        name = f"{split}.jsonl.gz" if split == "test" else f"{split}_strong.jsonl.gz"
        for cut in CutSet.from_file(folder / "manifests" / name):
            for segment in cut.supervisions:
                assert segment.custom["family"] in sources[split][segment.custom["label"]]


def test_events_of_one_class_keep_their_distance(earmark_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crowded = tones.ToneScale({"train": 1, "validation": 1, "test": 40}, 4.0, ("alarm", "door"), 6)
    monkeypatch.setitem(tones.SCALES, "crowded", crowded)
    tones.prepare("crowded")
    gaps = []
    for of_clip in read_events(data_root() / "tones" / "crowded" / "test_strong.tsv").values():
        for label in crowded.classes:
            same = [event for event in of_clip if event.label == label]
            gaps += [after.onset_seconds - before.offset_seconds for before, after in itertools.pairwise(same)]
    assert len(gaps) > 10
    assert min(gaps) > 0.24


def test_the_same_seed_repeats_and_another_does_not(tiny: tuple[CorpusCard, Path]) -> None:
    card, folder = tiny
    before = soundfile.read(folder / "audio" / "train" / "train-0001.flac")[0]
    assert tones.prepare("tiny", rebuild=True).digest == card.digest
    assert np.array_equal(before, soundfile.read(folder / "audio" / "train" / "train-0001.flac")[0])
    other = tones.prepare("tiny", seed=1)
    assert other.digest != card.digest
    assert other.name == "tones/tiny-seed1"


def test_a_class_has_a_timbre_of_its_own() -> None:
    """Each class is nearer to itself (another timbre, another draw) than to any other class, by mean spectrum."""

    def spectrum(label: str, timbre: int, seed: int) -> np.ndarray:
        tone_S = tones.synthesise(label, timbre=timbre, rng=np.random.default_rng(seed))
        power = np.abs(np.fft.rfft(tone_S, 1 << 15)) ** 2
        bands = np.sqrt(np.add.reduceat(power, np.unique(np.geomspace(100, 15_000, 25).astype(int))))
        return bands / np.linalg.norm(bands)

    classes = tones.SCALES["tiny"].classes
    for label in classes:
        likeness = {other: spectrum(label, 0, 1) @ spectrum(other, 8, 2) for other in classes}
        assert max(likeness, key=lambda other: likeness[other]) == label


def test_an_unknown_scale_is_named_with_what_is_allowed(earmark_home: Path) -> None:
    with pytest.raises(ValueError, match="scale 'huge', allowed: tiny, demo"):
        tones.prepare("huge")
