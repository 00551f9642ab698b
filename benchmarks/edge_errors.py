"""Where detected edges lie beside true ones: python benchmarks/edge_errors.py results/weak_sed-study.tar.xz [ROW …]

From boundary_errors.csv and by_duration.csv of a pack's runs, summed over folds and seeds: events heard at all and
found, and of the edges of events that were heard those within 0.2 s, earlier and later. Without rows: all with the true
tags.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

from pack_files import texts

NEAR_SECONDS = 0.2


def counted(pack: Path) -> dict[str, Counter[str]]:
    """Counts by row."""
    files = texts(pack, "boundary_errors.csv", "by_duration.csv", "provenance.json")
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for name, text in files.items():
        run, _, file = name.rpartition("/scores/")
        if not run:
            continue
        row = _row(files[f"{run}/provenance.json"])
        for line in csv.DictReader(io.StringIO(text)):
            found[row] += _durations(line) if file == "by_duration.csv" else _edges(line)
    return found


def _row(provenance: str) -> str:
    return str(json.loads(provenance)["row"])


def _durations(line: dict[str, str]) -> Counter[str]:
    return Counter(events=int(line["reference_events"]), heard=int(line["heard"]), found=int(line["found"]))


def _edges(line: dict[str, str]) -> Counter[str]:
    low, high = float(line["from_seconds"]), float(line["to_seconds"])
    middle = (max(low, -9.0) + min(high, 9.0)) / 2
    side = "near" if abs(middle) < NEAR_SECONDS else "early" if middle < 0 else "late"
    counts: Counter[str] = Counter()
    for edge in ("onsets", "offsets"):
        counts[edge] += int(line[edge])
        counts[f"{edge} {side}"] += int(line[edge])
    return counts


def main(arguments: list[str]) -> None:
    """Print a Markdown table."""
    found = counted(Path(arguments[0]))
    rows = arguments[1:] or [row for row in found if row.endswith("_oracle_tags") and found[row]["onsets"]]
    kinds = [f"{edge} {side}" for edge in ("onsets", "offsets") for side in ("early", "near", "late")]
    print(f"| row | events | heard % | found % | {' | '.join(f'{kind} %' for kind in kinds)} |")
    print("|" + " --- |" * (4 + len(kinds)))
    for row in sorted(rows):
        of = found[row]
        shares = [of["heard"] / of["events"], of["found"] / of["events"]]
        shares += [of[kind] / of[kind.split()[0]] for kind in kinds]
        print(f"| {row} | {of['events']} | {' | '.join(f'{100 * share:.0f}' for share in shares)} |")


if __name__ == "__main__":
    main(sys.argv[1:])
