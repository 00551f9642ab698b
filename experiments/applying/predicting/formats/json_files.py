"""Lhotse's cuts, a line a file, and tasks of Label Studio with the events as predictions to be corrected."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

from datamodules.importers.sound_events.audio_files import clip_name
from experiments.applying.predicting.file_events import FileEvents


def jsonl(found: FileEvents, audio: str) -> str:
    """A cut of the whole file, over all of its channels; an event is a supervision with ``custom.label``."""
    name, channels = clip_name(audio), list(range(found.num_channels))
    channel = channels[0] if len(channels) == 1 else channels
    recording = {
        "id": name,
        "sources": [{"type": "file", "channels": channels, "source": audio}],
        "sampling_rate": found.sample_rate_hz,
        "num_samples": found.num_file_samples,
        "duration": found.duration_seconds,
        "channel_ids": channels,
    }
    supervisions = [
        {
            "id": f"{name}-{number}",
            "recording_id": name,
            "start": event.onset_seconds,
            "duration": event.duration_seconds,
            "channel": channel,
            "custom": {"label": event.label, "confidence": round(sure, 4)},
        }
        for number, (event, sure) in enumerate(zip(found.events, found.confidences, strict=True))
    ]
    cut = {
        "id": name,
        "start": 0,
        "duration": found.duration_seconds,
        "channel": channel,
        "type": "MonoCut" if len(channels) == 1 else "MultiCut",
        "recording": recording,
        "supervisions": supervisions,
        "custom": {"label_kind": "strong"},  # without an event there is silence, and not a file that nobody heard
    }
    return json.dumps(cut, ensure_ascii=False) + "\n"


def label_studio(found: FileEvents, audio: str, *, prefix: str = "", made_by: str = "earmark") -> str:
    """A list of one task. ``prefix`` stands before the name, which is then percent-encoded as in an address.

    The regions are of ``<Labels name="label" toName="audio">``.
    """
    regions = [
        {
            "id": f"event{number}",
            "from_name": "label",
            "to_name": "audio",
            "type": "labels",
            "original_length": found.duration_seconds,
            "score": round(sure, 4),
            "value": {
                "start": event.onset_seconds,
                "end": event.offset_seconds,
                "channel": 0,
                "labels": [event.label],
            },
        }
        for number, (event, sure) in enumerate(zip(found.events, found.confidences, strict=True))
    ]
    data = {"audio": f"{prefix}{quote(audio)}" if prefix else audio}
    task = {"data": data, "predictions": [{"model_version": made_by, "result": regions}]}
    return json.dumps([task], ensure_ascii=False, indent=1) + "\n"


def joined_lines(texts: Sequence[str]) -> str:
    """Several files of lines as one."""
    return "".join(texts)


def joined_lists(texts: Sequence[str]) -> str:
    """Several JSON lists as one."""
    return json.dumps([item for text in texts for item in json.loads(text)], ensure_ascii=False, indent=1) + "\n"
