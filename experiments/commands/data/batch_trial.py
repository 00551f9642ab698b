"""One training step of a CTC recogniser of demo size on a corpus's longest batch: does it load, fit and have a loss?

The model is ``demo_encoder`` with new weights, on the CPU: memory and files are what is tried, not learning. Utterances
that other checks refuse take no part, since one of them would spoil the batch of the others.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from datamodules.batches import UtteranceBatch
from datamodules.checks.audio_checks import lacks_channel, reaches_past
from datamodules.checks.findings import NUM_EXAMPLES, Finding
from datamodules.checks.longest_batch import load_batch, longest_batch
from datamodules.checks.speech_checks import CheckedUtterance, Framing, alignable
from datamodules.corpora.sound_files import SAMPLE_RATE_HZ
from datamodules.texts.tokenizer import character_tokenizer
from experiments.errors import number_of
from lightning_modules.asr.ctc.ctc import CTC
from lightning_modules.layers.recurrent_encoder import demo_encoder
from lightning_modules.losses.ctc import InfeasibleError, ctc_loss


@dataclass(frozen=True)
class Trial:
    """What the step was, how long it took, and how many training utterances had no part in it, by reason."""

    num_utterances: int
    padded_seconds: float
    loss: float
    step_seconds: float
    left_out: Mapping[str, int]

    def sentence(self) -> str:
        """For people."""
        left_out = f" (left out: {counted(self.left_out)})" if self.left_out else ""
        return (
            f"longest batch: {number_of(self.num_utterances, 'utterance')}, {self.padded_seconds:.1f} s with padding, "
            f"one training step of the demo CTC model in {self.step_seconds:.1f} s{left_out}"
        )


@dataclass(frozen=True)
class NotTried:
    """Why there was no step."""

    not_tried: str

    def sentence(self) -> str:
        """For people."""
        return f"longest batch: not tried: {self.not_tried}"


def try_longest_batch(
    utterances: Sequence[CheckedUtterance], *, batch_seconds: float, framing: Framing
) -> Trial | NotTried | Finding:
    """Form, load and train on the longest batch; a finding where that fails.

    ``framing`` is the user's; an utterance has to be alignable with the demo model's frames as well.
    """
    training = [one for one in utterances if one.split == "train"]
    flaws = [_flaw(one, framing) for one in training]
    usable = [one for one, flaw in zip(training, flaws, strict=True) if flaw is None]
    left_out = dict(Counter(flaw for flaw in flaws if flaw is not None))
    if not training:
        return NotTried("there is no training utterance")
    if not usable:
        return NotTried(f"none of {len(training)} training utterances can be trained on ({counted(left_out)})")
    tokenizer = character_tokenizer(one.entry.text for one in usable)
    speed_factors = (1.0,) if framing.speed == 1 else (2 - framing.speed, 1.0, framing.speed)
    try:
        batch = longest_batch(usable, batch_seconds=batch_seconds, speed_factors=speed_factors)
        return _step(load_batch(batch, tokenizer=tokenizer), symbols=tokenizer.symbols, left_out=left_out)
    except InfeasibleError as error:  # the file is shorter than the manifest says, by less than the slack
        names = ", ".join(batch[row][0].entry.utterance_id for row in error.rows[:NUM_EXAMPLES])
        return NotTried(f"as read, {names} has too few frames for its text")
    except (ValueError, OSError, MemoryError, RuntimeError) as error:  # libsndfile's are RuntimeErrors
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return Finding("longest_batch", "error", 1, f"the longest batch cannot be trained on: {reason}", ())


def _flaw(one: CheckedUtterance, framing: Framing) -> str | None:
    """Why an utterance has no part in the trial, each a finding of its own; None where it has."""
    if one.audio.problem is not None:
        return "unreadable"
    if lacks_channel(one):
        return "of a channel that its file lacks"
    if one.duration_seconds <= 0 or reaches_past(one):
        return "outside its file"
    if not one.entry.text.strip():
        return "without a text"
    if not (alignable(one, framing=framing) and alignable(one, framing=Framing(speed=framing.speed))):
        return "too short for CTC"
    return None


def counted(reasons: Mapping[str, int]) -> str:
    """``3 unreadable, 1 outside its file``."""
    return ", ".join(f"{count} {reason}" for reason, count in reasons.items())


def _step(batch: UtteranceBatch, *, symbols: Sequence[str], left_out: Mapping[str, int]) -> Trial:
    started = time.perf_counter()
    model = CTC(symbols=symbols, sample_rate_hz=SAMPLE_RATE_HZ, encoder=demo_encoder())
    log_probs_BTV, num_frames_B = model(batch.waveforms_BS, batch.num_samples_B)
    loss = ctc_loss(log_probs_BTV, num_frames_B, batch.tokens_BU, batch.num_tokens_B).mean()
    loss.backward()  # type: ignore[no-untyped-call]
    if not bool(torch.isfinite(loss)):
        raise ValueError(f"the loss is {loss.item()}")
    return Trial(
        num_utterances=len(batch.utterance_ids),
        padded_seconds=batch.waveforms_BS.numel() / SAMPLE_RATE_HZ,
        loss=loss.item(),
        step_seconds=time.perf_counter() - started,
        left_out=left_out,
    )
