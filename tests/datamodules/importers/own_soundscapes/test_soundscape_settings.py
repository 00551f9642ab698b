"""Settings of own soundscapes: read strictly, and what a clip is like by them."""

from __future__ import annotations

import json
import re
from dataclasses import asdict

import pytest

from datamodules.corpora.sounds.mixing import MixRecipe
from datamodules.importers.own_soundscapes.settings import SoundscapeSettings, settings_of


def test_the_defaults_are_those_of_our_soundscapes_but_for_our_classes():
    ours = MixRecipe(companions=(), struck_classes=frozenset())
    assert SoundscapeSettings().recipe("test") == ours
    assert SoundscapeSettings().recipe("train").playback_speed == (0.85, 1.2)


def test_what_is_stored_can_be_read_again():
    settings = settings_of(
        {"clips": [5, 6, 7], "companions": ["a+b", ["c", "d"]], "struck": ["a"], "snr_db": [0, 12]}, where="x"
    )
    assert settings.companions == (("a", "b"), ("c", "d"))
    assert settings_of(json.loads(json.dumps(asdict(settings))), where="x") == settings
    assert "clips [5 6 7], seed 0" in settings.says()
    assert "companions [a+b c+d]" in settings.says()


def test_events_last_at_most_four_fifths_of_a_clip():
    assert settings_of({"clip_seconds": 5}, where="x").recipe("test").lasting_seconds == (0.5, 4.0)


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("clip_secs", 5, "(is it 'clip_seconds'?), allowed: clips, seed"),
        ("clip_seconds", 0, "a number of seconds, .5 to 600"),
        ("clip_seconds", "5", "a number of seconds"),
        ("clips", [10, 10], "three numbers of clips"),
        ("clips", [10, 0, 10], "three numbers of clips"),
        ("event_counts", [0.5, 0.6], "which sum to 1"),
        ("snr_db", [20, 3], "two numbers of decibels"),
        ("snr_db", 3, "two numbers of decibels"),
        ("companions", ["a"], "a list of pairs"),
        ("companions", "a+b", "a list of pairs"),
        ("struck", "door", "a list of different names"),
        ("seed", True, "a whole number"),
    ],
)
def test_what_is_wrong_is_said_with_key_value_and_what_is_allowed(key, value, allowed):
    with pytest.raises(ValueError, match=re.escape(allowed)) as error:
        settings_of({key: value}, where="mix.yaml")
    assert str(error.value).startswith(f"mix.yaml: {'key ' if key == 'clip_secs' else ''}")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"classes": ["tap", "dog"]}, "classes: 'dog', allowed: cup, tap"),
        ({"classes": ["tap"], "companions": ["tap+cup"]}, "companions: 'cup', allowed: tap"),
        ({"struck": ["door"]}, "struck: 'door', allowed: cup, tap"),
    ],
)
def test_classes_that_the_bank_lacks_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        settings_of(given, where="x").check_classes(["tap", "cup"])
