"""One recording, or a stretch of one, as a user's labels describe it, whatever the layout they came in.

Every reader of this package yields these. Nothing here opens audio: a missing or damaged file is found by ``earmark
data check``, which names it by ``place``. What a clip is labelled with is its own: events, tags alone, or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from datamodules.annotations import Event
from datamodules.audio.audio_reader import SLACK_SECONDS
from datamodules.clips.label_kinds import LabelKind


@dataclass(frozen=True, slots=True)
class ClipEntry:
    """A clip before its audio is opened.

    ``events`` are the strong labels, in seconds from the *clip's* start (``start_seconds`` of its file), as written:
    not sorted, not cut, perhaps wrong; an empty tuple says that nobody heard anything, None that nobody wrote down
    when. ``tags`` are the weak labels, None where a layout gives none beside the events. ``duration_seconds`` None
    means to the end of the file, ``channel`` None the mean of all. ``split`` and ``fold`` are those that the layout
    gives, ``recording`` what the clip was cut from or recorded in, where several clips share one: no deal parts them.
    ``place`` is where it was read: ``train.tsv, line 3``.
    """

    clip_id: str
    audio: Path
    place: str
    events: tuple[Event, ...] | None = None
    tags: frozenset[str] | None = None
    start_seconds: float = 0.0
    duration_seconds: float | None = None
    channel: int | None = None
    split: str | None = None
    fold: str | None = None
    recording: str | None = None
    places: tuple[str, ...] = field(default=())  # of the events, one each, where the layout has a line for each
    slack_seconds: float = SLACK_SECONDS  # how far events may reach past the end by the layout's own rounding
    is_listed_only: bool = False  # by a list of files, which says nothing of labels: without an event where others do

    @property
    def label_kind(self) -> LabelKind:
        """What is known of the clip: when, which, or nothing."""
        if self.events is not None:
            return "strong"
        return "unlabelled" if self.tags is None else "weak"

    @property
    def labels(self) -> frozenset[str]:
        """The classes that are said to sound in it, by events or tags."""
        return frozenset(event.label for event in self.events or ()) | (self.tags or frozenset())
