"""Lhotse's Shar: cuts and their audio in shards, as ``CutSet.to_shar`` writes them.

    cuts.000000.jsonl.gz    recording.000000.tar    cuts.000001.jsonl.gz    …

An imported corpus reads audio where it lies, and nothing seeks in shards: each clip's audio is written once, byte for
byte, into a folder that the user names. One clip's is in memory at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from lhotse import CutSet, MonoCut, MultiCut
from lhotse.audio import AudioSource, Recording
from lhotse.utils import fastcopy

from datamodules.importers.entry import ManifestError

_SUFFIXES = {b"fLaC": ".flac", b"RIFF": ".wav", b"OggS": ".ogg", b"ID3\x03": ".mp3", b"ID3\x04": ".mp3"}


def unpacked(path: Path, *, audio_root: Path | None) -> CutSet:
    """The cuts of the shards in a folder, their audio as files of ``audio_root``. Raises ``ManifestError``."""
    if audio_root is None:
        raise ManifestError(
            f"{path}: its audio is in shards, allowed: --audio-root FOLDER, where each clip's is written as a file"
        )
    try:
        return CutSet.from_cuts(_cuts(path, audio_root))
    except ManifestError:
        raise
    except (OSError, AssertionError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()
        raise ManifestError(
            f"{path}: {reason[0] if reason else type(error).__name__}; allowed: shards that Lhotse wrote, all of them"
        ) from error


def _cuts(path: Path, audio_root: Path) -> Iterator[MonoCut | MultiCut]:
    for number, cut in enumerate(CutSet.from_shar(in_dir=str(path)), start=1):
        place = f"{path}, cut {number}"
        recording = getattr(cut, "recording", None)
        if recording is None or recording.sources[0].type != "memory":
            raise ManifestError(f"{place}: {cut.id!r} has no audio in the shards, allowed: shards with recordings")
        audio: bytes = recording.sources[0].source
        file = _file(audio_root, str(cut.id), audio, place=place)
        source = AudioSource(type="file", channels=recording.channel_ids, source=str(file.resolve()))
        yield fastcopy(cut, recording=_of_file(recording, source))


def _of_file(recording: Recording, source: AudioSource) -> Recording:
    return fastcopy(recording, sources=[source])


def _file(audio_root: Path, clip_id: str, audio: bytes, *, place: str) -> Path:
    """Write one clip's audio, once. Raises ``ManifestError`` rather than write over anything else."""
    name = PurePosixPath(clip_id)
    if name.is_absolute() or ".." in name.parts:
        raise ManifestError(
            f"{place}: id {clip_id!r} names no file below {audio_root}, allowed: no .., no / at its start"
        )
    file = audio_root / f"{name}{_SUFFIXES.get(audio[:4], '.audio')}"
    if file.exists():
        if file.read_bytes() != audio:
            raise ManifestError(f"{place}: {file} is there and is other audio, allowed: another --audio-root")
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.partial")
    partial.write_bytes(audio)
    partial.replace(file)
    return file
