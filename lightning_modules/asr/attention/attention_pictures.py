"""Pictures of test utterances: what an attention decoder looked at while it wrote each token.

Under the log-mel spectrogram, on its time axis: a row for each token, read from top to bottom, dark where its weight
is; the last row is the end of the text. A trained model's weights go from the upper left to the lower right corner
(Bahdanau 2014, figure 3; Chan 2015, figure 2). Where the same utterance has CTC posteriors (a hybrid model), they stand
in between: spikes of CTC beside the band of attention, in one picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import UtteranceReferences
from lightning_modules.asr.pictures import (
    choose_utterances,
    draw_posteriors,
    empty_places,
    utterance_figure,
    visible,
    write_title,
)
from lightning_modules.asr.predictions import PosteriorPredictions
from lightning_modules.metrics.text_scores import score_texts

END = "\N{DOWNWARDS ARROW WITH TIP RIGHTWARDS}"  # the end token's row; any sign that no text holds
ROW_INCHES = 0.11  # of a row at the font size of its label
PANEL_INCHES = (2.4, 12.0)  # the least and the most of the attention panel


@dataclass(frozen=True)
class Alignment:
    """The attention of one utterance's hypothesis: ``tokens`` without the end token, and a row of weights for each.

    ``weights_UT`` (U = tokens + 1, T the utterance's own encoded frames) has the end token's row last; rows sum to 1.
    A frame is ``hop_seconds`` long. Raises ``ValueError`` for another number of rows or weights that do not sum to 1.
    """

    tokens: tuple[int, ...]
    weights_UT: NDArray[np.floating]
    hop_seconds: float

    def __post_init__(self) -> None:
        if self.weights_UT.ndim != 2 or len(self.weights_UT) != len(self.tokens) + 1:
            shape = "x".join(map(str, self.weights_UT.shape))
            raise ValueError(f"weights_UT is {shape}, expected a row for each of {len(self.tokens)} tokens and the end")
        sums_U = self.weights_UT.sum(axis=1)
        if not np.allclose(sums_U, 1, atol=1e-3):
            worst = int(np.abs(sums_U - 1).argmax())
            raise ValueError(f"weights_UT row {worst} sums to {sums_U[worst]:.4g}, expected 1 over the own frames")


def draw_alignments(
    alignments: Mapping[str, Alignment],
    hypotheses: Mapping[str, str],
    references: UtteranceReferences,
    *,
    count: int,
    folder: Path,
    posteriors: PosteriorPredictions | None = None,
) -> list[Path]:
    """Draw ``choose_utterances`` to ``folder/NN-ID.png``, from the worst to the best, in place of older pictures.

    ``hypotheses`` are the texts of ``alignments``; ``posteriors`` the CTC branch's of the same utterances. Raises
    ``ValueError`` naming an utterance that has no alignment or, where there are posteriors, none of these.
    """
    scores = score_texts(references.texts, hypotheses)
    chosen = choose_utterances(scores, references, count=count)
    log_probs_TV = {} if posteriors is None else {key: log_probs for key, log_probs in posteriors if key in chosen}
    _require(chosen, alignments, name="alignments")
    if posteriors is not None:
        _require(chosen, log_probs_TV, name="posteriors")
    paths = empty_places(folder, chosen)
    for utterance, path in paths.items():
        alignment = alignments[utterance]
        rows_inches = float(np.clip(ROW_INCHES * len(alignment.weights_UT), *PANEL_INCHES))
        panel_inches = (rows_inches,) if posteriors is None else (2.4, rows_inches)
        figure, axes = utterance_figure(utterance, references, panel_inches=panel_inches)
        if posteriors is not None:
            draw_posteriors(axes[0], np.exp(log_probs_TV[utterance]), posteriors)
        _draw_attention(axes[-1], alignment, references.symbols, height_points=72 * rows_inches)
        write_title(figure, utterance, scores, hypotheses[utterance], references)
        figure.savefig(path, dpi=110)
    return list(paths.values())


def _require(chosen: list[str], known: Mapping[str, object], *, name: str) -> None:
    for utterance in chosen:
        if utterance not in known:
            raise ValueError(f"{name} have no utterance {utterance!r}, which the references have")


def _draw_attention(ax: Any, alignment: Alignment, symbols: tuple[str, ...], *, height_points: float) -> None:
    """A row a token, dark where it looks; a point is 1/72 of an inch."""
    from matplotlib.patches import Patch

    num_rows, num_frames = alignment.weights_UT.shape
    most = float(alignment.weights_UT.max())
    ax.imshow(
        alignment.weights_UT,
        aspect="auto",
        cmap="Greys",
        vmin=0.0,
        vmax=most,
        interpolation="nearest",
        extent=(0, num_frames * alignment.hop_seconds, num_rows - 0.5, -0.5),
    )
    labels = [*(visible(symbols[token]) for token in alignment.tokens), END]
    size = float(np.clip(0.8 * height_points / num_rows, 3, 10))
    ax.set_yticks(range(num_rows), labels, fontsize=size, parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.set_ylabel("output token", fontsize=11)
    ax.grid(axis="x", alpha=0.3)
    ax.legend(
        handles=[
            Patch(facecolor="black", edgecolor="0.6", label=f"weight {most:.2f}"),
            Patch(facecolor="white", edgecolor="0.6", label="weight 0"),
        ],
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        fontsize=10,
        frameon=False,
        title=f"{visible(' ')}: space\n{END}: end of text",
        title_fontsize=10,
        alignment="left",
    )
