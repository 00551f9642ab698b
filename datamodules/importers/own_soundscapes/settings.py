"""How a user's sounds are mixed: every number of ``MixRecipe`` that is a choice, and how many clips of each split.

The keys of a settings file are the fields' names. The defaults are those of our own soundscapes, but for companions and
struck classes, which are of our classes, and the longest lasting event, which is at most four fifths of a clip.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from datamodules.corpora.clip_corpus import SPLITS
from datamodules.corpora.sounds.mixing import MixRecipe

Range = tuple[float, float]
_OURS = MixRecipe()


@dataclass(frozen=True)
class SoundscapeSettings:
    """Ranges are uniform; ``clips`` counts those of train, validation and test, ``classes`` empty means all.

    ``event_counts`` are the probabilities of 0, 1, 2 … events in a clip, ``companions`` pairs of classes that the first
    two events of a clip are with ``companion_probability``. Sounds of ``struck`` classes are cut around their loudest
    moment to ``struck_seconds``, others last ``lasting_seconds``. Training recordings play at ``training_speed`` times
    their speed. Levels are decibels: events above the background under them, the background below full scale, hiss to
    background.
    """

    clips: tuple[int, int, int] = (480, 120, 160)
    seed: int = 0
    classes: tuple[str, ...] = ()
    clip_seconds: float = _OURS.clip_seconds
    event_counts: tuple[float, ...] = _OURS.num_events_probabilities
    companions: tuple[tuple[str, str], ...] = ()
    companion_probability: float = _OURS.companion_probability
    snr_db: Range = _OURS.snr_db
    background_dbfs: Range = _OURS.background_dbfs
    hiss_db: Range = _OURS.hiss_db
    struck: tuple[str, ...] = ()
    struck_seconds: Range = _OURS.struck_seconds
    lasting_seconds: Range = _OURS.lasting_seconds
    whole_probability: float = _OURS.whole_probability
    training_speed: Range = (0.85, 1.2)
    min_gap_seconds: float = _OURS.min_gap_seconds

    @property
    def num_clips(self) -> dict[str, int]:
        """Clips by split."""
        return dict(zip(SPLITS, self.clips, strict=True))

    def recipe(self, split: str) -> MixRecipe:
        """What clips of a split are like."""
        longest = 0.8 * self.clip_seconds
        low, high = self.lasting_seconds
        return MixRecipe(
            clip_seconds=self.clip_seconds,
            num_events_probabilities=self.event_counts,
            companions=self.companions,
            companion_probability=self.companion_probability,
            snr_db=self.snr_db,
            background_dbfs=self.background_dbfs,
            hiss_db=self.hiss_db,
            struck_classes=frozenset(self.struck),
            struck_seconds=self.struck_seconds,
            lasting_seconds=(min(low, longest), min(high, longest)),
            whole_probability=self.whole_probability,
            playback_speed=self.training_speed if split == "train" else (1.0, 1.0),
            min_gap_seconds=self.min_gap_seconds,
        )

    def check_classes(self, there: Collection[str]) -> None:
        """Raise ``ValueError`` for a class that the bank lacks, and for a companion or struck one that is unused."""
        used = set(self.classes or there)
        for key, names, allowed in (
            ("classes", self.classes, set(there)),
            ("companions", [name for pair in self.companions for name in pair], used),
            ("struck", self.struck, used),
        ):
            for name in names:
                if name not in allowed:
                    raise ValueError(f"{key}: {name!r}, allowed: {', '.join(sorted(allowed))}")

    def says(self) -> str:
        """All of it in a line."""
        return ", ".join(f"{key} {_plain(value)}" for key, value in asdict(self).items())


def settings_of(given: Mapping[str, Any], *, where: str) -> SoundscapeSettings:
    """Settings of keys and plain values; what is not given is the default.

    Raises ``ValueError`` naming ``where``, key, value and what is allowed.
    """
    known = [field.name for field in fields(SoundscapeSettings)]
    read: dict[str, Any] = {}
    for key, value in given.items():
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f" (is it {close[0]!r}?)" if close else ""
            raise ValueError(f"{where}: key {key!r}{hint}, allowed: {', '.join(known)}")
        rule, allowed = _RULES[key]
        try:
            read[key] = rule(value)
        except (ValueError, TypeError):
            raise ValueError(f"{where}: {key} {value!r}, allowed: {allowed}") from None
    return SoundscapeSettings(**read)


def _number(value: Any, *, low: float = -math.inf, high: float = math.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError
    return float(value)


def _range(value: Any, *, low: float = -math.inf, high: float = math.inf) -> Range:
    first, last = (_number(one, low=low, high=high) for one in value)
    if first > last:
        raise ValueError
    return first, last


def _counts(value: Any) -> tuple[int, int, int]:
    train, validation, test = value
    if not all(type(one) is int and one > 0 for one in value):
        raise ValueError
    return train, validation, test


def _seed(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError
    return value


def _probabilities(value: Any) -> tuple[float, ...]:
    read = tuple(_number(one, low=0, high=1) for one in value)
    if not math.isclose(sum(read), 1, abs_tol=1e-9):
        raise ValueError
    return read


def _names(value: Any) -> tuple[str, ...]:
    names = tuple(value)
    if isinstance(value, str) or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise ValueError
    return names


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:
    if isinstance(value, str):
        raise ValueError
    pairs = [_names(pair.split("+") if isinstance(pair, str) else pair) for pair in value]
    return tuple((one, other) for one, other in pairs)


_Rule = tuple[Callable[[Any], Any], str]
_POSITIVE: _Rule = (lambda value: _range(value, low=0.01, high=60), "two numbers of seconds, .01 to 60, low and high")
_DECIBELS: _Rule = (lambda value: _range(value, low=-120, high=60), "two numbers of decibels, low and high")
_PROBABILITY: _Rule = (lambda value: _number(value, low=0, high=1), "a number from 0 to 1")
_RULES: dict[str, _Rule] = {
    "clips": (_counts, "three numbers of clips: train, validation, test"),
    "seed": (_seed, "a whole number, 0 or more"),
    "classes": (_names, "a list of different names"),
    "clip_seconds": (lambda value: _number(value, low=0.5, high=600), "a number of seconds, .5 to 600"),
    "event_counts": (_probabilities, "probabilities of 0, 1, 2 … events, which sum to 1"),
    "companions": (_pairs, "a list of pairs of classes, each [a, b] or a+b"),
    "companion_probability": _PROBABILITY,
    "snr_db": _DECIBELS,
    "background_dbfs": (lambda value: _range(value, low=-120, high=0), "two decibels below full scale, low and high"),
    "hiss_db": _DECIBELS,
    "struck": (_names, "a list of different names"),
    "struck_seconds": _POSITIVE,
    "lasting_seconds": _POSITIVE,
    "whole_probability": _PROBABILITY,
    "training_speed": (lambda value: _range(value, low=0.5, high=2), "two numbers from .5 to 2, low and high"),
    "min_gap_seconds": (lambda value: _number(value, low=0, high=60), "a number of seconds, 0 to 60"),
}


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + " ".join("+".join(one) if isinstance(one, tuple) else _plain(one) for one in value) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)
