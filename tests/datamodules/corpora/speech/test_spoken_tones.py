"""The synthetic speech: its layout, that its tones say its texts, that it repeats bit for bit."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from lhotse import CutSet
from lhotse.cut import MonoCut

from datamodules.corpora.clip_corpus import SPLITS
from datamodules.corpora.speech import spoken_tones
from datamodules.corpus_folder import CorpusCard, data_root, read_card
from datamodules.texts.text_rules import normalise


@pytest.fixture
def tiny(earmark_home: Path) -> CorpusCard:
    return spoken_tones.prepare("tiny")


def cuts(split: str, name: str = "spoken_tones/tiny") -> list[MonoCut]:
    folder = data_root() / name
    read = CutSet.from_file(folder / "manifests" / f"{split}.jsonl.gz").with_recording_path_prefix(folder)
    return list(read)


def texts(split: str, name: str = "spoken_tones/tiny") -> list[str]:
    return [cut.supervisions[0].text for cut in cuts(split, name)]


def test_tiny_is_made_in_well_under_a_second(earmark_home: Path) -> None:
    started = time.perf_counter()
    card = spoken_tones.prepare("tiny")
    assert time.perf_counter() - started < 1.0
    assert card == read_card("spoken_tones/tiny")
    assert card.synthetic
    assert card.num_clips == {"train": 24, "validation": 8, "test": 8}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("scale", spoken_tones.SCALES)
def test_no_text_is_in_two_splits_and_training_has_every_character(scale: str, seed: int) -> None:
    for language in spoken_tones.SCALES[scale].lexicons:
        dealt = spoken_tones._deal_texts(spoken_tones.SCALES[scale], language, seed)
        every = [text for split in SPLITS for text in dealt[split]]
        assert len(set(every)) == len(every)
        assert set("".join(every)) <= set("".join(dealt["train"]))
        assert all(text == normalise(text, language=language) for text in every)


def test_languages_have_characters_of_their_own_and_speakers_speak_all(tiny: CorpusCard) -> None:
    of_language = {
        language: {
            c for cut in cuts("train") if cut.supervisions[0].language == language for c in cut.supervisions[0].text
        }
        for language in ("cs", "en")
    }
    assert of_language["cs"] - of_language["en"] >= set("áíčň")
    assert of_language["en"] - of_language["cs"]
    speakers = {(cut.supervisions[0].language, cut.supervisions[0].speaker) for cut in cuts("train")}
    assert len(speakers) == 6


def test_the_tones_can_be_read_back(tiny: CorpusCard) -> None:
    """The strongest frequency of each stretch of sound is a character's, and the pauses are spaces."""
    frequencies_hz = spoken_tones._frequencies_hz(spoken_tones.SCALES["tiny"])
    for cut in cuts("test"):
        samples_S = cut.load_audio()[0]
        level_T = np.sqrt(np.mean(samples_S[: len(samples_S) // 80 * 80].reshape(-1, 80) ** 2, axis=1))
        sounding_T = np.flatnonzero(level_T > 0.03)
        stretches = np.split(sounding_T, np.flatnonzero(np.diff(sounding_T) > 1) + 1)
        read = ""
        for index, frames in enumerate(stretches):
            if index and frames[0] - stretches[index - 1][-1] > 10:  # a pause over 50 ms
                read += " "
            tone_S = samples_S[frames[0] * 80 : (frames[-1] + 1) * 80]
            peak_hz = np.abs(np.fft.rfft(tone_S, 1 << 15)).argmax() * 16_000 / (1 << 15)
            read += min(frequencies_hz, key=lambda character: abs(np.log(frequencies_hz[character] / peak_hz)))
        assert read == cut.supervisions[0].text


def test_a_word_says_something_about_the_next() -> None:
    dealt = spoken_tones._deal_texts(spoken_tones.SCALES["demo"], "en", 0)
    pairs = [pair for text in dealt["train"] for pair in zip(text.split(), text.split()[1:], strict=False)]
    followers = [after for before, after in pairs if before == "cat"]
    share = max(followers.count(word) for word in followers) / len(followers)
    assert share > 0.4  # a quarter without structure


def test_the_same_seed_repeats_and_another_does_not(tiny: CorpusCard) -> None:
    assert spoken_tones.prepare("tiny", rebuild=True).digest == tiny.digest
    other = spoken_tones.prepare("tiny", seed=1)
    assert other.digest != tiny.digest
    assert other.name == "spoken_tones/tiny-seed1"


def test_an_unknown_scale_is_named_with_what_is_allowed(earmark_home: Path) -> None:
    with pytest.raises(ValueError, match="spoken_tones: scale 'huge', allowed: tiny, demo"):
        spoken_tones.prepare("huge")
