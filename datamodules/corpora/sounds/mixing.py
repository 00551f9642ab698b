"""Mixes one clip: one to four real events over a real background, with exact strong labels.

The signal-to-noise ratio is that of an event's excerpt to the background under it, in decibels of mean square. Events
are drawn class first, then family, then recording, so that a family of many takes weighs no more than a single one.
Everything is a pure function of the random generator. Written out instead of Lhotse's ``mix``: that one takes the ratio
over whole cuts, lengthens a clip for an overhanging event and lets peaks pass 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import soxr
from numpy.typing import NDArray

from datamodules.annotations import Event
from datamodules.corpora.clip_corpus import LabelledClip, SourcedEvent
from datamodules.corpora.sound_files import SAMPLE_RATE_HZ, trim_silence
from datamodules.corpora.sounds.sound_classes import COMPANIONS

Waveform = NDArray[np.float32]
Families = Mapping[str, Sequence[Waveform]]  # family -> its recordings


@dataclass(frozen=True)
class MixRecipe:
    """What a clip is like; ranges are uniform."""

    clip_seconds: float = 10.0
    num_events_probabilities: tuple[float, ...] = (0.06, 0.29, 0.33, 0.22, 0.1)  # 0 to 4
    companions: tuple[tuple[str, str], ...] = COMPANIONS
    companion_probability: float = 0.6  # that the first two events are a pair of companions
    snr_db: tuple[float, float] = (3.0, 20.0)
    background_dbfs: tuple[float, float] = (-45.0, -32.0)
    hiss_db: tuple[float, float] = (-20.0, -10.0)  # white noise to background: the microphone's own
    struck_classes: frozenset[str] = field(default_factory=lambda: frozenset({"door", "drums", "explosion"}))
    struck_seconds: tuple[float, float] = (0.3, 1.2)
    lasting_seconds: tuple[float, float] = (0.5, 8.0)
    whole_probability: float = 0.5  # that a recording of a lasting sound is not cut
    playback_speed: tuple[float, float] = (1.0, 1.0)  # as of a tape: pitch and length change together
    min_gap_seconds: float = 0.25  # between events of one class, so that a collar of 200 ms can't reach both


@dataclass(frozen=True)
class SplitSounds:
    """The recordings that one split may use."""

    events: Mapping[str, Families]
    backgrounds: Families


def mix_clip(clip_id: str, *, sounds: SplitSounds, recipe: MixRecipe, rng: np.random.Generator) -> LabelledClip:
    """One clip of ``recipe.clip_seconds`` at 16 kHz, peak at most 0.99, its events clipped to it."""
    num_samples = round(recipe.clip_seconds * SAMPLE_RATE_HZ)
    background, recording_S = _draw(sounds.backgrounds, rng)
    mix_S = _background(recording_S, num_samples, recipe, rng)
    background_S = mix_S.copy()
    events: list[SourcedEvent] = []
    num_crowded_out = 0
    for label in _labels(tuple(sounds.events), recipe, rng):
        family, recording_S = _draw(sounds.events[label], rng)
        excerpt_S = _excerpt(_at_speed(recording_S, rng.uniform(*recipe.playback_speed)), label, recipe, rng)
        first = _place(len(excerpt_S), label, events, num_samples, recipe, rng)
        snr_db = rng.uniform(*recipe.snr_db)
        if first is None:
            num_crowded_out += 1
            continue
        start, stop = max(0, first), min(num_samples, first + len(excerpt_S))
        part_S = excerpt_S[start - first : stop - first]
        gain = _level(background_S[start:stop]) / _level(part_S) * 10 ** (snr_db / 20)
        mix_S[start:stop] += gain * part_S
        events.append(SourcedEvent(Event(start / SAMPLE_RATE_HZ, stop / SAMPLE_RATE_HZ, label), family))
    mix_S /= max(1.0, float(np.abs(mix_S).max()) / 0.99)
    return LabelledClip(clip_id, mix_S.astype(np.float32), tuple(sorted(events)), background, num_crowded_out)


def _labels(classes: Sequence[str], recipe: MixRecipe, rng: np.random.Generator) -> list[str]:
    num_events = int(rng.choice(len(recipe.num_events_probabilities), p=recipe.num_events_probabilities))
    labels = [str(label) for label in rng.choice(classes, num_events)]
    companions = [pair for pair in recipe.companions if set(pair) <= set(classes)]
    pair = companions[int(rng.integers(len(companions)))] if companions else ()
    if num_events >= 2 and pair and rng.uniform() < recipe.companion_probability:
        labels[:2] = pair
    return labels


def _draw(families: Families, rng: np.random.Generator) -> tuple[str, Waveform]:
    names = sorted(families)
    family = names[int(rng.integers(len(names)))]
    recordings = families[family]
    return family, recordings[int(rng.integers(len(recordings)))]


def _at_speed(recording_S: Waveform, speed: float) -> Waveform:
    if speed == 1.0:
        return recording_S
    return np.asarray(soxr.resample(recording_S, SAMPLE_RATE_HZ * speed, SAMPLE_RATE_HZ), dtype=np.float32)


def _background(recording_S: Waveform, num_samples: int, recipe: MixRecipe, rng: np.random.Generator) -> Waveform:
    """A stretch of a background at a random level, with hiss; a short one is repeated with cross-faded seams.

    Many game sounds end at 5.5 kHz; without the hiss any event would show in an empty band above a background.
    """
    margin = min(SAMPLE_RATE_HZ // 4, len(recording_S) // 8)  # their makers faded short recordings in and out
    recording_S = recording_S[margin : len(recording_S) - margin]
    fade = min(SAMPLE_RATE_HZ // 10, len(recording_S) // 4)
    looped_S = recording_S.copy()
    if len(recording_S) < num_samples + fade:
        ramp = np.linspace(0.0, np.pi / 2, fade, dtype=np.float32)
        seam_S = recording_S[-fade:] * np.cos(ramp) + recording_S[:fade] * np.sin(ramp)
        cycle_S = np.concatenate([seam_S, recording_S[fade:-fade]])
        looped_S = np.tile(cycle_S, num_samples // len(cycle_S) + 2)
    first = int(rng.integers(len(looped_S) - num_samples + 1))
    stretch_S = looped_S[first : first + num_samples]
    hiss_S = rng.standard_normal(num_samples, dtype=np.float32)
    stretch_S = stretch_S + hiss_S * np.float32(_level(stretch_S) * 10 ** (rng.uniform(*recipe.hiss_db) / 20))
    return stretch_S * np.float32(10 ** (rng.uniform(*recipe.background_dbfs) / 20) / _level(stretch_S))


def _excerpt(recording_S: Waveform, label: str, recipe: MixRecipe, rng: np.random.Generator) -> Waveform:
    """Part of a recording: of a struck sound the part around its loudest moment, of a lasting one any loud part.

    Near-silence at the ends of the part is cut, so that an event starts and ends with its sound.
    """
    struck = label in recipe.struck_classes
    low, high = recipe.struck_seconds if struck else recipe.lasting_seconds
    wanted = round(rng.uniform(low, min(high, max(low, len(recording_S) / SAMPLE_RATE_HZ))) * SAMPLE_RATE_HZ)
    whole = not struck and len(recording_S) <= high * SAMPLE_RATE_HZ and rng.uniform() < recipe.whole_probability
    if whole or len(recording_S) <= wanted:
        return recording_S
    loudness_S = np.abs(recording_S)
    first = min(max(0, int(np.argmax(loudness_S) - 0.3 * rng.uniform() * wanted)), len(recording_S) - wanted)
    for _ in range(0 if struck else 10):  # between two calls of a bird there is no bird
        other = int(rng.integers(len(recording_S) - wanted + 1))
        if loudness_S[other : other + wanted].max() > 0.1 * loudness_S.max():
            first = other
            break
    excerpt_S = trim_silence(recording_S[first : first + wanted]).copy()
    fade = min(SAMPLE_RATE_HZ // 50, len(excerpt_S) // 2)
    ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)
    excerpt_S[:fade] *= ramp
    excerpt_S[-fade:] *= ramp[::-1]
    return excerpt_S


def _place(
    length: int,
    label: str,
    events: Sequence[SourcedEvent],
    num_samples: int,
    recipe: MixRecipe,
    rng: np.random.Generator,
) -> int | None:
    """First sample of an event, or None where no room was found beside others of its class in twenty tries.

    A lasting event may hang over either end of the clip by a quarter of its length.
    """
    overhang = 0 if label in recipe.struck_classes else length // 4
    for _ in range(20):
        first = int(rng.integers(-overhang, max(1, num_samples - length + overhang)))
        onset_seconds = max(0, first) / SAMPLE_RATE_HZ - recipe.min_gap_seconds
        offset_seconds = min(num_samples, first + length) / SAMPLE_RATE_HZ + recipe.min_gap_seconds
        if not any(
            event.label == label and onset_seconds < event.offset_seconds and event.onset_seconds < offset_seconds
            for event, _ in events
        ):
            return first
    return None


def _level(waveform_S: Waveform) -> float:
    """Root mean square, kept off zero for a stretch of digital silence."""
    return max(float(np.sqrt(np.mean(np.square(waveform_S, dtype=np.float64)))), 1e-6)
