"""What any of Lhotse's recipes prepares: cuts, or supervisions beside their recordings.

    librispeech_supervisions_train-clean-5.jsonl.gz    with librispeech_recordings_train-clean-5.jsonl.gz beside it
    cuts_train.jsonl.gz                                single cuts of file recordings (no mixes, no padding)
    FOLDER/cuts.000000.jsonl.gz, recording.000000.tar  Shar (``lhotse_shar.py``)

Each supervision is an utterance of one channel, which must be its cut's. ``lhotse prepare NAME …`` has recipes for some
150 corpora. Of the language names that they write out in full (``English``, ``polish``), those of MLS become codes;
give ``--language`` for others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lhotse import CutSet, MonoCut, MultiCut, RecordingSet, SupervisionSegment, SupervisionSet, load_manifest
from lhotse.audio import AudioSource, Recording

from datamodules.importers.entry import ManifestEntry, ManifestError, audio_path, channel_number, utterance_id
from datamodules.importers.left_out import warn_of_left_out
from datamodules.importers.lhotse_shar import unpacked
from datamodules.importers.libri import MLS_LANGUAGES
from datamodules.texts.language_codes import TWO_LETTERS


def read_lhotse(path: Path, *, audio_root: Path | None = None) -> Iterator[ManifestEntry]:
    """Utterances of a file of cuts or supervisions. Raises ``ManifestError``."""
    manifest = load_lhotse(path, audio_root=audio_root)
    root = audio_root or path.absolute().parent
    if isinstance(manifest, SupervisionSet):
        recordings = recordings_beside(path)
        spoken = {segment.recording_id for segment in manifest}
        silent = [name for name in recordings if name not in spoken]
        warn_of_left_out(path, silent, what="recordings without a supervision")
        for number, segment in enumerate(manifest, start=1):
            place = f"{path}, line {number}"
            if segment.recording_id not in recordings:
                raise ManifestError(f"{place}: recording {segment.recording_id!r} is not in the recordings beside it")
            channel = _channel(segment.channel, place=place)
            recording = recordings[segment.recording_id]
            yield _entry(segment, recording, segment.start, channel=channel, root=root, place=place)
        return
    if not isinstance(manifest, CutSet):
        raise ManifestError(f"{path}: holds {type(manifest).__name__}, allowed: a file of supervisions or of cuts")
    silent = [str(cut.id) for cut in manifest if not getattr(cut, "supervisions", ())]
    warn_of_left_out(path, silent, what="cuts without a supervision")
    for number, cut in enumerate(manifest, start=1):
        place = f"{path}, line {number}"
        if not isinstance(cut, MonoCut) or cut.recording is None:
            of = f" of channels {cut.channel!r}" if isinstance(cut, MultiCut) else ""
            raise ManifestError(
                f"{place}: {type(cut).__name__} {cut.id!r}{of}, allowed: single cuts of one channel of recordings"
            )
        channel = _channel(cut.channel, place=place)
        for segment in cut.supervisions:
            start = max(0.0, round(cut.start + segment.start, 6))  # of the text, where the cut cuts into it
            if _channel(segment.channel, place=place) != channel:
                raise ManifestError(
                    f"{place}: supervision {segment.id!r} of channel {segment.channel!r} in a cut of channel "
                    f"{channel}, allowed: the same"
                )
            yield _entry(segment, cut.recording, start, channel=channel, root=root, place=place)


def load_lhotse(path: Path, *, audio_root: Path | None = None) -> object:
    """A manifest of any kind that Lhotse has; the audio of shards is written to ``audio_root``. ``ManifestError``."""
    if path.is_dir():
        return unpacked(path, audio_root=audio_root)
    if path.is_file() and not path.stat().st_size:
        raise ManifestError(f"{path}: is empty, allowed: cuts or supervisions that Lhotse wrote")
    try:
        return load_manifest(path)
    except Exception as error:  # anything: its reader guesses the kind of manifest from keys that may not be there
        reason = str(error).strip().splitlines()
        raise ManifestError(
            f"{path}: {reason[0] if reason else type(error).__name__}; allowed: cuts or supervisions that Lhotse wrote"
        ) from error


def recordings_beside(path: Path) -> dict[str, Recording]:
    """The recordings of a file of supervisions, by id. Raises ``ManifestError`` where they are not beside it."""
    beside = path.with_name(path.name.replace("supervisions", "recordings"))
    if beside == path or not beside.is_file():
        raise ManifestError(
            f"{path}: no recordings beside it, allowed: NAME_supervisions_PART with NAME_recordings_PART, or cuts"
        )
    recordings = load_lhotse(beside)
    if not isinstance(recordings, RecordingSet):
        raise ManifestError(f"{beside}: {type(recordings).__name__}, allowed: recordings")
    return {recording.id: recording for recording in recordings}


def _entry(
    segment: SupervisionSegment, recording: Recording, start_seconds: float, *, channel: int, root: Path, place: str
) -> ManifestEntry:
    source = source_of(recording, channel, place=place)
    if recording.transforms:
        raise ManifestError(f"{place}: recording {recording.id!r} has transforms, allowed: recordings as they are")
    whole = start_seconds == 0 and abs(segment.duration - recording.duration) < 1e-3
    return ManifestEntry(
        utterance_id=utterance_id(str(segment.id), place=place),
        audio=audio_path(str(source.source), root=root, place=place),
        text=(segment.text or "").strip(),
        place=place,
        start_seconds=float(start_seconds),
        duration_seconds=None if whole else float(segment.duration),
        language=_code(segment.language),
        speaker=segment.speaker or None,
        channel=source.channels.index(channel),  # a file's channels are listed in the file's order
        names_channel=True,
    )


def _channel(written: object, *, place: str) -> int:
    """The one channel of a supervision or cut; a list of one is one."""
    return channel_number(written[0] if isinstance(written, list) and len(written) == 1 else written, place=place)


def source_of(recording: Recording, channel: int, *, place: str) -> AudioSource:
    """The file that holds a channel: a recording may have a file for each, as of several microphones."""
    for source in recording.sources:
        if channel in source.channels:
            if source.type != "file":
                raise ManifestError(f"{place}: audio of type {source.type!r}, allowed: files")
            return source
    there = ", ".join(str(number) for source in recording.sources for number in source.channels)
    raise ManifestError(f"{place}: channel {channel} of recording {recording.id!r}, allowed: {there or 'none'}")


def _code(language: str | None) -> str | None:
    if not language:
        return None
    match = re.fullmatch(r"([a-z]{2,3})([-_]\w+)*", language)
    return TWO_LETTERS.get(match[1], match[1]) if match else MLS_LANGUAGES.get(language.lower())
