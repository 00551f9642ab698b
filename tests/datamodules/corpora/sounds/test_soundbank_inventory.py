"""The list that ships: every class can be split, no family means two things, and the deal is as documented."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.corpora.prompts import VOICES
from datamodules.corpora.sound_files import SAMPLE_RATE_HZ, SoundFileError, decode, to_bank_samples, trim_silence
from datamodules.corpora.sounds.family_folds import NUM_FOLDS, deal_fold
from datamodules.corpora.sounds.family_splits import split_families
from datamodules.corpora.sounds.inventory import BACKGROUND, read_inventory
from datamodules.corpora.sounds.sound_classes import COMPANIONS, SOUND_CLASSES

INVENTORY = read_inventory()


def families() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {"speech": {voice.family for voice in VOICES}}
    for sound in INVENTORY.sounds:
        found.setdefault(sound.label, set()).add(sound.family)
    return found


def test_every_class_is_there_and_nothing_else() -> None:
    assert set(families()) == {*SOUND_CLASSES, BACKGROUND}
    assert sorted(label for pair in COMPANIONS for label in pair) == sorted(SOUND_CLASSES)


def test_a_file_is_listed_once_and_a_family_is_of_one_class() -> None:
    places = Counter((sound.package, sound.path, sound.pattern) for sound in INVENTORY.sounds)
    assert [place for place, count in places.items() if count > 1] == []
    labels: dict[str, set[str]] = {}
    for sound in INVENTORY.sounds:
        if sound.label != BACKGROUND:
            labels.setdefault(sound.family, set()).add(sound.label)
    assert {family: found for family, found in labels.items() if len(found) > 1} == {}


def test_every_package_has_a_licence() -> None:
    assert {sound.package for sound in INVENTORY.sounds} == set(INVENTORY.licences)
    assert all(INVENTORY.licences.values())


@pytest.mark.parametrize("label", [*SOUND_CLASSES, BACKGROUND])
def test_every_class_has_eight_families_or_more_and_some_for_each_split_of_every_fold(label: str) -> None:
    found = families()[label]
    assert len(found) >= 8
    for fold in range(NUM_FOLDS):
        sizes = {split: len(part) for split, part in deal_fold(label, dict.fromkeys(found, 1.0), fold).items()}
        assert sizes["train"] >= 5
        assert sizes["validation"] >= 1
        assert sizes["test"] >= (1 if len(found) < 2 * NUM_FOLDS else 2)


@given(st.sets(st.text(min_size=1, max_size=8), min_size=3, max_size=40), st.text(max_size=5))
def test_the_deal_is_a_partition_that_order_does_not_change(names: set[str], label: str) -> None:
    dealt = split_families(label, names)
    assert sorted(family for part in dealt.values() for family in part) == sorted(names)
    assert all(dealt.values())
    assert dealt == split_families(label, sorted(names, reverse=True))
    if len(names) >= 12:
        assert len(dealt["train"]) > len(dealt["test"]) >= len(dealt["validation"])


def test_too_few_families_are_refused() -> None:
    with pytest.raises(ValueError, match="class 'owl' has 2 recording families, allowed: 3 or more"):
        split_families("owl", ["a", "b", "a"])


def test_trimming_keeps_what_is_within_thirty_decibels() -> None:
    loud_S = np.full(SAMPLE_RATE_HZ, 0.5, dtype=np.float32)
    tail_S, hiss_S = loud_S * 10 ** (-25 / 20), loud_S * 10 ** (-40 / 20)
    trimmed_S = trim_silence(np.concatenate([hiss_S, loud_S, tail_S, hiss_S]).astype(np.float32))
    assert len(trimmed_S) / SAMPLE_RATE_HZ == pytest.approx(2.04, abs=0.011)
    assert len(trim_silence(np.zeros(8000, dtype=np.float32))) == 0
    assert len(trim_silence(np.zeros(3, dtype=np.float32))) == 0


def test_bank_samples_reach_the_same_peak() -> None:
    quiet_S = np.array([0.0, 0.001, -0.0005], dtype=np.float32)
    assert to_bank_samples(quiet_S).tolist() == [0, 29490, -14745]


def test_bytes_that_are_no_sound_are_refused_by_name() -> None:
    with pytest.raises(SoundFileError, match=r"x/y\.ogg: not a readable sound file"):
        decode("x/y.ogg", b"OggS....")
