"""``read_clips``: a user's labels of sound events in any layout as a list of entries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from datamodules.importers.entry import ManifestError, is_empty
from datamodules.importers.sound_events.class_folders import read_class_folders
from datamodules.importers.sound_events.clip_entry import ClipEntry
from datamodules.importers.sound_events.dcase import read_dcase
from datamodules.importers.sound_events.detect import detect_layout
from datamodules.importers.sound_events.label_files import read_audacity, read_birdnet, read_raven
from datamodules.importers.sound_events.label_studio import read_label_studio
from datamodules.importers.sound_events.lhotse_events import read_lhotse_events
from datamodules.importers.sound_events.published.audioset import read_audioset, read_audioset_strong
from datamodules.importers.sound_events.published.dcase2018 import read_dcase2018, read_dcase2018_eval
from datamodules.importers.sound_events.published.esc50 import read_esc10, read_esc50
from datamodules.importers.sound_events.published.jams import read_jams
from datamodules.importers.sound_events.published.urban_sed import read_urban_sed
from datamodules.texts.utf8_text import has_surrogate, printable


class _Reader(Protocol):
    def __call__(self, path: Path, /, *, audio_root: Path | None) -> Iterator[ClipEntry]: ...


_READERS: dict[str, _Reader] = {
    "dcase": read_dcase,
    "class_folders": read_class_folders,
    "audacity": read_audacity,
    "raven": read_raven,
    "birdnet": read_birdnet,
    "esc50": read_esc50,
    "esc10": read_esc10,
    "urban_sed": read_urban_sed,
    "jams": read_jams,
    "dcase2018": read_dcase2018,
    "dcase2018_eval": read_dcase2018_eval,
    "audioset": read_audioset,
    "audioset_strong": read_audioset_strong,
    "label_studio": read_label_studio,
    "lhotse": read_lhotse_events,
}


def read_clips(path: Path, *, format_name: str = "auto", audio_root: Path | None = None) -> list[ClipEntry]:
    """The clips of one list or folder, as written.

    ``audio_root`` is where audio is, instead of beside the list. Raises ``ManifestError``, also where there is no clip.
    """
    if has_surrogate(str(path)):
        raise ManifestError(f"{printable(str(path))}: the name is not UTF-8, allowed: rename it; corpora keep the name")
    reader = _READERS[detect_layout(path) if format_name == "auto" else format_name]
    try:
        entries = list(reader(path, audio_root=audio_root))
    except OSError as error:
        raise ManifestError(f"{error.filename or path}: {error.strerror}") from error
    if not entries:
        raise ManifestError(f"{path}: {'is empty' if is_empty(path) else 'holds no clip'}, allowed: one or more")
    for entry in entries:
        _refuse_surrogates(entry)
    return entries


def _refuse_surrogates(entry: ClipEntry) -> None:
    for key, value in (("audio", str(entry.audio)), *(("label", label) for label in sorted(entry.labels))):
        if has_surrogate(value):
            raise ManifestError(
                f"{printable(entry.place)}: {key} {value!r} is not UTF-8 (half of a surrogate pair), allowed: names "
                "in UTF-8; rename the file, or mend the line"
            )
