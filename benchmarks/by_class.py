"""Event F1 of each class: python benchmarks/by_class.py results/weak_sed-study.tar.xz [ROW …]

From per_class.csv of a pack's runs: mean over folds and seeds, and the standard deviation. Without rows: loudness, MIL
and frame labels with the true tags, and MIL with its own.
"""

from __future__ import annotations

import csv
import io
import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path

from pack_files import texts

ROWS = ["energy_oracle_tags", "mil", "mil_oracle_tags", "strong_upper_bound_oracle_tags"]
METRIC = "event_f1"


def by_class(pack: Path) -> dict[str, dict[str, list[float]]]:
    """Of each row the classes with a figure a run; runs without events of a class have none of it."""
    files = texts(pack, "/per_class.csv", "/provenance.json")
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for name, text in files.items():
        run, _, file = name.rpartition("/scores/")
        if file != "per_class.csv":
            continue
        row = json.loads(files[f"{run}/provenance.json"])["row"]
        for line in csv.DictReader(io.StringIO(text)):
            if int(line.get("reference_events") or 0):
                found[row][line["class"]].append(float(line[METRIC] or 0))
    return found


def main(arguments: list[str]) -> None:
    """Print a Markdown table, the class that the last row finds best on top."""
    found, rows = by_class(Path(arguments[0])), arguments[1:] or ROWS
    if unknown := [row for row in rows if row not in found]:
        sys.exit(f"{arguments[0]}: no runs of {', '.join(unknown)}, allowed: {', '.join(sorted(found))}")
    print(f"| class | {' | '.join(rows)} |\n|{' --- |' * (len(rows) + 1)}")
    for name in sorted(found[rows[-1]], key=lambda name: -statistics.mean(found[rows[-1]][name])):
        figures = [f"{100 * statistics.mean(of):.1f} ± {100 * statistics.pstdev(of):.1f}" for of in
                   (found[row][name] for row in rows)]  # fmt: skip
        print(f"| {name} | {' | '.join(figures)} |")


if __name__ == "__main__":
    main(sys.argv[1:])
