"""Mixing: the labels are where the sound is, the ratio is what was asked, nothing leaves the clip or the scale."""

from __future__ import annotations

import hashlib
import itertools

import numpy as np
import pytest

from datamodules.corpora.clip_corpus import LabelledClip
from datamodules.corpora.sounds.mixing import MixRecipe, SplitSounds, mix_clip
from datamodules.corpora.sounds.sound_classes import COMPANIONS, SOUND_CLASSES

RATE = 16_000


def noise(seconds: float, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=round(seconds * RATE)) * 0.1).astype(np.float32)


def tone(seconds: float, pitch_hz: float) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * pitch_hz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def sounds_of(*labels: str, seconds: float = 1.0) -> SplitSounds:
    events = {label: {f"{label}-f": [tone(seconds, 400.0 + 300 * k)]} for k, label in enumerate(labels)}
    return SplitSounds(events=events, backgrounds={"wind": [noise(3.0, 0)], "long": [noise(15.0, 1)]})


def mix(seed: int, sounds: SplitSounds, **recipe: object) -> LabelledClip:
    return mix_clip("c", sounds=sounds, recipe=MixRecipe(**recipe), rng=np.random.default_rng(seed))  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(40))
def test_events_stay_in_the_clip_and_apart_from_their_own_class(seed: int) -> None:
    clip = mix(seed, sounds_of(*SOUND_CLASSES, seconds=3.0), playback_speed=(0.8, 1.25))
    assert clip.waveform_S.shape == (10 * RATE,)
    assert clip.waveform_S.dtype == np.float32
    assert np.abs(clip.waveform_S).max() <= 0.99 + 1e-6
    for event, family in clip.events:
        assert 0 <= event.onset_seconds < event.offset_seconds <= 10
        assert family == f"{event.label}-f"
    for (one, _), (other, _) in itertools.combinations(clip.events, 2):
        if one.label == other.label:
            assert other.onset_seconds - one.offset_seconds >= 0.25


@pytest.mark.parametrize("snr_db", [3.0, 20.0])
def test_the_ratio_over_the_event_is_what_was_asked(snr_db: float) -> None:
    probabilities = (0.0, 1.0)
    found = []
    for seed in range(20):
        recipe = {"snr_db": (snr_db, snr_db), "num_events_probabilities": probabilities, "background_dbfs": (-40, -40)}
        clip = mix(seed, sounds_of("vehicle"), **recipe)
        silent = mix(seed, sounds_of("vehicle"), **(recipe | {"snr_db": (-200, -200)}))  # the same draw, no event
        ((event, _),) = clip.events
        span = slice(round(event.onset_seconds * RATE), round(event.offset_seconds * RATE))
        background_S, event_S = silent.waveform_S[span], clip.waveform_S[span] - silent.waveform_S[span]
        found.append(10 * np.log10(np.mean(event_S**2) / np.mean(background_S**2)))
        outside = np.ones(10 * RATE, dtype=bool)
        outside[span] = False
        assert np.array_equal(clip.waveform_S[outside], silent.waveform_S[outside])
    assert np.allclose(found, snr_db, atol=0.05)


def test_loud_mixes_are_scaled_as_a_whole() -> None:
    clip = mix(0, sounds_of("vehicle"), background_dbfs=(-6, -6), snr_db=(20, 20), num_events_probabilities=(0.0, 1.0))
    assert np.abs(clip.waveform_S).max() == pytest.approx(0.99, abs=1e-4)


def test_struck_sounds_are_cut_around_their_loudest_moment() -> None:
    bang = noise(6.0, 3) * 0.5
    bang[3 * RATE] = 1.0
    sounds = SplitSounds(events={"door": {"d": [bang]}}, backgrounds={"w": [noise(3.0, 0)]})
    for seed in range(20):
        ((event, _),) = mix(seed, sounds, num_events_probabilities=(0.0, 1.0)).events
        assert 0.3 <= event.duration_seconds <= 1.2001
        span = slice(round(event.onset_seconds * RATE), round(event.offset_seconds * RATE))
        waveform_S = np.abs(mix(seed, sounds, num_events_probabilities=(0.0, 1.0)).waveform_S)
        assert span.start <= int(np.argmax(waveform_S)) < span.stop


def test_an_event_is_never_the_silence_between_two_calls() -> None:
    calls_S = np.zeros(12 * RATE, dtype=np.float32)
    for second in (2, 7, 10):
        calls_S[second * RATE : second * RATE + RATE // 4] = noise(0.25, second)
    sounds = SplitSounds(events={"bird": {"b": [calls_S]}}, backgrounds={"w": [noise(3.0, 0)]})
    recipe = {"num_events_probabilities": (0.0, 1.0), "lasting_seconds": (0.5, 0.5), "snr_db": (30.0, 30.0)}
    for seed in range(30):
        ((event, _),) = mix(seed, sounds, **recipe).events
        assert 0.0 < event.duration_seconds <= 0.25 + 0.06  # the call and its margin, not the half second around it


def test_a_long_recording_gives_at_most_eight_seconds() -> None:
    for seed in range(20):
        ((event, _),) = mix(seed, sounds_of("fire", seconds=30.0), num_events_probabilities=(0.0, 1.0)).events
        assert event.duration_seconds <= 8.0


def test_companions_meet_more_often_than_other_pairs() -> None:
    counts: dict[frozenset[str], int] = {}
    sounds = sounds_of(*SOUND_CLASSES, seconds=0.3)
    for seed in range(400):
        labels = sorted({event.label for event, _ in mix(seed, sounds, clip_seconds=1.0).events})
        for pair in itertools.combinations(labels, 2):
            counts[frozenset(pair)] = counts.get(frozenset(pair), 0) + 1
    companions = [counts.get(frozenset(pair), 0) for pair in COMPANIONS]
    others = [
        count for pair, count in counts.items() if tuple(sorted(pair)) not in {tuple(sorted(p)) for p in COMPANIONS}
    ]
    assert min(companions) > 2 * np.mean(others)


def test_short_backgrounds_are_repeated_without_a_gap() -> None:
    clip = mix(1, SplitSounds(events={}, backgrounds={"w": [noise(1.0, 4)]}), num_events_probabilities=(1.0,))
    level_T = np.sqrt(np.mean(clip.waveform_S.reshape(-1, RATE // 10) ** 2, axis=1))
    assert level_T.min() > 0.7 * level_T.mean()
    assert level_T.max() < 1.4 * level_T.mean()


def test_a_clip_is_a_function_of_its_generator() -> None:
    one, two, other = (mix(seed, sounds_of(*SOUND_CLASSES), playback_speed=(0.9, 1.1)) for seed in (5, 5, 6))
    assert np.array_equal(one.waveform_S, two.waveform_S)
    assert one.events == two.events
    assert not np.array_equal(one.waveform_S, other.waveform_S)


def test_our_own_clips_stay_what_they_are_to_the_last_bit() -> None:
    """As mixed before own soundbanks could be: what a clip is drawn from must not move (40 clips of noise)."""
    banks = {
        label: {f"{label}{k}": [noise(0.4 + 0.7 * k, 10 * number + k)] for k in range(3)}
        for number, label in enumerate(SOUND_CLASSES)
    }
    sounds = SplitSounds(events=banks, backgrounds={"wind": [noise(3.0, 900)], "rain": [noise(15.0, 901)]})
    digest = hashlib.sha256()
    for k in range(40):
        recipe = MixRecipe(playback_speed=(0.85, 1.2)) if k % 2 else MixRecipe()
        clip = mix_clip(f"c{k}", sounds=sounds, recipe=recipe, rng=np.random.default_rng((0, 0, k)))
        digest.update(np.round(clip.waveform_S * 32767).astype("<i2").tobytes())
        said = [
            ((round(float(on), 3), round(float(off), 3)), label, family) for (on, off, label), family in clip.events
        ]
        digest.update(repr(said).encode())
        assert clip.background in ("wind", "rain")
    assert digest.hexdigest() == "facb8310f0fbb384171e2627130532c053cb64e9f90329524a421f762538f535"


def test_events_without_room_are_counted() -> None:
    recipe = {"num_events_probabilities": (0.0, 0.0, 1.0), "clip_seconds": 1.0, "companions": ()}
    clips = [mix(seed, sounds_of("fire", seconds=2.0), **recipe) for seed in range(20)]
    assert all(len(clip.events) + clip.num_crowded_out == 2 for clip in clips)
    assert any(clip.num_crowded_out for clip in clips)


def test_companions_may_be_others() -> None:
    recipe = {"companions": (("bird", "door"),), "companion_probability": 1.0, "num_events_probabilities": (0, 0, 1.0)}
    for seed in range(10):
        clip = mix(seed, sounds_of(*SOUND_CLASSES, seconds=0.5), **recipe)
        assert {event.label for event, _ in clip.events} == {"bird", "door"}
