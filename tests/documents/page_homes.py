"""Homes for the commands of pages: corpora of tones under the names of real ones, and recordings as pages name them.

The rows of shipped tables train on such corpora in seconds, by their own names. ``soundscapes/demo`` is ``tones/tiny``
with as many clips as a batch of those rows has, ``prompts`` is ``spoken_tones/tiny``; the cards say that nothing in
them was recorded.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from datamodules.corpora.sounds import tones
from datamodules.corpora.speech import spoken_tones

RATE_HZ = 16_000
STANDS_FOR = {"soundscapes/demo": "tones/batch", "prompts": "spoken_tones/tiny"}
BATCH_CLIPS = {"train": 32, "validation": 4, "test": 4}


def put_corpora(home: Path, names: Sequence[str] = tuple(STANDS_FOR)) -> None:
    """Those into the data folder of a home; any other name is one more corpus of sounds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARMARK_HOME", str(home))
        patch.delenv("EARMARK_DATA", raising=False)
        patch.setitem(tones.SCALES, "batch", replace(tones.SCALES["tiny"], num_clips=BATCH_CLIPS))
        tones.prepare("batch")
        spoken_tones.prepare("tiny")
    for name in names:
        folder = home / "data" / name
        shutil.copytree(home / "data" / STANDS_FOR.get(name, "tones/batch"), folder)
        card = json.loads((folder / "corpus.json").read_text(encoding="utf-8"))
        (folder / "corpus.json").write_text(json.dumps({**card, "name": name}), encoding="utf-8")


def put_clips(home: Path, folder: Path) -> None:
    """A test clip of the sounds, under the names that pages use."""
    source = next((home / "data" / "soundscapes" / "demo" / "audio").rglob("*test*.*"))
    samples_S, rate_hz = soundfile.read(source)
    for name in ("clip.wav", "street.wav", "garden/monday.wav"):
        (folder / name).parent.mkdir(exist_ok=True)
        soundfile.write(folder / name, samples_S, rate_hz)


def put_talks(folder: Path) -> None:
    """Three seconds of noise under the names that pages use, with texts that the recogniser can write."""
    samples_S = np.random.default_rng(0).normal(0, 0.1, 3 * RATE_HZ).clip(-1, 1)
    for name in ("talk.wav", "one.flac", "two.flac", "call.mp3", "talks/a.wav", "talks/b.wav"):
        (folder / name).parent.mkdir(exist_ok=True)
        soundfile.write(folder / name, samples_S, RATE_HZ)
    line = {"audio_filepath": "talk.wav", "text": "cat sat", "lang": "en", "duration": 3.0}
    (folder / "test.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    kaldi = folder / "data" / "test"
    kaldi.mkdir(parents=True)
    for name, of in (("wav.scp", folder / "talk.wav"), ("text", "dog ran"), ("utt2spk", "anna"), ("utt2lang", "en")):
        (kaldi / name).write_text(f"u1 {of}\n", encoding="utf-8")


def put_libraries(folder: Path) -> bool:
    """The demo's libraries: from EARMARK_LIBRARIES into the data folder, or npm fetches them; False without either."""
    if given := os.environ.get("EARMARK_LIBRARIES"):
        shutil.copytree(given, folder / "data" / "libraries", ignore=lambda _, names: [
            name for name in names if not name.endswith(".tgz")
        ])  # fmt: skip
    return bool(given) or shutil.which("npm") is not None


def run_of(home: Path, row: str) -> Path:
    """The folder of a run of a row."""
    for folder in sorted((home / "mlruns" / "runs").iterdir()):
        if json.loads((folder / "provenance.json").read_text(encoding="utf-8"))["row"] == row:
            return folder
    raise AssertionError(f"no run of {row}")
