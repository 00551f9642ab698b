"""Clips of a run's test split, so that a visitor of the page hears something at once, with what is true of them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from datamodules.annotations import ClipReferences, UtteranceReferences
from datamodules.corpus_folder import CorpusMissingError
from datamodules.joined_corpora import read_cards
from experiments.applying.chosen_run import ChosenRun
from experiments.configuration.schema import build
from experiments.errors import UserError, first_line
from experiments.table_files.merge import Config
from experiments.table_files.table_values import corpus_of

MOST_SECONDS = 30.0  # longer clips are left out: a page is to open at once


@dataclass(frozen=True, kw_only=True)
class Example:
    """A clip as a WAV of 16 bits; ``events`` are the true ones, None if unknown; ``text`` is the spoken one."""

    title: str
    sound: bytes
    licence: str
    events: tuple[tuple[float, float, str], ...] | None = None
    text: str | None = None


def test_examples(chosen: ChosenRun, *, count: int) -> tuple[Example, ...]:
    """The ``count`` test clips with the most different classes, or utterances of middle length.

    Raises ``UserError`` where the run's corpus, or a recording that it was imported from, is not on this disk.
    """
    if count == 0:
        return ()
    where = f"examples of run {chosen.name}"
    config: Config = {name: chosen.config[name] for name in ("data", "scoring") if name in chosen.config}
    try:
        licences = read_cards(corpus_of(chosen.config)).licences
        data = build(config, stage="score", seed=0, where=where, imports=chosen.imports).data
        data.setup("score")
        references = data.references("test")
        licence = (
            f"clip of {corpus_of(chosen.config)}: {', '.join(f'{name} {text}' for name, text in licences.items())}"
        )
        if isinstance(references, ClipReferences):
            return tuple(_clip(references, clip, licence) for clip in _telling(references, count))
        assert isinstance(references, UtteranceReferences)
        return tuple(_utterance(references, name, licence) for name in _middling(references, count))
    except (CorpusMissingError, OSError, ValueError, KeyError) as error:
        raise UserError(f"{where}: {first_line(error)}; --examples 0 leaves them out") from None


def _telling(references: ClipReferences, count: int) -> list[str]:
    """Clips of several classes, each with as many classes as possible that no earlier one has."""
    left = sorted(clip for clip, seconds in references.duration_seconds.items() if seconds <= MOST_SECONDS)
    seen: set[str] = set()
    chosen: list[str] = []
    while left and len(chosen) < count:
        best = max(left, key=lambda clip: (len(references.tags[clip] - seen), -len(references.tags[clip]), clip))
        left.remove(best)
        chosen.append(best)
        seen |= references.tags[best]
    return chosen


def _middling(references: UtteranceReferences, count: int) -> list[str]:
    ranked = sorted(
        (name for name, seconds in references.duration_seconds.items() if seconds <= MOST_SECONDS),
        key=lambda name: (references.duration_seconds[name], name),
    )
    return [ranked[len(ranked) * (number + 1) // (count + 1)] for number in range(min(count, len(ranked)))]


def _clip(references: ClipReferences, clip: str, licence: str) -> Example:
    events = None if references.events is None or clip not in references.events else references.events[clip]
    return Example(
        title=", ".join(sorted(references.tags[clip])) or "nothing but background",
        sound=wav(references.load_waveform(clip), references.sample_rate_hz),
        licence=licence,
        events=None if events is None else tuple((of.onset_seconds, of.offset_seconds, of.label) for of in events),
    )


def _utterance(references: UtteranceReferences, name: str, licence: str) -> Example:
    text = references.texts[name]
    return Example(
        title=text if len(text) <= 32 else f"{text[:31]}…",
        sound=wav(references.load_waveform(name), references.sample_rate_hz),
        licence=licence,
        text=text,
    )


def wav(waveform_S: NDArray[np.float32], sample_rate_hz: int) -> bytes:
    """A WAV file of 16 bits."""
    file = io.BytesIO()
    soundfile.write(file, waveform_S, sample_rate_hz, format="WAV", subtype="PCM_16")
    return file.getvalue()


def plain(example: Example) -> Mapping[str, Any]:
    """What the page must know of an example beside its sound."""
    events = None
    if example.events is not None:
        events = [{"onset": onset, "offset": offset, "label": label} for onset, offset, label in example.events]
    return {"title": example.title, "licence": example.licence, "events": events, "text": example.text}
