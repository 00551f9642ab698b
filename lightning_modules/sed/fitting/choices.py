"""Settings of a row's scoring that contradict each other, refused before anything is trained."""

from __future__ import annotations

from dataclasses import asdict

from lightning_modules.decoding.sound_events.change_points import ChangePoints
from lightning_modules.decoding.sound_events.events import PostProcessing

Setting = PostProcessing | ChangePoints


def check_settings(
    setting: Setting, *, tags: str, clip_threshold: float | None, fit: str | None, by_class: bool
) -> None:
    """Raise ``ValueError`` naming the key and what is allowed."""
    if fit not in (None, "none", "tags", "events"):
        raise ValueError(f"scoring.fit {fit!r}, allowed: none, tags, events (unset: by data.selection)")
    if by_class and fit == "none":
        raise ValueError("scoring.by_class true with scoring.fit none: nothing is fitted; set fit tags or events")
    if fit == "tags" and setting.rescaled:
        raise ValueError(
            "scoring.fit tags with rescaled curves: every tagged class has an event whatever the thresholds, so tags "
            "say nothing of them; set scoring.rescale false, or fit events"
        )
    if fit == "tags" and setting.keeps_one and isinstance(setting, ChangePoints):
        raise ValueError(
            "scoring.fit tags with change_points.keeps_one true: each tagged class has an event; set false"
        )
    if clip_threshold is None:
        return
    if not 0 <= clip_threshold <= 1:
        raise ValueError(f"scoring.clip_threshold {clip_threshold}, allowed: 0 to 1 (unset: fitted by class)")
    if tags == "oracle":
        raise ValueError("scoring.clip_threshold with scoring.tags oracle: true tags have no probability; unset one")
    if clip_threshold == 0 and (setting.rescaled or setting.keeps_one):
        raise ValueError(
            "scoring.clip_threshold 0 lets every class of every clip pass, and rescale or keeps_one would give each an "
            "event; set both false"
        )


def unlike(setting: Setting, default: Setting) -> list[str]:
    """The fields in which a setting is not the default."""
    plain, of_default = asdict(setting), asdict(default)
    return [name for name, value in plain.items() if value != of_default[name]]
