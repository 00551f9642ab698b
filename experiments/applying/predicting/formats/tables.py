"""Lists separated by tabs: DCASE's, Audacity's label tracks, Raven's selection tables, score curves of sed_scores_eval.

Times are written to the last bit, so that what is read back is what was predicted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from datamodules.clips.dcase_tsv import EVENT_COLUMNS
from datamodules.clips.event_lists import RAVEN_TIMES
from experiments.applying.predicting.file_events import FileEvents
from lightning_modules.metrics.curves.score_files import TIMES

_RAVEN = ("Selection", "View", "Channel", *RAVEN_TIMES, "Low Freq (Hz)", "High Freq (Hz)", "Begin File", "Annotation",
          "Confidence")  # fmt: skip


def dcase(found: FileEvents, audio: str) -> str:
    """``filename onset offset event_label``; a file without an event is a row with empty fields."""
    rows = [(audio, *map(repr, event[:2]), event.label) for event in found.events]
    return _table(EVENT_COLUMNS, rows or [(audio, "", "", "")])


def joined_tables(texts: Sequence[str]) -> str:
    """Several lists of one heading as one."""
    return texts[0] + "".join(text.split("\n", 1)[1] for text in texts[1:])


def audacity(found: FileEvents, audio: str) -> str:
    """``onset offset label`` without a heading; the track's own name says whose it is. Empty without an event."""
    return "".join(f"{event.onset_seconds!r}\t{event.offset_seconds!r}\t{event.label}\n" for event in found.events)


def raven(found: FileEvents, audio: str) -> str:
    """A selection an event, over all frequencies, with the events' mean probability."""
    name = audio.rpartition("/")[2]
    top_hz = repr(found.sample_rate_hz / 2)
    rows = [
        (str(number), "Spectrogram 1", "1", *map(repr, event[:2]), "0.0", top_hz, name, event.label, f"{sure:.4f}")
        for number, (event, sure) in enumerate(zip(found.events, found.confidences, strict=True), start=1)
    ]
    return _table(_RAVEN, rows)


def scores(found: FileEvents, audio: str) -> str:
    """``onset offset CLASS …``: the joined probabilities as they come, a row a frame, the last one cut at the end."""
    edges = np.arange(len(found.curves_TC) + 1, dtype=np.float64) * found.hop_seconds
    if edges[-2] < found.duration_seconds < edges[-1]:
        edges[-1] = found.duration_seconds
    values = np.column_stack([edges[:-1], edges[1:], found.curves_TC.astype(np.float64)]).tolist()
    return _table((*TIMES, *found.classes), (map(repr, row) for row in values))


def _table(heading: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    return "".join("\t".join(row) + "\n" for row in (heading, *rows))
