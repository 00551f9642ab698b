"""Words and their confidences as a file and a picture: of ten sure words nine should be right where .9 is said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_modules.metrics.words.calibration import reliability


def write_confidences(
    words: Sequence[tuple[str, str]],
    confidence_M: NDArray[np.float64],
    is_right_M: NDArray[np.bool_],
    *,
    folder: Path,
) -> None:
    """``confidences.tsv``, a word a line with its utterance's id, and ``reliability.png``, into ``folder``."""
    lines = ["utterance\tword\tconfidence\tright"]
    for (utterance_id, word), confidence, is_right in zip(words, confidence_M, is_right_M, strict=True):
        lines.append(f"{utterance_id}\t{word}\t{confidence:.4f}\t{int(is_right)}")
    (folder / "confidences.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _draw(confidence_M, is_right_M).savefig(folder / "reliability.png", dpi=110)


def _draw(confidence_M: NDArray[np.float64], is_right_M: NDArray[np.bool_]) -> Any:
    from matplotlib.figure import Figure  # only where something is drawn

    bins = reliability(confidence_M, is_right_M)
    figure = Figure(figsize=(4.2, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.plot([one.confidence for one in bins], [one.share_right for one in bins], marker="o", color="tab:blue")
    for one in bins:
        axes.annotate(
            str(one.num_words), (one.confidence, one.share_right), xytext=(4, -10), textcoords="offset points"
        )
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="mean confidence", ylabel="share of words that are right")
    axes.set_title(f"{len(confidence_M)} words, their number at each point", fontsize=9)
    return figure
