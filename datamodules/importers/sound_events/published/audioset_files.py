"""Which file is which segment of AudioSet: downloaders name them each in its own way.

    YTID.wav   YYTID.wav   YTID_30.wav   YTID_30.000_40.000.wav   YTID_30-40.wav   YTID_30000_40000.wav

A ``Y`` may stand before any of them; times are seconds or milliseconds. A name without a time is any segment of its
video, one with a time the segment that starts then. Every file is taken to be a segment already cut from its video.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datamodules.importers.entry import ManifestError
from datamodules.importers.left_out import warn_of_left_out
from datamodules.importers.sound_events.audio_files import AudioFiles

_LAST_TIME = re.compile(r"[_-]([0-9]+(?:\.[0-9]+)?)$")


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a video; ``end_seconds`` None where the list doesn't say."""

    video: str
    start_seconds: float
    end_seconds: float | None

    @property
    def clip_id(self) -> str:
        """The name that DCASE gives it: ``Y-0RWZT-miFs_420.000_430.000``."""
        end = "" if self.end_seconds is None else f"_{self.end_seconds:.3f}"
        return f"Y{self.video}_{self.start_seconds:.3f}{end}"


class SegmentAudio:
    """The audio of one list's segments below a folder, walked once."""

    def __init__(self, path: Path, folder: Path, segments: Sequence[Segment]) -> None:
        self._path = path
        self._folder = folder
        self._num_segments = len(segments)
        self._missing: list[str] = []
        videos = {segment.video for segment in segments}
        self._files: dict[str, list[tuple[float | None, Path]]] = defaultdict(list)
        for file in AudioFiles(folder).everything():
            for video, start in _readings(file.stem):
                if video in videos:
                    self._files[video].append((start, file))

    def of(self, segment: Segment, *, place: str) -> Path | None:
        """The segment's file, None where there is none. Raises ``ManifestError`` where there are several."""
        starts = (None, segment.start_seconds, segment.start_seconds * 1000)
        files = {file for start, file in self._files.get(segment.video, ()) if start in starts}
        if len(files) > 1:
            first, second = sorted(files)[:2]
            raise ManifestError(f"{place}: audio of {segment.clip_id} is {first} and {second}, allowed: one file")
        if not files:
            self._missing.append(segment.clip_id)
        return next(iter(files), None)

    def warn_of_missing(self) -> None:
        """Say how many segments have no audio. Raises ``ManifestError`` where none has."""
        if self._num_segments and len(self._missing) == self._num_segments:
            raise ManifestError(
                f"{self._path}: audio of none of {self._num_segments} segments lies below {self._folder}, allowed: "
                f"--audio-root, the folder of files such as {self._missing[0]}.wav or YTID.wav"
            )
        what = f"segments whose audio is not below {self._folder}, of {self._num_segments}"
        warn_of_left_out(self._path, self._missing, what=what)


def _readings(stem: str) -> list[tuple[str, float | None]]:
    """(video, start) that a name may mean: ids may themselves end in what looks like a time.

    >>> _readings("Yb0RFKhbpFJA_30.000_40.000")[-1]
    ('b0RFKhbpFJA', 30.0)
    """
    readings: list[tuple[str, float | None]] = [(stem, None)]
    rest = stem
    for _ in range(2):  # the end, then the start
        if (match := _LAST_TIME.search(rest)) is None:
            break
        rest = rest[: match.start()]
        readings.append((rest, float(match[1])))
    return [*readings, *((video[1:], start) for video, start in readings if video.startswith("Y"))]
