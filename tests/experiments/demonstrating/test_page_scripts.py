"""The page decides as Python does: the same events of the same curves, the same text of the same posteriors."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from datamodules.annotations import FrameGrid
from lightning_modules.decoding.ctc.greedy import greedy
from lightning_modules.decoding.sound_events.change_points import ChangePoints
from lightning_modules.decoding.sound_events.events import PostProcessing
from lightning_modules.decoding.sound_events.setting import EventSetting
from lightning_modules.decoding.texts import spell

from .node import NODE, computed

pytestmark = pytest.mark.skipif(NODE is None, reason="no node on this machine")
CLASSES = ("bird", "dog", "rain")
PROCESSING = ("post_processing.js", "change_points.js")
EVENTS = """given.map(of => earmark.postProcessing.events({
  ...of, curves: of.curves.map(curve => Float32Array.from(curve)),
}).map(event => [event.onset, event.offset, event.label]))"""


def random_curves(rng: np.random.Generator, num_frames: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Curves that rise and fall, some flat, some level with a threshold."""
    steps_TC = rng.normal(0.0, 0.12, (num_frames, len(CLASSES)))
    curves_TC = np.clip(np.abs(np.cumsum(steps_TC, axis=0)) % 1.0, 0.0, 1.0).astype(np.float32)
    if rng.random() < 0.3:
        curves_TC = curves_TC.round(1)
    if rng.random() < 0.1:
        curves_TC[:, 0] = 0.0
    return curves_TC


def random_setting(rng: np.random.Generator) -> EventSetting:
    """Any of what a fit tries, and more."""
    low, high = sorted(rng.choice([0.05, 0.15, 0.25, 0.3, 0.5, 0.7, 0.9], 2).tolist())
    rescaled, keeps_one = (bool(value) for value in rng.random(2) < 0.5)
    if rng.random() < 0.4:
        return ChangePoints(
            step_seconds=float(rng.choice([0.0, 0.32, 0.48, 0.64])), merge_absolute=float(rng.choice([0.0, 0.1, 0.3])),
            merge_relative=float(rng.choice([1.0, 1.5, 3.0])), threshold=high, rescaled=rescaled, keeps_one=keeps_one,
        )  # fmt: skip
    return PostProcessing(
        median_seconds=float(rng.choice([0.0, 0.25, 0.9])), window_seconds=float(rng.choice([0.0, 0.25, 0.44])),
        high_threshold=high, low_threshold=low, rescaled=rescaled, keeps_one=keeps_one,
        shortest_event_seconds=float(rng.choice([0.0, 0.1, 0.5])),
        longest_gap_seconds=float(rng.choice([0.0, 0.2, 1.0])),
        hysteresis="switch" if rng.random() < 0.5 else "extend",
    )  # fmt: skip


def kind(setting: EventSetting) -> dict[str, Any]:
    """A setting as ``postprocessing.json`` has it."""
    name = "thresholds" if isinstance(setting, PostProcessing) else "change_points"
    return {"kind": name, **asdict(setting)}  # type: ignore[call-overload]


def test_events_are_those_of_python() -> None:
    """600 random settings on random curves, to the last digit."""
    rng = np.random.default_rng(0)
    given, expected = [], []
    for _ in range(600):
        hop_seconds = float(rng.choice([0.02, 0.08, 512 / 22050]))
        curves_TC, setting = random_curves(rng, int(rng.integers(1, 160))), random_setting(rng)
        tagged = (rng.random(len(CLASSES)) < 0.7).tolist()
        end_seconds = (len(curves_TC) - float(rng.random())) * hop_seconds
        labels = frozenset(label for label, has in zip(CLASSES, tagged, strict=True) if has)
        events = setting.events(
            curves_TC, classes=CLASSES, tagged=labels, grid=FrameGrid(hop_seconds), end_seconds=end_seconds
        )
        expected.append([list(event) for event in events])
        given.append(
            {"curves": curves_TC.T.tolist(), "tagged": tagged, "classes": CLASSES, "settings": [kind(setting)] * 3,
             "hopSeconds": hop_seconds, "endSeconds": end_seconds}
        )  # fmt: skip
    assert sum(map(len, expected)) > 500
    assert computed(PROCESSING, EVENTS, given) == expected


@pytest.mark.parametrize(
    "symbols",
    [("<blank>", " ", "a", "b", "<nl>"), ("<blank>", "▁", "▁a", "b", "▁cd"), ("<blank>", "<unk>", "yes", "no", "a")],
)
def test_texts_are_those_of_python(symbols: tuple[str, ...]) -> None:
    """Characters with a language tag, subwords, and words; tokens at the same frames."""
    rng = np.random.default_rng(1)
    log_probs_BTV = np.log(rng.dirichlet(np.full(len(symbols), 0.3), (40, 30)) + 1e-9).astype(np.float32)
    log_probs_BTV = np.minimum(log_probs_BTV, 0.0)
    expected = [
        [list(reading.tokens), list(reading.frames), spell(reading.tokens, symbols)]
        for reading in greedy(log_probs_BTV, [30] * 40)
    ]
    expression = """given.rows.map(row => {
      const tokens = earmark.texts.greedy(Float32Array.from(row), given.symbols.length);
      return [tokens.map(of => of.token), tokens.map(of => of.frame), earmark.texts.spell(tokens, given.symbols)];
    })"""
    given = {"rows": log_probs_BTV.reshape(40, -1).tolist(), "symbols": symbols}
    assert computed(("post_processing.js", "texts.js"), expression, given) == expected
