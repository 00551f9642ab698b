"""Words and their confidences as files and a picture: of ten sure words nine should be right where .9 is said."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
    before_M: NDArray[np.float64],
    settings: Mapping[str, float],
    folder: Path,
) -> None:
    """Into ``folder``: ``confidences.tsv``, a word a line with its utterance's id, ``confidence.json``, the settings
    that validation chose, and ``reliability.png``, with what the words had ``before`` in grey.
    """
    (folder / "confidence.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    lines = ["utterance\tword\tconfidence\tright"]
    for (utterance_id, word), confidence, is_right in zip(words, confidence_M, is_right_M, strict=True):
        lines.append(f"{utterance_id}\t{word}\t{confidence:.4f}\t{int(is_right)}")
    (folder / "confidences.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _draw(confidence_M, is_right_M, before_M).savefig(folder / "reliability.png", dpi=110)


def _draw(confidence_M: NDArray[np.float64], is_right_M: NDArray[np.bool_], before_M: NDArray[np.float64]) -> Any:
    from matplotlib.figure import Figure  # only where something is drawn

    bins = reliability(confidence_M, is_right_M)
    figure = Figure(figsize=(4.2, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    before = reliability(before_M, is_right_M)
    for of_words, colour, name in ((before, "0.6", "posterior as it is"), (bins, "tab:blue", "mapped")):
        confidences, shares = [one.confidence for one in of_words], [one.share_right for one in of_words]
        axes.plot(confidences, shares, marker="o", color=colour, label=name)
    axes.legend(fontsize=8)
    for one in bins:
        axes.annotate(
            str(one.num_words), (one.confidence, one.share_right), xytext=(4, -10), textcoords="offset points"
        )
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="mean confidence", ylabel="share of words that are right")
    axes.set_title(f"{len(confidence_M)} words, their number at each point", fontsize=9)
    return figure
