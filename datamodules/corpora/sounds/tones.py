"""Synthetic clips in the layout of the real corpora: for unit tests, and for a demo on a machine without apt-get.

Each class has a timbre of its own (steady partials, a chirp, or a noise band, with its own tremolo) and its own range
of durations; each split draws from timbres that no other split has, as a real corpus keeps recordings apart. Nothing
in here was ever recorded, and the card says so. ``tiny`` is made in well under a second:

    earmark data tones --scale tiny
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import Event
from datamodules.corpora.clip_corpus import SPLITS, CorpusFacts, LabelledClip, SourcedEvent, write_clip_corpus
from datamodules.corpora.sounds.sound_classes import SOUND_CLASSES
from datamodules.corpora.whole_folder import locked, whole_folder
from datamodules.corpus_folder import CorpusCard, CorpusMissingError, corpus_name, data_root, read_card

SAMPLE_RATE_HZ = 16_000
TIMBRES_PER_SPLIT = 3
MIN_GAP_SECONDS = 0.25  # between events of one class, so that a collar of 200 ms can't reach both


@dataclass(frozen=True)
class ToneScale:
    """How much to make."""

    num_clips: dict[str, int]
    clip_seconds: float
    classes: tuple[str, ...]
    max_events: int


SCALES = {
    "tiny": ToneScale({"train": 8, "validation": 4, "test": 4}, 2.0, ("alarm", "door", "running_water"), 2),
    "demo": ToneScale({"train": 300, "validation": 80, "test": 100}, 10.0, SOUND_CLASSES, 4),
}


def prepare(scale: str | None = None, *, seed: int = 0, rebuild: bool = False) -> CorpusCard:
    """Make ``tones/SCALE`` under the data root unless it is there, and return its card.

    Raises ``ValueError`` for an unknown scale.
    """
    scale = "demo" if scale is None else scale
    if scale not in SCALES:
        raise ValueError(f"tones: scale {scale!r}, allowed: {', '.join(SCALES)}")
    name = corpus_name("tones", scale=scale, seed=seed)
    target = data_root() / name
    with locked(target):
        if not rebuild:
            try:
                return read_card(name)
            except CorpusMissingError:
                pass
        with whole_folder(target) as folder:
            return write_clip_corpus(
                folder,
                facts=CorpusFacts(
                    name=name,
                    classes=SCALES[scale].classes,
                    sample_rate_hz=SAMPLE_RATE_HZ,
                    synthetic=True,
                    licences={"synthetic": "CC0-1.0"},
                    description=f"synthetic tones, chirps and noise bursts over faint noise, seed {seed}",
                ),
                clips={split: _clips(SCALES[scale], split, seed) for split in SPLITS},
                sources={
                    split: {
                        label: [_family(label, split, k) for k in range(TIMBRES_PER_SPLIT)]
                        for label in SCALES[scale].classes
                    }
                    for split in SPLITS
                },
            )


def _clips(scale: ToneScale, split: str, seed: int) -> Iterator[LabelledClip]:
    for index in range(scale.num_clips[split]):
        rng = np.random.default_rng((seed, SPLITS.index(split), index))
        yield _clip(scale, split, index, rng)


def _clip(scale: ToneScale, split: str, index: int, rng: np.random.Generator) -> LabelledClip:
    """One clip over faint noise. Every fourth of eight is event-free; classes take turns, so that none is missing."""
    waveform_S = rng.normal(0.0, 10 ** (rng.uniform(-50, -40) / 20), round(scale.clip_seconds * SAMPLE_RATE_HZ))
    events: list[SourcedEvent] = []
    num_events = 0 if index % 8 == 3 else int(rng.integers(1, scale.max_events + 1))
    for number in range(num_events):
        turn = index - (index + 4) // 8  # event-free clips take no turn
        label = scale.classes[turn % len(scale.classes)] if number == 0 else str(rng.choice(scale.classes))
        timbre = int(rng.integers(TIMBRES_PER_SPLIT))
        tone_S = synthesise(label, timbre=SPLITS.index(split) * TIMBRES_PER_SPLIT + timbre, rng=rng)
        first = int(rng.integers(0, len(waveform_S) - len(tone_S)))
        event = Event(first / SAMPLE_RATE_HZ, (first + len(tone_S)) / SAMPLE_RATE_HZ, label)
        if any(_too_near(event, other) for other, _ in events):
            continue
        waveform_S[first : first + len(tone_S)] += tone_S
        events.append(SourcedEvent(event, _family(label, split, timbre)))
    waveform_S /= max(1.0, float(np.abs(waveform_S).max()) / 0.99)
    return LabelledClip(f"{split}-{index:04d}", waveform_S.astype(np.float32), tuple(sorted(events)))


def _too_near(event: Event, other: Event) -> bool:
    return (
        event.label == other.label
        and event.onset_seconds < other.offset_seconds + MIN_GAP_SECONDS
        and other.onset_seconds < event.offset_seconds + MIN_GAP_SECONDS
    )


def _family(label: str, split: str, timbre: int) -> str:
    return f"synthetic-{label}-{split}{timbre}"


def synthesise(label: str, *, timbre: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """One event of a class: 0.2 to 0.7 s for odd classes, 0.8 to 1.8 s for even ones, peak 0.1 to 0.4.

    The class's name fixes kind, pitch and tremolo; ``timbre`` shifts them by up to a tenth. Shape (samples,).
    """
    trait = np.random.default_rng(zlib.crc32(label.encode()))
    kind, pitch_hz, tremolo_hz = trait.integers(3), 200 * 2 ** trait.uniform(0, 4), trait.uniform(2, 12)
    shift = np.random.default_rng((zlib.crc32(label.encode()), timbre)).uniform(0.9, 1.1)
    short = label in SOUND_CLASSES and SOUND_CLASSES.index(label) % 2 == 0
    duration_seconds = rng.uniform(0.2, 0.7) if short else rng.uniform(0.8, 1.8)
    time_S = np.arange(round(duration_seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    if kind == 0:  # partials
        sound_S = sum(np.sin(2 * np.pi * pitch_hz * shift * k * time_S) / k for k in (1, 2, 3))
    elif kind == 1:  # a chirp that climbs an octave
        sweep_S = time_S + time_S**2 / (2 * duration_seconds)
        sound_S = np.sin(2 * np.pi * pitch_hz * shift * sweep_S)
    else:  # noise moved up to a band around the pitch
        noise_S = np.convolve(rng.normal(size=len(time_S)), np.hanning(64), mode="same")
        sound_S = noise_S * np.cos(2 * np.pi * pitch_hz * shift * time_S)
    sound_S = sound_S * (0.75 + 0.25 * np.sin(2 * np.pi * tremolo_hz * shift * time_S))
    fade = np.minimum(1.0, np.minimum(time_S, time_S[::-1]) / 0.01)
    return np.asarray(sound_S / np.abs(sound_S).max() * fade * rng.uniform(0.1, 0.4))
