"""Post-processing as a run keeps it: how curves became events, what that was fitted on, and the way to do it again.

``postprocessing.json`` in a run's scores holds all of it. Read back, it makes events of any curves of the same classes
by itself, but for tags that came from another system's probabilities or from the truth.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import Event, FrameGrid
from lightning_modules.decoding.sound_events.change_points import ChangePoints
from lightning_modules.decoding.sound_events.events import PostProcessing
from lightning_modules.decoding.sound_events.setting import EventSetting
from lightning_modules.sed.predictions import DetectionPredictions

VERSION = 2  # 1, without a number, had no "fit" and one setting for all classes
KINDS: Mapping[str, type[EventSetting]] = {"thresholds": PostProcessing, "change_points": ChangePoints}
KEYS = (
    "version",
    "classes",
    "events",
    "events_by_class",
    "frames",
    "gate",
)  # what else there is says how it was fitted

Tags = Mapping[str, frozenset[str]]
Events = dict[str, tuple[Event, ...]]


@dataclass(frozen=True, kw_only=True)
class FittedPostProcessing:
    """The setting of every class (the same one where one serves all), and the thresholds of the clip's probability.

    ``gate`` has, by class, the least clip probability that a class needs to have events at all; empty where other tags
    decide. ``fitted`` is what the fit says of itself: whose ``tags``, ``fit``, ``objective``, the hash ``fitted_on`` …
    """

    settings: Mapping[str, EventSetting]
    gate: Mapping[str, float]
    fitted: Mapping[str, Any]

    def tags(self, predictions: DetectionPredictions) -> dict[str, frozenset[str]]:
        """The classes of each clip whose clip probability reaches the gate.

        ``predictions`` are those of the system that ``fitted["tags"]`` names. Raises ``ValueError`` where true tags
        decided.
        """
        if not self.gate:
            raise ValueError("this post-processing has no thresholds of tags: it was given the true ones; give tags")
        thresholds_C = np.array([self.gate[label] for label in self._classes(predictions)])
        return tags_above(predictions, thresholds_C)

    def events(
        self, predictions: DetectionPredictions, *, duration_seconds: Mapping[str, float], tags: Tags | None = None
    ) -> Events:
        """Events of every clip, sorted; of the classes that ``tags`` give it, None: those that pass the gate.

        Raises ``ValueError`` for curves of other classes, for a tagger's predictions, which have none, and without
        ``tags`` where those of another system decided.
        """
        classes = self._classes(predictions)
        if tags is None:
            if (whose := self.fitted.get("tags")) != "own":
                raise ValueError(f"this post-processing goes by the tags of {whose!r}; give tags")
            tags = self.tags(predictions)
        settings = list(dict.fromkeys(self.settings[label] for label in classes))
        grid = FrameGrid(hop_seconds=predictions.hop_seconds)
        events: Events = {}
        for clip, curves_TC in clip_curves(predictions):
            parts = [
                setting.events(
                    curves_TC,
                    classes=classes,
                    tagged=frozenset(label for label in tags[clip] if self.settings[label] == setting),
                    grid=grid,
                    end_seconds=duration_seconds[clip],
                )
                for setting in settings
            ]
            events[clip] = parts[0] if len(parts) == 1 else tuple(sorted(event for part in parts for event in part))
        return events

    def metrics(self) -> dict[str, float]:
        """What the fit reached on validation events, for the run's metrics; nothing without such a fit."""
        reached = self.fitted.get("reached")
        return {} if self.fitted["fit"] != "events" or reached is None else {"validation/event_f1_macro": reached}

    def as_json(self, grid: FrameGrid) -> dict[str, Any]:
        """What ``load`` reads, with the seconds as frames of a grid for the reader's eye."""
        plain = {label: _plain(setting) for label, setting in self.settings.items()}
        first = next(iter(plain))
        one = all(setting == plain[first] for setting in plain.values())
        frames = {label: setting.frames(grid) for label, setting in self.settings.items()}
        return {
            "version": VERSION,
            "classes": list(plain),
            "events": plain[first] if one else None,
            **({} if one else {"events_by_class": plain}),
            "frames": frames[first] if one else frames,
            "gate": dict(self.gate),
            **self.fitted,
        }

    @classmethod
    def load(cls, path: Path) -> FittedPostProcessing:
        """Read a run's ``postprocessing.json``. Raises ``ValueError`` in one line for one that this cannot apply."""
        content = json.loads(path.read_text(encoding="utf-8"))
        if (version := content.get("version")) != VERSION:
            raise ValueError(
                f"{path}: version {version}, allowed: {VERSION}; older files and those of whole-clip events do not say "
                "all that is needed, score the run again (earmark run)"
            )
        try:
            if content["events"] is not None:
                settings = dict.fromkeys(content["classes"], _read(content["events"]))
            else:
                settings = {label: _read(content["events_by_class"][label]) for label in content["classes"]}
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: {type(error).__name__}: {error}") from error
        fitted = {key: value for key, value in content.items() if key not in KEYS}
        return cls(settings=settings, gate=content["gate"], fitted=fitted)

    def _classes(self, predictions: DetectionPredictions) -> tuple[str, ...]:
        if set(predictions.classes) != set(self.settings):
            strange = ", ".join(sorted(set(predictions.classes) ^ set(self.settings)))
            raise ValueError(f"post-processing and curves are of other classes; they differ in {strange}")
        return predictions.classes


def clip_curves(predictions: DetectionPredictions) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Each clip's curves without padding. Raises ``ValueError`` where there are none."""
    curves_NTC = predictions.frame_probabilities_NTC
    if curves_NTC is None:
        raise ValueError("predictions without frame curves have no events")
    for clip, curves_TC, num_frames in zip(predictions.clip_ids, curves_NTC, predictions.num_frames_N, strict=True):
        yield clip, curves_TC[: int(num_frames)]


def tags_above(predictions: DetectionPredictions, thresholds_C: NDArray[np.float64]) -> dict[str, frozenset[str]]:
    """The classes of each clip whose clip probability is at least their threshold."""
    tagged_NC = predictions.clip_probabilities_NC.astype(np.float64) >= thresholds_C
    return {
        clip: frozenset(label for label, tagged in zip(predictions.classes, row, strict=True) if tagged)
        for clip, row in zip(predictions.clip_ids, tagged_NC.tolist(), strict=True)
    }


def _plain(setting: EventSetting) -> dict[str, Any]:
    for kind, cls in KINDS.items():
        if type(setting) is cls:
            return {"kind": kind, **asdict(setting)}  # type: ignore[call-overload]  # a dataclass, as KINDS are
    raise ValueError(f"post-processing {type(setting).__name__} cannot be stored, allowed: {', '.join(KINDS)}")


def _read(plain: Mapping[str, Any]) -> EventSetting:
    values = dict(plain)
    return KINDS[values.pop("kind")](**values)
