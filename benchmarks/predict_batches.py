"""Many short clips through ``earmark predict``'s own way, one at a time and in batches: processor time, and sameness.

    python benchmarks/predict_batches.py       # --help: clips, seconds of a clip, batch sizes, repeats

One thread, a CRNN at the demo's size with drawn weights, clips of noise in FLAC at 16 kHz; milliseconds of processor
time a clip from the file to its events, the least of some repeats, and how far a curve is at most from the clip alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from experiments.applying.predicting.clip_batches import predict_files
from experiments.applying.predicting.decision import Decision
from experiments.applying.predicting.file_events import FileEvents, FilePredictor
from experiments.applying.predicting.windows import WindowPlan
from lightning_modules.decoding.sound_events.events import PostProcessing
from lightning_modules.layers.crnn import demo_crnn
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.sed.mil import MIL

RATE_HZ = 16_000
CLASSES = tuple("abcdefghij")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--seconds", type=float, nargs="+", default=[1.0, 4.0, 10.0])
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print("| a clip's seconds | batch | ms a clip | of one at a time | furthest curve | same events |")
    print("| --- | --- | --- | --- | --- | --- |")
    for seconds in arguments.seconds:
        predictor = _predictor(seconds)
        with tempfile.TemporaryDirectory() as folder:
            paths = [_noise(Path(folder, f"{number}.flac"), number, seconds) for number in range(arguments.clips)]
            alone = [predictor(path) for path in paths]
            first = None
            for size in arguments.batch_sizes:
                found, milliseconds = _heard(replace(predictor, batch_size=size), paths, arguments.repeats)
                first = first or milliseconds
                apart = max(
                    float(np.abs(one.curves_TC - other.curves_TC).max())
                    for one, other in zip(found, alone, strict=True)
                )
                same = sum(one.events == other.events for one, other in zip(found, alone, strict=True))
                print(f"| {seconds:g} | {size} | {milliseconds:.1f} | {milliseconds / first:.2f} | {apart:.1e} "
                      f"| {same} of {len(paths)} |")  # fmt: skip


def _heard(predictor: FilePredictor, paths: list[Path], repeats: int) -> tuple[list[FileEvents], float]:
    """What was found, and milliseconds a clip."""
    spent, found = [], []
    for _ in range(repeats):
        start = time.process_time()
        found = [events for _, events in predict_files(predictor, paths, advance=lambda path, seconds: None)]
        spent.append(time.process_time() - start)
    return [one for one in found if isinstance(one, FileEvents)], 1e3 * min(spent) / len(paths)


def _predictor(seconds: float) -> FilePredictor:
    torch.manual_seed(0)
    features = LogMelSettings(hop_seconds=0.02, window_seconds=0.04, num_mels=40)
    system = MIL(classes=CLASSES, sample_rate_hz=RATE_HZ, encoder=demo_crnn(num_mels=40), features=features).eval()
    frame_samples = round(system.hop_seconds * RATE_HZ)
    plan = WindowPlan(
        frame_samples=frame_samples, window_frames=-(-round(seconds * RATE_HZ) // frame_samples), overlap_frames=2
    )
    setting = PostProcessing(
        median_seconds=0.2, window_seconds=0.2, high_threshold=0.5, low_threshold=0.45, rescaled=False,
        longest_gap_seconds=0.1, shortest_event_seconds=0.1, keeps_one=False,
    )  # fmt: skip
    decision = Decision(classes=CLASSES, settings=dict.fromkeys(CLASSES, setting), gate=dict.fromkeys(CLASSES, 0.0))
    return FilePredictor(system=system, sample_rate_hz=RATE_HZ, plan=plan, decision=decision)


def _noise(path: Path, seed: int, seconds: float) -> Path:
    rng = np.random.default_rng(seed)
    num_samples = round(seconds * RATE_HZ)
    loudness_S = np.exp(2 * np.sin(np.arange(num_samples) / RATE_HZ * 2.1 + seed) - 4)
    soundfile.write(path, loudness_S * rng.normal(0, 1, num_samples).clip(-3, 3), RATE_HZ)
    return path


if __name__ == "__main__":
    main()
