"""Spikiness against plain loops over frames."""

from __future__ import annotations

import math
from itertools import groupby

import numpy as np
import pytest

from lightning_modules.metrics.spikiness import spikiness


def by_loops(log_probs_FV, num_frames_N, blank):
    utterances = np.split(log_probs_FV, np.cumsum(num_frames_N)[:-1])
    frames = [frame for utterance in utterances for frame in utterance]
    best = [[int(frame.argmax()) for frame in utterance] for utterance in utterances]
    tokens = sum(symbol != blank for path in best for symbol, _ in groupby(path))
    spikes = sum(symbol != blank for path in best for symbol in path)
    return {
        "blank_frames_over_95": sum(math.exp(f[blank]) > 0.95 for f in frames) / len(frames),
        "blank_frames_over_99": sum(math.exp(f[blank]) > 0.99 for f in frames) / len(frames),
        "posterior_entropy": -sum(math.exp(x) * x for f in frames for x in f) / len(frames),
        "frames_per_token": len(frames) / tokens,
        "spike_frames": spikes / tokens,
    }


@pytest.mark.parametrize("blank", [0, 3])
def test_figures_are_those_of_plain_loops(blank):
    rng = np.random.default_rng(blank)
    logits_FV = rng.normal(size=(400, 5)) * 2
    logits_FV[:, blank] += rng.choice([0.0, 9.0], size=400)
    log_probs_FV = logits_FV - np.log(np.exp(logits_FV).sum(axis=1, keepdims=True))
    num_frames_N = np.array([120, 0, 1, 200, 79, 0])
    assert spikiness(log_probs_FV, num_frames_N, blank=blank) == pytest.approx(
        by_loops(log_probs_FV, num_frames_N, blank)
    )


def test_a_token_at_an_utterances_start_is_its_own_though_the_last_one_ended_with_it():
    log_probs_FV = np.log([[0.1, 0.9], [0.1, 0.9], [0.1, 0.9]])
    assert spikiness(log_probs_FV, np.array([3]))["frames_per_token"] == 3
    assert spikiness(log_probs_FV, np.array([2, 1]))["frames_per_token"] == 1.5


def test_extremes_uniform_and_certain_posteriors():
    uniform = spikiness(np.full((10, 8), -np.log(8)), np.array([10]))
    assert uniform["posterior_entropy"] == pytest.approx(np.log(8))
    assert uniform["blank_frames_over_95"] == 0
    with np.errstate(divide="ignore"):
        certain = spikiness(np.log(np.eye(4)[[0, 0, 0]]), np.array([3]))
    assert certain == {"blank_frames_over_95": 1.0, "blank_frames_over_99": 1.0, "posterior_entropy": 0.0}


def test_no_frame_has_no_figure_and_a_wrong_number_is_refused():
    assert spikiness(np.empty((0, 4)), np.array([0])) == {}
    with pytest.raises(ValueError, match="3 frames, num_frames_N says 4"):
        spikiness(np.zeros((3, 2)), np.array([4]))
