"""What a step of each encoder costs: parameters, and processor seconds of a training step on one thread.

    python benchmarks/encoders.py                   # --help: scale, depth, utterances, seconds, steps, seed

All hear the same random features of a CTC table (40 bands, a frame each 10 ms); a step is forward and backward.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import torch

from lightning_modules.layers.recurrent_encoder import SpeechEncoder
from lightning_modules.layers.sized_encoders import sized_conformer, sized_recurrent, sized_tdnn

SCALES = ("demo", "study")
ENCODERS: dict[str, Callable[..., SpeechEncoder]] = {
    "GRU": partial(sized_recurrent, cell="gru"),
    "LSTM": partial(sized_recurrent, cell="lstm"),
    "TDNN": sized_tdnn,
    "Conformer": sized_conformer,
}
FRAMES_A_SECOND = 100


def main() -> None:
    """Print a row an encoder."""
    parser = argparse.ArgumentParser(description="parameters and seconds a step of each encoder")
    parser.add_argument("--scale", choices=SCALES, default="demo")
    parser.add_argument("--depth", type=float, default=1.0, help="layers, as a share of the scale's own")
    parser.add_argument("--utterances", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each utterance")
    parser.add_argument("--steps", type=int, default=7, help="of which the median is printed, after one for warmth")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(given.seed)
    features_BTM = torch.randn(given.utterances, int(given.seconds * FRAMES_A_SECOND), 40)
    print("| encoder | parameters | a step, s | times GRU |\n| --- | --- | --- | --- |")
    first = None
    for name, make in ENCODERS.items():
        encoder = make(size=given.scale, depth=given.depth).train()
        seconds = seconds_a_step(encoder, features_BTM, steps=given.steps)
        first = first or seconds
        count = sum(parameter.numel() for parameter in encoder.parameters())
        print(f"| {name} | {count:,} | {seconds:.3f} | {seconds / first:.2f} |", flush=True)


def seconds_a_step(encoder: SpeechEncoder, features_BTM: torch.Tensor, *, steps: int) -> float:
    """The median processor time of forward and backward."""
    num_frames_B = torch.full((len(features_BTM),), features_BTM.shape[1])
    times = []
    for _ in range(steps + 1):
        started = time.process_time()
        encoder(features_BTM, num_frames_B).square().mean().backward()
        times.append(time.process_time() - started)
    return statistics.median(times[1:])


if __name__ == "__main__":
    main()
