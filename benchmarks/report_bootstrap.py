"""The bootstrap of a report as one matrix product, against the draws of ``metrics/bootstrap.py`` column by column.

    python benchmarks/report_bootstrap.py          # --help: runs, clips, classes, resamples

The macro F1 of so many runs on every draw, one thread, processor time. Both meet the same draws; ``same`` says whether
all figures are equal.
"""

from __future__ import annotations

import argparse
import os
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402  (after the threads are set)

from experiments.statistics.paired_bootstrap import MacroF1, UnitCounts, resample  # noqa: E402
from lightning_modules.metrics.bootstrap import Bootstrap  # noqa: E402


def systems(*, runs: int, clips: int, classes: int) -> list[UnitCounts]:
    """Random counts: hits, reference and estimated events of each class in each clip."""
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, size=(clips, classes)) * (rng.random((clips, classes)) < 0.3)
    made = []
    for _ in range(runs):
        right = rng.binomial(true, 0.4)
        found = right + rng.integers(0, 2, size=(clips, classes))
        counts = np.stack([right, true, found], axis=2).reshape(clips, -1).astype(float)
        made.append(UnitCounts("clips", tuple(str(clip) for clip in range(clips)), counts, MacroF1()))
    return made


def main() -> None:
    """Print both times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("runs", 48), ("clips", 200), ("classes", 10), ("resamples", 50_000)):
        parser.add_argument(f"--{name}", type=int, default=value)
    arguments = parser.parse_args()
    made = systems(runs=arguments.runs, clips=arguments.clips, classes=arguments.classes)
    start = time.process_time()
    ours = resample(made, num_resamples=arguments.resamples)
    middle = time.process_time()
    few = made[: max(1, arguments.runs // 16)]  # the other takes long
    bootstrap = Bootstrap(num_resamples=arguments.resamples)
    theirs = np.stack([of.rate(bootstrap.sums(of.counts_NC).T) for of in few])
    end = time.process_time()
    print(f"matrix product: {middle - start:.2f} s for {len(made)} runs")
    print(
        f"column by column: {end - middle:.2f} s for {len(few)} runs, "
        f"{(end - middle) * len(made) / len(few):.1f} s for all"
    )
    print(f"same: {np.allclose(ours[: len(few)], theirs, rtol=0, atol=1e-12)}")


if __name__ == "__main__":
    main()
