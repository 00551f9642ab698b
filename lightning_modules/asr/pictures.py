"""Pictures of test utterances: the posteriors of a CTC network under the log-mel spectrogram.

One PNG an utterance, on one time axis in seconds; the title has what was said and what was written. Each token has a
curve, and its symbol stands above its peak; the blank is grey. Trained CTC shows spikes: a token is likely for a frame
or two and the blank is certain in between. matplotlib's object interface with the Agg canvas, imported when drawing.
``attention_pictures.py`` draws other panels under the same spectrogram and title.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import BLANK, UtteranceReferences
from lightning_modules.asr.predictions import PosteriorPredictions
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.layers.log_mel_picture import draw_log_mel
from lightning_modules.metrics.edits import TextEdits
from lightning_modules.metrics.text_scores import TextScores, score_texts

SPECTROGRAM = LogMelSettings(hop_seconds=0.01, window_seconds=0.025, num_mels=40)  # what recognisers see by default
READABLE_SECONDS = 4.0  # utterances of about this length are drawn where there is a choice
LABELLED_FROM = 0.2  # a token that reaches this probability, or is a frame's best, has its symbol above its peak
DRAWN_FROM = 0.02  # curves that stay below are left out
LABEL_ROWS = 3  # labels of neighbours stand at so many heights


class Peak(NamedTuple):
    """Where a token is likeliest within one stretch of frames."""

    frame: int
    token: int
    probability: float


def draw_utterances(
    predictions: PosteriorPredictions,
    hypotheses: Mapping[str, str],
    references: UtteranceReferences,
    *,
    count: int,
    folder: Path,
) -> list[Path]:
    """Draw ``choose_utterances`` to ``folder/NN-ID.png``, the worst first, in place of what was drawn there before.

    ``hypotheses`` are any decoder's texts of ``predictions``.
    """
    scores = score_texts(references.texts, hypotheses)
    chosen = choose_utterances(scores, references, count=count)
    log_probs_TV = {utterance: log_probs for utterance, log_probs in predictions if utterance in chosen}
    paths = empty_places(folder, chosen)
    for utterance, path in paths.items():
        figure, (ax,) = utterance_figure(utterance, references, panel_inches=(2.4,))
        draw_posteriors(ax, np.exp(log_probs_TV[utterance]), predictions)
        write_title(figure, utterance, scores, hypotheses[utterance], references)
        figure.savefig(path, dpi=110)
    return list(paths.values())


def empty_places(folder: Path, utterances: Sequence[str]) -> dict[str, Path]:
    """``folder/NN-ID.png`` by utterance, in a folder cleared of what was drawn there before."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.png"):
        stale.unlink()
    return {
        utterance: folder / f"{number:02d}-{utterance.replace('/', '_')}.png"
        for number, utterance in enumerate(utterances, start=1)
    }


def choose_utterances(scores: TextScores, references: UtteranceReferences, *, count: int) -> list[str]:
    """Utterances worth looking at, from the worst to the best; the same for the same input.

    Sorted by character error rate and cut into ``count`` equal shares; of each the one whose language was shown least
    so far, then the one nearest to ``READABLE_SECONDS``.
    """
    ordered = sorted(scores.utterances, key=lambda u: (-scores.utterances[u].characters.rate, u))
    shown: Counter[str] = Counter()
    chosen = []
    for share in np.array_split(np.arange(len(ordered)), max(1, min(count, len(ordered)))):
        candidates = [ordered[index] for index in share]
        if candidates and count > 0:
            best = min(
                candidates,
                key=lambda u: (
                    shown[references.languages[u]],
                    abs(references.duration_seconds[u] - READABLE_SECONDS),
                    u,
                ),
            )
            shown[references.languages[best]] += 1
            chosen.append(best)
    return chosen


def peaks(probabilities_TV: NDArray[np.floating], *, blank: int = BLANK) -> list[Peak]:
    """Tokens that are likely or best somewhere, a peak for each stretch of frames, sorted by frame.

    >>> peaks(np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.3, 0.4, 0.3], [1.0, 0.0, 0.0]]))
    [Peak(frame=1, token=1, probability=0.7), Peak(frame=2, token=2, probability=0.3)]
    """
    best_T = probabilities_TV.argmax(axis=1) if len(probabilities_TV) else np.zeros(0, dtype=int)
    found = []
    for token in range(probabilities_TV.shape[1]):
        if token != blank:
            curve_T = probabilities_TV[:, token]
            for start, end in _stretches((curve_T >= LABELLED_FROM) | (best_T == token)):
                frame = start + int(curve_T[start:end].argmax())
                found.append(Peak(frame, token, float(curve_T[frame])))
    return sorted(found)


def _stretches(inside_T: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """(start, end) of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside_T, [False]]).astype(np.int8)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def utterance_figure(
    utterance: str, references: UtteranceReferences, *, panel_inches: Sequence[float]
) -> tuple[Any, list[Any]]:
    """A figure with the log-mel spectrogram above and the axes of empty panels below it, all on one axis in seconds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    seconds = references.duration_seconds[utterance]
    heights = [2.6, *panel_inches]
    figure = Figure(figsize=(float(np.clip(1.6 * seconds, 11, 24)), sum(heights) + 1.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    waveform_S = references.load_waveform(utterance)
    draw_log_mel(axes[0], waveform_S, sample_rate_hz=references.sample_rate_hz, settings=SPECTROGRAM)
    axes[-1].set_xlabel("time (s)", fontsize=11)
    axes[-1].set_xlim(0, seconds)
    for ax in axes:
        ax.tick_params(labelsize=10)
    return figure, list(axes[1:])


def draw_posteriors(ax: Any, probabilities_TV: NDArray[np.floating], predictions: PosteriorPredictions) -> None:
    """A curve a token over seconds, symbols above the peaks, the blank in grey."""
    seconds_T = (np.arange(len(probabilities_TV)) + 0.5) * predictions.hop_seconds
    ax.fill_between(seconds_T, probabilities_TV[:, BLANK], color="0.9", linewidth=0, label="blank")
    ax.plot(seconds_T, probabilities_TV[:, BLANK], color="0.6", linewidth=0.9)
    for token, curve_T in enumerate(probabilities_TV.T):
        if token != BLANK and curve_T.max(initial=0.0) >= DRAWN_FROM:
            ax.plot(seconds_T, curve_T, color=_colour(token), linewidth=1.3)
    best_T = probabilities_TV.argmax(axis=1)
    top = 1.08
    for number, peak in enumerate(peaks(probabilities_TV)):
        height = top + 0.13 * (number % LABEL_ROWS)
        at = seconds_T[peak.frame]
        is_best = best_T[peak.frame] == peak.token
        ax.plot([at, at], [peak.probability, height - 0.02], color=_colour(peak.token), linewidth=0.5, alpha=0.5)
        ax.text(
            at,
            height,
            visible(predictions.symbols[peak.token]),
            color=_colour(peak.token),
            alpha=1.0 if is_best else 0.55,
            fontsize=11 if is_best else 8,
            fontweight="bold" if is_best else "normal",
            ha="center",
            va="bottom",
            parse_math=False,
            clip_on=True,
            in_layout=False,
        )
    ax.set_ylim(-0.03, top + 0.13 * LABEL_ROWS + 0.04)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1])
    ax.set_ylabel("posterior", fontsize=11)
    ax.grid(axis="x", alpha=0.3)
    ax.legend(
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        fontsize=10,
        frameon=False,
        title=f"bold: best path\n{visible(' ')}: space",
        title_fontsize=10,
    )


def write_title(
    figure: Any, utterance: str, scores: TextScores, hypothesis: str, references: UtteranceReferences
) -> None:
    """Reference, hypothesis and their errors, above the panels."""
    words, characters = scores.utterances[utterance]
    head = (
        f"{utterance} ({references.languages[utterance]}, {references.speakers[utterance]}): "
        f"{_errors(words, 'word')}, {_errors(characters, 'character')}"
    )
    width = int(figure.get_figwidth() * 9.5)  # characters of this font across the figure, less a margin
    lines = [textwrap.shorten(head, width=width + 10, placeholder="…")]
    for name, text in (("reference", references.texts[utterance]), ("hypothesis", hypothesis)):
        lines += textwrap.wrap(f"{name}: {text or '(empty)'}", width=width, subsequent_indent="        ")
    figure.suptitle("\n".join(lines), fontsize=12, x=0.02, ha="left", parse_math=False)


def _errors(edits: TextEdits, unit: str) -> str:
    return f"{edits.errors} {unit} error{'' if edits.errors == 1 else 's'} of {edits.length}"


def visible(symbol: str) -> str:
    """The symbol as a sign that can be seen."""
    return "\N{OPEN BOX}" if symbol == " " else symbol


def _colour(token: int) -> str:
    return f"C{token % 10}"
