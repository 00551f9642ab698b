"""What the runs of packs took: python benchmarks/run_hours.py results/*.tar.xz

Summed ``run/seconds`` of each pack, from start to scores, on whatever machine made it and whatever ran beside them:
with two slots about half of it by the clock.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pack_files import texts


def hours(pack: Path) -> tuple[int, float]:
    """The number of runs and their summed hours."""
    seconds = [float(json.loads(text)["metrics"].get("run/seconds", 0)) for text in texts(pack, "/run.json").values()]
    return len(seconds), sum(seconds) / 3600


if __name__ == "__main__":
    print("| pack | runs | hours |\n| --- | --- | --- |")
    for pack in map(Path, sys.argv[1:]):
        num_runs, took = hours(pack)
        print(f"| {pack.name} | {num_runs} | {took:.1f} |")
