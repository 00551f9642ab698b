"""WER of a pack's runs near to and far from the training texts.

    python benchmarks/far_texts.py results/ctc_decoding-demo.tar.xz

From the stored texts, with the training texts of the corpus, which must be prepared (EARMARK_DATA): for packs of runs
that do not say ``test/wer_far_from_training`` themselves. A mean over a row's runs.
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from datamodules.annotations import UtteranceReferences
from experiments.planning.cell import Cell
from experiments.stored_results.packs.packed_store import open_packs
from experiments.stored_results.split_references import TestSplits
from experiments.stored_results.stored_scores import UTTERANCES, StoredScores, read_utterances
from lightning_modules.metrics.text_scores import TextScores, score_texts
from lightning_modules.metrics.words.training_neighbours import near_training

PARTS = ("all", "near", "far")


def parts(cell: Cell, scores: StoredScores, splits: TestSplits) -> dict[str, TextScores] | None:
    """The whole, the near and the far texts of a run; None without texts, or with other ones than the corpus has."""
    path, references = scores.file(cell, UTTERANCES), splits.of(cell)
    if path is None or not isinstance(references, UtteranceReferences):
        return None
    written = {item.utterance_id: item.hypothesis for item in read_utterances(path)}
    if written.keys() != references.texts.keys():
        return None
    found = score_texts(references.texts, written)
    near = near_training(references.texts.values(), references.training_texts)
    names = dict(zip(references.texts, ("far" if one is None else "near" for one in near), strict=True))
    return {"all": found, **found.by_group(names)}


def main(pack: str) -> None:
    """Print a Markdown table."""
    rows: dict[str, list[dict[str, TextScores]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        packed = open_packs([Path(pack)], Path(folder))
        scores, splits = StoredScores(packed.store), TestSplits()
        for cell in packed.cells:
            if (found := parts(cell, scores, splits)) is not None:
                rows[cell.row.name].append(found)
    if not rows:
        sys.exit("\n".join(splits.why.values()) or f"{pack}: no run has texts of the corpus that is prepared here")
    counts = {
        part: {len(run[part].utterances) for runs in rows.values() for run in runs if part in run} for part in PARTS
    }
    heads = (f"{part} (n={', '.join(map(str, sorted(counts[part])))})" for part in PARTS)
    print(f"| row | runs | {' | '.join(f'WER {head}' for head in heads)} |\n| --- | --- | --- | --- | --- |")
    for row, runs in rows.items():
        means = [
            f"{100 * sum(rates) / len(rates):.1f}"
            if (rates := [run[part].total.words.rate for run in runs if part in run])
            else "–"
            for part in PARTS
        ]
        print(f"| {row} | {len(runs)} | {' | '.join(means)} |")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
