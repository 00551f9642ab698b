"""One training step of a CTC recogniser of demo size on a corpus's longest batch: does it load, fit and have a loss?

The model is ``demo_encoder`` with new weights, on the CPU: memory and files are what is tried, not learning.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from datamodules.batches import UtteranceBatch
from datamodules.corpora.sound_files import SAMPLE_RATE_HZ
from datamodules.longest_batch import load_batch, longest_batch
from datamodules.speech_checks import CheckedUtterance, Finding
from datamodules.tokenizer import character_tokenizer
from lightning_modules.asr.ctc import CTC
from lightning_modules.layers.recurrent_encoder import demo_encoder
from lightning_modules.losses.ctc import InfeasibleError, ctc_loss


@dataclass(frozen=True)
class Trial:
    """What the step was, and how long it took."""

    num_utterances: int
    padded_seconds: float
    loss: float
    step_seconds: float

    def sentence(self) -> str:
        """For people."""
        return (
            f"longest batch: {self.num_utterances} utterances, {self.padded_seconds:.1f} s with padding, "
            f"one training step of the demo CTC model in {self.step_seconds:.1f} s"
        )


def try_longest_batch(
    utterances: Sequence[CheckedUtterance], *, batch_seconds: float, speed: float
) -> Trial | Finding | None:
    """Form, load and train on the longest batch; a finding where that fails, None where nothing can be trained on.

    Utterances that other checks refuse (unreadable, without a text) take no part.
    """
    usable = [
        one
        for one in utterances
        if one.split == "train" and not one.audio.problem and one.duration_seconds > 0 and one.entry.text
    ]
    if not usable:
        return None
    tokenizer = character_tokenizer(one.entry.text for one in usable)
    speed_factors = (1.0,) if speed == 1 else (2 - speed, 1.0, speed)
    try:
        batch = longest_batch(usable, batch_seconds=batch_seconds, speed_factors=speed_factors)
        return _step(load_batch(batch, tokenizer=tokenizer), symbols=tokenizer.symbols)
    except InfeasibleError:
        return None  # found and named by ``unalignable``
    except (ValueError, OSError, MemoryError, RuntimeError) as error:  # libsndfile's are RuntimeErrors
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return Finding("longest_batch", "error", 1, f"the longest batch cannot be trained on: {reason}", ())


def _step(batch: UtteranceBatch, *, symbols: Sequence[str]) -> Trial:
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
    )
