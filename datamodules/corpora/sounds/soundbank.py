"""Real recordings of ten sound classes and of backgrounds, from Debian packages: 16 kHz mono FLAC by class and family.

    soundbank/CLASS/FAMILY__NAME.flac    soundbank/recordings.json    soundbank/corpus.json

Duplicates (the same samples under two names) are dropped, near-silence at both ends is cut. Prepare it with

    earmark data soundbank
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from datamodules.corpora import debian
from datamodules.corpora.containers import read_container
from datamodules.corpora.prompts import VOICES, Voice, read_prompts
from datamodules.corpora.sound_files import SAMPLE_RATE_HZ, decode, to_bank_samples, trim_silence, write_flac
from datamodules.corpora.sounds.inventory import Inventory, ListedSound, read_inventory
from datamodules.corpora.sounds.sound_classes import SOUND_CLASSES
from datamodules.corpora.whole_folder import locked, whole_folder
from datamodules.corpus_folder import CorpusCard, CorpusMissingError, data_root, read_card

NAME = "soundbank"
MIN_SECONDS = 0.1


@dataclass(frozen=True)
class BankRecording:
    """One recording of the bank; ``path`` is relative to the bank's folder."""

    label: str
    family: str
    path: str
    num_samples: int
    package: str


@dataclass(frozen=True)
class _RawRecording:
    label: str
    family: str
    name: str
    package: str
    waveform_S: NDArray[np.float32]


def prepare(*, rebuild: bool = False) -> CorpusCard:
    """Make the soundbank under the data root unless it is there, and return its card.

    Raises ``debian.NoPackageManagerError`` and ``debian.PackageError``.
    """
    target = data_root() / NAME
    with locked(target):
        if not rebuild:
            try:
                return read_card(NAME)
            except CorpusMissingError:
                pass
        inventory = read_inventory()
        debs = debian.fetch([*inventory.licences, *(voice.package for voice in VOICES)])
        with whole_folder(target) as folder:
            return _build(folder, inventory, debs)


def read_recordings() -> tuple[BankRecording, ...]:
    """Everything in the prepared bank, backgrounds too. Raises ``CorpusMissingError`` if it is not prepared."""
    read_card(NAME)
    listed = json.loads((data_root() / NAME / "recordings.json").read_text(encoding="utf-8"))
    return tuple(BankRecording(**entry) for entry in listed)


def _build(folder: Path, inventory: Inventory, debs: dict[str, Path]) -> CorpusCard:
    digests: dict[str, str] = {}  # of the samples -> path
    recordings = []
    for raw_recordings in _unpacked([*inventory.licences, *VOICES], inventory, debs):
        for raw in raw_recordings:
            recording = _store(folder, raw, digests)
            if recording is not None:
                recordings.append(recording)
    recordings.sort(key=lambda recording: recording.path)
    text = json.dumps([asdict(recording) for recording in recordings], indent=1) + "\n"
    (folder / "recordings.json").write_text(text, encoding="utf-8")
    by_path = "".join(f"{path} {digest}\n" for digest, path in sorted(digests.items(), key=lambda item: item[1]))
    card = CorpusCard(
        name=NAME,
        digest=hashlib.sha256(by_path.encode()).hexdigest(),
        classes=SOUND_CLASSES,
        sample_rate_hz=SAMPLE_RATE_HZ,
        synthetic=False,
        licences=inventory.licences | {voice.package: voice.licence for voice in VOICES},
        num_clips={"recordings": len(recordings)},
        description="recordings of ten sound classes and backgrounds from Debian packages, by class and family",
    )
    card.write(folder)
    return card


def _unpacked(
    sources: Sequence[str | Voice], inventory: Inventory, debs: dict[str, Path]
) -> Iterator[list[_RawRecording]]:
    """The recordings of each package, in the order of ``sources``, which decides what of two equal ones is kept.

    Most of the time goes by in programs that decompress packages: a thread for each core waits for them.
    """

    def recordings(source: str | Voice) -> list[_RawRecording]:
        if isinstance(source, Voice):
            return list(_raw_prompts(source, debs[source.package]))
        return list(_raw_sounds(source, inventory, debs[source]))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            progress = track(
                pool.map(recordings, sources), "soundbank", total=len(sources), console=Console(stderr=True)
            )
            yield from progress
        finally:  # a damaged package, Ctrl-C: what has not begun is not unpacked
            pool.shutdown(wait=False, cancel_futures=True)


def _raw_sounds(package: str, inventory: Inventory, deb: Path) -> Iterator[_RawRecording]:
    """The listed recordings of one package, decoded. Raises ``debian.PackageError`` for one that is not there."""
    sounds = [sound for sound in inventory.sounds if sound.package == package]
    paths = {sound.path for sound in sounds}
    found: dict[ListedSound, tuple[str, bytes]] = {}
    for path, data in debian.members(deb, paths.__contains__):
        entries = None
        for sound in sounds:
            if sound.path != path:
                continue
            if sound.pattern is None:
                found[sound] = (path, data)
                continue
            if entries is None:
                entries = read_container(path, data)
            found.update((sound, entry) for entry in entries if sound.is_named(entry[0]))
    for sound in sounds:
        if sound not in found:
            wanted = sound.path + (f" ({sound.pattern})" if sound.pattern else "")
            raise debian.PackageError(
                f"package {package}: holds no {wanted}; the list of recordings was made on Debian 12"
            )
        name, data = found[sound]
        yield _RawRecording(sound.label, sound.family, PurePosixPath(name).stem, package, decode(name, data))


def _raw_prompts(voice: Voice, deb: Path) -> Iterator[_RawRecording]:
    language = voice.folder.partition("_")[0]
    for key, waveform_S in read_prompts(voice, deb):
        yield _RawRecording("speech", voice.family, f"{language}-{key}", voice.package, waveform_S)


def _store(folder: Path, raw: _RawRecording, digests: dict[str, str]) -> BankRecording | None:
    """Trim and write one recording; None if it is too short, silent, or a duplicate of one that is there."""
    trimmed_S = trim_silence(raw.waveform_S)
    if len(trimmed_S) < MIN_SECONDS * SAMPLE_RATE_HZ:
        return None
    samples_S = to_bank_samples(trimmed_S)
    digest = hashlib.sha256(samples_S.astype("<i2").tobytes()).hexdigest()
    if digest in digests:
        return None
    name = re.sub(r"[^a-z0-9]+", "-", raw.name.lower()).strip("-")
    path = f"{raw.label}/{raw.family}__{name}.flac"
    digests[digest] = path
    (folder / raw.label).mkdir(exist_ok=True)
    write_flac(folder / path, samples_S, SAMPLE_RATE_HZ)
    return BankRecording(raw.label, raw.family, path, len(samples_S), raw.package)
