"""Has training stopped gaining? python benchmarks/last_gains.py results/weak_sed-study.tar.xz

From the journals of a pack's trainings, by row: the epochs of which the best by validation was kept, and how far that
figure of validation lies beyond the best of the first three quarters of the epochs.
"""

from __future__ import annotations

import json
import sys
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def trainings(pack: Path) -> Iterable[tuple[str, Mapping[str, Any], list[dict[str, Any]]]]:
    """Row, configuration and the values of each line of metrics, of each training."""
    files: dict[str, dict[str, bytes]] = defaultdict(dict)
    with tarfile.open(pack) as archive:
        for member in archive:
            folder, _, name = member.name.rpartition("/")
            if name in ("key.json", "provenance.json", "journal.jsonl"):
                content = archive.extractfile(member)
                assert content is not None
                files[folder][name] = content.read()
    for run in files.values():
        config = json.loads(run["key.json"])["config"]
        if "checkpoint" in config:
            lines = [json.loads(line) for line in run["journal.jsonl"].splitlines()]
            values = [line["values"] for line in lines if line["kind"] == "metrics"]
            yield json.loads(run["provenance.json"])["row"], config, values


def kept(config: Mapping[str, Any], values: Iterable[Mapping[str, float]]) -> tuple[int, int, float]:
    """The best epoch from 1, how many there were, and its gain over the best of the first three quarters."""
    monitor, sign = config["checkpoint"]["monitor"], 1 if config["checkpoint"]["mode"] == "max" else -1
    figures = [sign * line[monitor] for line in values if monitor in line]
    figures = figures[: config["trainer"]["max_epochs"]]  # what was kept is validated once more at the end
    best = max(figures)
    return figures.index(best) + 1, len(figures), best - max(figures[: max(1, 3 * len(figures) // 4)])


def main(pack: str) -> None:
    """Print a Markdown table."""
    rows = defaultdict(list)
    for row, config, values in trainings(Path(pack)):
        rows[row].append((config["checkpoint"]["monitor"], *kept(config, values)))
    print("| row | trainings | epochs | best epoch, lowest, median, highest | by | gain of the last quarter |")
    print("| --- | --- | --- | --- | --- | --- |")
    for row, found in rows.items():
        epochs = sorted(epoch for _, epoch, _, _ in found)
        gain = sum(gain for *_, gain in found) / len(found)
        span = f"{epochs[0]}, {epochs[len(epochs) // 2]}, {epochs[-1]}"
        print(
            f"| {row} | {len(found)} | {max(many for _, _, many, _ in found)} | {span} | {found[0][0]} | {gain:.4f} |"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
