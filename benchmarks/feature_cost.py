"""What stored features could save: a clip's way from its file to the network, part by part, beside a step of training.

    python benchmarks/feature_cost.py          # --help: clips of a batch, seconds of a clip, repeats

One thread, milliseconds of processor time a clip, the least of some repeats. Batches are of noise at 16 kHz; the
networks are those of weak_sed at its demo's and its paper's size, trained as ``tagging_loss`` of a maximum would.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from datamodules.audio.cuts import Cut
from datamodules.audio.waveforms import Waveforms
from lightning_modules.layers.crnn import FrameEncoder, demo_crnn, paper_crnn
from lightning_modules.layers.kept_features import KeptFeatures
from lightning_modules.layers.log_mel import LogMel

RATE_HZ = 16_000


def milliseconds(work: Callable[[], object], *, clips: int, repeats: int) -> float:
    """Least processor time of one call, a clip."""
    work()
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return 1e3 * min(spent) / clips


def step(encoder: FrameEncoder, features_BTM: torch.Tensor, num_frames_B: torch.Tensor) -> None:
    """Forward and backward through the encoder."""
    encoder.zero_grad()
    encoder(features_BTM, num_frames_B)[0].square().mean().backward()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    num_samples = round(arguments.seconds * RATE_HZ)
    parts = ("decoding FLAC", "from memory", "log-mel", "stored features", "kept features", "a step's network")
    print(f"| network | {' | '.join(parts)} | log-mel's share |")
    print(f"| --- |{' --- |' * (len(parts) + 1)}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "noise.flac"
        soundfile.write(path, np.random.default_rng(0).integers(-8000, 8000, num_samples, dtype=np.int16), RATE_HZ)
        cuts = [Cut("a", 0.0, arguments.seconds, 0, str(path), RATE_HZ, num_samples)] * arguments.clips
        for name, encoder, log_mel in (
            ("demo_crnn, hop 40 ms", demo_crnn(), LogMel(sample_rate_hz=RATE_HZ, hop_seconds=0.04, num_mels=40)),
            ("paper_crnn, hop 23 ms", paper_crnn(), LogMel(sample_rate_hz=RATE_HZ)),
        ):
            print(f"| {name} | {_row(cuts, encoder, log_mel, Path(folder), arguments.repeats)} |", flush=True)


def _row(cuts: list[Cut], encoder: FrameEncoder, log_mel: LogMel, folder: Path, repeats: int) -> str:
    files, memory = (Waveforms(cuts, sample_rate_hz=RATE_HZ, path=folder) for _ in range(2))
    memory.read()
    clips = range(len(cuts))
    waveforms_BS = torch.from_numpy(np.stack([memory[number] for number in clips]))
    num_samples_B = torch.full((len(cuts),), waveforms_BS.shape[1])
    features_BTM, num_frames_B = log_mel(waveforms_BS, num_samples_B), log_mel.num_frames(num_samples_B)
    kept = KeptFeatures(log_mel)
    np.save(folder / "features.npy", features_BTM[0].numpy())
    works: list[Callable[[], object]] = [
        lambda: [files[number] for number in clips],
        lambda: [memory[number] for number in clips],
        lambda: log_mel(waveforms_BS, num_samples_B),
        lambda: [np.load(folder / "features.npy") for _ in clips],
        lambda: kept(waveforms_BS, num_samples_B),
        lambda: step(encoder, features_BTM, num_frames_B),
    ]
    times = [milliseconds(work, clips=len(cuts), repeats=repeats) for work in works]
    share = times[2] / (times[2] + times[-1])
    return " | ".join([*(f"{one:.2f}" for one in times), f"{share:.0%}"])


if __name__ == "__main__":
    main()
