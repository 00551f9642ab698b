"""One training step of a detector of demo size on a corpus's longest batch: does it load, fit and have a loss?

The model is MIL on ``demo_crnn`` with new weights, on the CPU: memory and files are what is tried, not learning. Clips
that other checks refuse take no part, and unlabelled ones count as without a tag: they are as long to read.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from datamodules.batches import ClipBatch
from datamodules.checks.audio_checks import lacks_channel, reaches_past
from datamodules.checks.checked_clips import CheckedClip
from datamodules.checks.findings import Finding
from datamodules.checks.longest_clips import load_clips, longest_clips
from experiments.commands.data.batch_trial import NotTried, counted
from experiments.errors import number_of
from lightning_modules.layers.crnn import demo_crnn
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.sed.mil import MIL

FEATURES = LogMelSettings(hop_seconds=0.04, window_seconds=0.064, num_mels=40)  # those of weak_sed's demo scale
FRAME_SECONDS = 0.08  # of demo_crnn's curves with them


@dataclass(frozen=True)
class ClipTrial:
    """What the step was, how long it took, and how many training clips had no part in it, by reason."""

    num_clips: int
    padded_seconds: float
    loss: float
    step_seconds: float
    left_out: Mapping[str, int]

    def sentence(self) -> str:
        """For people."""
        left_out = f" (left out: {counted(self.left_out)})" if self.left_out else ""
        return (
            f"longest batch: {number_of(self.num_clips, 'clip')}, {self.padded_seconds:.1f} s with padding, "
            f"one training step of the demo detector in {self.step_seconds:.1f} s{left_out}"
        )


def try_longest_clips(
    clips: Sequence[CheckedClip], *, classes: Sequence[str], batch_size: int, sample_rate_hz: int
) -> ClipTrial | NotTried | Finding:
    """Form, load and train on the longest batch; a finding where that fails."""
    training = [one for one in clips if one.split == "train"]
    flaws = [_flaw(one) for one in training]
    usable = [one for one, flaw in zip(training, flaws, strict=True) if flaw is None]
    left_out = dict(Counter(flaw for flaw in flaws if flaw is not None))
    if not training:
        return NotTried("there is no training clip")
    if not classes:
        return NotTried("no clip has a label")
    if not usable:
        return NotTried(f"none of {len(training)} training clips can be trained on ({counted(left_out)})")
    try:
        chosen = longest_clips(usable, batch_size=batch_size)
        batch = load_clips(chosen, classes=classes, sample_rate_hz=sample_rate_hz)
        return _step(batch, classes=classes, sample_rate_hz=sample_rate_hz, left_out=left_out)
    except (ValueError, OSError, MemoryError, RuntimeError) as error:  # libsndfile's are RuntimeErrors
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return Finding("longest_batch", "error", 1, f"the longest batch cannot be trained on: {reason}", ())


def _flaw(one: CheckedClip) -> str | None:
    """Why a clip has no part in the trial, each a finding of its own; None where it has."""
    if one.audio.problem is not None:
        return "unreadable"
    if lacks_channel(one):
        return "of a channel that its file lacks"
    if one.duration_seconds <= 0 or reaches_past(one):
        return "outside its file"
    return None


def _step(batch: ClipBatch, *, classes: Sequence[str], sample_rate_hz: int, left_out: Mapping[str, int]) -> ClipTrial:
    started = time.perf_counter()
    model = MIL(classes=classes, sample_rate_hz=sample_rate_hz, encoder=demo_crnn(), features=FEATURES).train()
    detection = model(batch.waveforms_BS, batch.num_samples_B)
    loss = model.eval().loss(detection, batch.tags_BC)  # a model without a trainer logs nothing
    loss.backward()  # type: ignore[no-untyped-call]
    if not bool(torch.isfinite(loss)):
        raise ValueError(f"the loss is {loss.item()}")
    return ClipTrial(
        num_clips=len(batch.clip_ids),
        padded_seconds=batch.waveforms_BS.numel() / sample_rate_hz,
        loss=loss.item(),
        step_seconds=time.perf_counter() - started,
        left_out=left_out,
    )
