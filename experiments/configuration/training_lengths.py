"""Limits of a speech row against its corpus: what would leave nothing to train on, or not fit a batch.

``datamodules/asr.py`` and ``duration_buckets.py`` refuse the same when a run starts; here it is said of its table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from datamodules.asr import SpeechDataModule
from datamodules.speech.duration_buckets import JITTER
from datamodules.speech.speed_perturbation import samples_at_speed
from experiments.errors import UserError

SPAN = (1 + JITTER) / (1 - JITTER)  # by which an utterance may stand among shorter ones
STEPS = ("max_epochs", "max_steps", "limit_train_batches")  # of a trainer; where one is 0, nothing is trained


def check_training_lengths(data: object, trainer: Mapping[str, Any], *, where: str) -> None:
    """``trainer`` is that of a row that trains. Raises ``UserError``."""
    if not isinstance(data, SpeechDataModule):
        return
    names = ("max_seconds", "max_tokens_per_second")
    limits = [f"data.{name} {value:g}" for name in names if (value := getattr(data, name)) is not None]
    lengths = data.lengths("train")  # at the fastest speed
    if not lengths and limits:
        raise UserError(
            f"{where}: {' and '.join(limits)}: none of {len(data.corpora('train'))} training utterances is left; "
            "allowed: null, or a limit that some of them keep"
        )
    if not lengths or any(trainer.get(name) == 0 for name in STEPS):
        return
    longest = max(lengths, key=lambda one: one.num_samples)
    own_samples = int(longest.num_samples * max(data.speed_factors))
    slowest = samples_at_speed(own_samples, min(data.speed_factors))
    if slowest * SPAN > int(data.batch_seconds * data.sample_rate_hz):
        enough = math.ceil(100 * slowest * SPAN / data.sample_rate_hz) / 100
        raise UserError(
            f"{where}: data.batch_seconds: {data.batch_seconds:g}, allowed: {enough:g} or more: training utterance "
            f"{longest.utterance_id!r} has {slowest / data.sample_rate_hz:.2f} s at the slowest speed, and an order "
            f"by jittered lengths needs {SPAN - 1:.0%} more"
        )
