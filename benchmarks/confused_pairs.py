"""Does the penalty take confused classes apart? python benchmarks/confused_pairs.py PACK [ROW BASELINE]

From co_occurrence.csv of a pack's runs: of the seconds in which a class sounds and another one does not, the share in
which that other one is found, over all pairs of classes. The difference of two rows is tested over folds as a
report tests its columns (corrected resampled t). Without rows: MIL with the penalty and without, plain and gated, with
their own tags and with the true ones.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

from pack_files import texts

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from experiments.statistics.combined_error import CombinedError
from experiments.statistics.resampled_t import fold_differences, over_folds, share_tested
from experiments.statistics.trainings import Training

PAIRS = [
    (f"{system}_penalty{tags}", f"{system}{tags}") for system in ("mil", "glu_mil") for tags in ("", "_oracle_tags")
]


def shares(pack: Path) -> dict[str, dict[Training, float]]:
    """Of each row the share found in vain, by training."""
    files = texts(pack, "/co_occurrence.csv", "/provenance.json")
    found: dict[str, dict[Training, float]] = {}
    for name, text in files.items():
        run, _, file = name.rpartition("/scores/")
        if file == "co_occurrence.csv":
            said = json.loads(files[f"{run}/provenance.json"])
            found.setdefault(said["row"], {})[Training(said.get("fold"), said["seed"])] = in_vain(text)
    return found


def in_vain(text: str) -> float:
    """Found seconds over seconds, of pairs of two classes."""
    lines = [line for line in csv.DictReader(io.StringIO(text)) if line["sounding"] not in ("", line["found"])]
    return sum(float(line["found_seconds"]) for line in lines) / sum(float(line["seconds"]) for line in lines)


def compared(values: Mapping[Training, float], baseline: Mapping[Training, float], *, share: float) -> str:
    """Means, difference, interval and p as cells of a table."""
    differences = fold_differences(values, baseline)
    part = over_folds(differences, share=share)
    assert part is not None
    error, difference = CombinedError((part,)), fmean(differences.values())
    low, high = error.interval(difference)
    before, after = fmean(baseline.values()), fmean(values.values())
    figures = f"{100 * before:.2f} | {100 * after:.2f} | {100 * difference:+.2f}"
    return f"{figures} | {100 * low:+.2f} to {100 * high:+.2f} | {error.p(difference):.3f}"


def main(arguments: list[str]) -> None:
    """Print a Markdown table."""
    found = shares(Path(arguments[0]))
    pairs = [(arguments[1], arguments[2])] if arguments[1:] else PAIRS
    num_folds = len({training.fold for training in found[pairs[0][0]]})
    print("| row | against | % in vain, baseline | row | difference | 95 % interval | p |\n|" + " --- |" * 7)
    for row, baseline in pairs:
        says = compared(found[row], found[baseline], share=share_tested(480, 160, num_folds=num_folds))
        print(f"| {row} | {baseline} | {says} |")


if __name__ == "__main__":
    main(sys.argv[1:])
