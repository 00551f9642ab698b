"""How long 1,000 draws of a curve metric take: what a report pays for each run of a column.

    python benchmarks/curve_draws.py --clips 1168 --frames 156 --classes 10

Made curves: noise with events, smoothed over 5 frames as a recurrent layer's are.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from datamodules.annotations import Event
from experiments.stored_results.curve_counts import DRAWN_AT_ONCE
from lightning_modules.metrics.curves.clip_statistics import ClipStatistics
from lightning_modules.metrics.curves.psds_on_draws import psds_on_draws
from lightning_modules.metrics.curves.score_curves import ClipCurves, ScoreCurves
from lightning_modules.metrics.curves.scored_clips import ScoredClips
from lightning_modules.sed.curve_scores.metrics import RANKED
from lightning_modules.sed.curve_scores.statistics import raw_scores
from lightning_modules.sed.curve_scores.statistics_file import save

HOP_SECONDS = 10 / 156


def made(*, clips: int, frames: int, classes: int) -> ScoredClips:
    """Three events a clip, that curves rise for."""
    rng = np.random.default_rng(0)
    names = tuple(f"class{number}" for number in range(classes))
    by_clip, reference = {}, {}
    for number in range(clips):
        logits_TC = rng.normal(-2, 1.5, size=(frames, classes))
        events = []
        for _ in range(3):
            first, length, column = rng.integers(frames - 20), rng.integers(3, 20), rng.integers(classes)
            logits_TC[first : first + length, column] += 3
            events.append(Event(first * HOP_SECONDS, (first + length) * HOP_SECONDS, names[column]))
        scores_TC = 1 / (1 + np.exp(-uniform_filter1d(logits_TC, 5, axis=0)))
        by_clip[f"{number}"] = ClipCurves(np.arange(frames + 1) * HOP_SECONDS, scores_TC.astype(np.float32))
        reference[f"{number}"] = tuple(sorted(set(events)))
    return ScoredClips(ScoreCurves(names, by_clip), reference)


def main() -> None:
    """Print milliseconds a draw."""
    parser = argparse.ArgumentParser()
    for name, default in (("clips", 1168), ("frames", 156), ("classes", 10), ("draws", 1000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    started = time.process_time()
    scores = raw_scores(made(clips=arguments.clips, frames=arguments.frames, classes=arguments.classes), None)
    print(f"curves made and looked at: {time.process_time() - started:.1f} s")
    path = Path("/tmp/curve_statistics.npz")
    save(scores, path)
    print(f"curve_statistics.npz: {path.stat().st_size / 1e6:.1f} MB")
    rng = np.random.default_rng(0)
    weights_RN = rng.multinomial(arguments.clips, np.full(arguments.clips, 1 / arguments.clips), size=arguments.draws)
    for metric, of in RANKED.items():
        if scores.statistics.keys() >= set(of.statistics):
            statistics = [scores.statistics[name] for name in of.statistics]
            of.figure(statistics, None)
            started = time.process_time()
            for weights_N in weights_RN.astype(float):
                of.figure(statistics, weights_N)
            print(f"{metric}: {time.process_time() - started:.1f} s for {arguments.draws:,} draws")
            if metric in DRAWN_AT_ONCE:
                print(f"{metric}, all at once: {_at_once(metric, statistics[0], weights_RN):.1f} s")


def _at_once(metric: str, statistics: ClipStatistics, weights_RN: NDArray[np.int64]) -> float:
    """Seconds of the processor, once it is compiled."""
    psds_on_draws(statistics, DRAWN_AT_ONCE[metric], weights_RN[:1].astype(float))
    started = time.process_time()
    psds_on_draws(statistics, DRAWN_AT_ONCE[metric], weights_RN.astype(float))
    return time.process_time() - started


if __name__ == "__main__":
    main()
