"""Diagrams of docs/systems that no run draws: computed by the code that a page names, into docs/pictures.

    python tests/documents/diagrams.py           # a name or several: only these

``told`` what each system is told of a clip, ``pooling`` which frames the gradient of a tag reaches, ``lattice`` the
transducer's paths, ``listener`` how a pyramid halves the frames. 900 pixels wide; grey alone tells the lines apart.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")
import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from datamodules.annotations import BLANK, FrameGrid
from lightning_modules.layers.pooling import attention_pool, linear_softmax_pool, max_pool, mean_pool
from lightning_modules.losses.transducer import transducer_loss

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
INCHES, DPI = 9.0, 100
BLUE, ORANGE, GREY = "#1f5f99", "#c8601a", "#999999"
GRID = FrameGrid(hop_seconds=0.05)
NUM_FRAMES = 200
EVENTS = {"bird": [(1.2, 2.0), (6.4, 7.1)], "engine": [(3.0, 8.6)]}  # seconds


def told() -> Figure:
    """The targets of one clip: its tag on every frame, its events on their frames, its tag on the loudest frame."""
    figure, axes = plt.subplots(3, 1, figsize=(INCHES, 3.6), sharex=True, layout="constrained")
    seconds_T = np.arange(NUM_FRAMES) * GRID.hop_seconds
    loud = {"bird": 1.6, "engine": 5.1}
    for axis, title in zip(
        axes,
        ("strong labels: every frame of an event", "false strong labels: every frame of the clip",
         "weak labels (MIL): the frame that is loudest for the class, wherever it is"),
        strict=True,
    ):  # fmt: skip
        axis.set_title(title, loc="left", fontsize=9)
        axis.set_yticks([0.5, 1.7], list(EVENTS), fontsize=9)
        axis.set_ylim(-0.1, 2.4)
    for row, (label, events) in enumerate(EVENTS.items()):
        base, colour = 1.2 * row, (BLUE, ORANGE)[row]
        strong_T = np.zeros(NUM_FRAMES)
        for onset, offset in events:
            strong_T[GRID.nearest_edge(onset) : GRID.nearest_edge(offset)] = 1
        for axis, targets_T in ((axes[0], strong_T), (axes[1], np.ones(NUM_FRAMES))):
            axis.fill_between(seconds_T, base, base + targets_T, step="post", color=colour, alpha=0.8, linewidth=0)
        axes[2].bar(loud[label], 1, bottom=base, width=GRID.hop_seconds, color=colour)
        for onset, offset in events:
            axes[2].plot([onset, offset], [base, base], color=GREY, linewidth=2)
            axes[1].plot([onset, offset], [base, base], color="black", linewidth=2)
    axes[2].set_xlabel("seconds; lines below: where the events are", fontsize=9)
    return figure


def pooling() -> Figure:
    """∂ŷ/∂y_t of each pooling of one curve, and the attention weights that were assumed."""
    time_T = torch.arange(NUM_FRAMES) * GRID.hop_seconds
    curve_T = 0.08 + 0.62 * torch.exp(-(((time_T - 3.0) / 1.1) ** 2)) + 0.75 * torch.exp(-(((time_T - 7.6) / 0.2) ** 2))
    weights_T = 0.04 + torch.exp(-(((time_T - 3.2) / 1.4) ** 2))
    mask_BT = torch.ones(1, NUM_FRAMES, dtype=torch.bool)
    pools: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "mean": lambda curve_BTC: mean_pool(curve_BTC, mask_BT),
        "linear softmax": lambda curve_BTC: linear_softmax_pool(curve_BTC, mask_BT),
        "attention": lambda curve_BTC: attention_pool(curve_BTC, weights_T[None, :, None], mask_BT),
        "max (MIL)": lambda curve_BTC: max_pool(curve_BTC, mask_BT),
    }
    figure, axes = plt.subplots(1 + len(pools), 1, figsize=(INCHES, 5.0), sharex=True, layout="constrained")
    axes[0].plot(time_T, curve_T, color="black", label="curve $y_t$")
    axes[0].plot(time_T, weights_T / weights_T.max(), color=ORANGE, linestyle="--", label="attention $a_t$, scaled")
    axes[0].legend(fontsize=8, loc="upper right")
    axes[0].set_ylim(0, 1.15)
    for axis, (name, pool) in zip(axes[1:], pools.items(), strict=True):
        curve_BTC = curve_T[None, :, None].clone().requires_grad_()
        tag_BC = pool(curve_BTC)
        [gradient_BTC] = torch.autograd.grad(tag_BC.sum(), curve_BTC)
        axis.fill_between(time_T, 0, gradient_BTC[0, :, 0].numpy(), step="mid", color=BLUE, alpha=0.8, linewidth=0)
        axis.axhline(0, color=GREY, linewidth=0.8)
        axis.set_title(f"{name}: tag {tag_BC.item():.2f}", loc="left", fontsize=9)
        axis.tick_params(labelsize=8)
    axes[2].set_ylabel("$\\partial \\hat y / \\partial y_t$")
    axes[-1].set_xlabel("seconds")
    return figure


def lattice() -> Figure:
    """How probable each step of a transducer's lattice is, given the text, by the loss's own gradient."""
    text, num_frames = "kočka", 9
    num_tokens = len(text)
    generator = torch.Generator().manual_seed(3)
    logits_BTNV = 0.7 * torch.randn(1, num_frames, num_tokens + 1, num_tokens + 2, generator=generator)
    for frame in range(num_frames):  # a network that has learnt to walk along the diagonal
        place = frame * num_tokens / num_frames
        logits_BTNV[0, frame, :, BLANK] += torch.tensor([2.0 * (u - place) for u in range(num_tokens + 1)])
        for u in range(num_tokens):
            logits_BTNV[0, frame, u, 1 + u] += 1.5
    logits_BTNV.requires_grad_()
    tokens_BU = torch.arange(1, num_tokens + 1)[None]
    lengths = torch.tensor([num_frames]), tokens_BU, torch.tensor([num_tokens])
    [gradient_BTNV] = torch.autograd.grad(transducer_loss(logits_BTNV, *lengths).sum(), logits_BTNV)
    probs_TNV, gradient_TNV = logits_BTNV.detach().softmax(-1)[0], gradient_BTNV[0]
    occupancy_TN = gradient_TNV[..., -1] / probs_TNV[..., -1]  # a symbol that is never right has nothing subtracted
    figure, axis = plt.subplots(figsize=(INCHES, 4.4), layout="constrained")
    for frame in range(num_frames):
        for u in range(num_tokens + 1):
            axis.scatter(frame, u, s=18 + 160 * float(occupancy_TN[frame, u]), color="black", zorder=3)
            shares_V = occupancy_TN[frame, u] * probs_TNV[frame, u] - gradient_TNV[frame, u]
            _arrow(axis, (frame, u), (frame + 1, u), float(shares_V[BLANK]), BLUE)
            if u < num_tokens:
                _arrow(axis, (frame, u), (frame, u + 1), float(shares_V[1 + u]), ORANGE)
    axis.set_xticks(range(num_frames))
    axis.set_yticks(range(num_tokens + 1), ["nothing", *(text[: u + 1] for u in range(num_tokens))])
    axis.set_xlabel("frame $t$; blue: a blank goes on to the next frame, orange: a symbol is written")
    axis.set_ylabel("written so far")
    axis.set_xlim(-0.5, num_frames + 0.2)
    return figure


def listener() -> Figure:
    """Frames of each layer, two of a layer making one of the next, and one look of the speller."""
    num_frames, halvings = 32, 3
    figure, axis = plt.subplots(figsize=(INCHES, 3.8), layout="constrained")
    places = np.arange(num_frames, dtype=float)
    for layer in range(halvings + 1):
        axis.scatter(places, np.full(len(places), layer), s=60, color=BLUE, zorder=3)
        if layer < halvings:
            above = places.reshape(-1, 2).mean(axis=1)
            for number, place in enumerate(places):
                axis.plot([place, above[number // 2]], [layer, layer + 1], color=GREY, linewidth=1)
            places = above
    weights = np.exp(-(((np.arange(len(places)) - 1.3) / 0.6) ** 2))
    weights /= weights.sum()
    axis.scatter(num_frames / 2, halvings + 1.4, s=260, color=ORANGE, marker="s", zorder=3)
    for place, weight in zip(places, weights, strict=True):
        ends = [place, num_frames / 2], [halvings, halvings + 1.4]
        axis.plot(*ends, color=ORANGE, linewidth=0.4 + 8 * weight, alpha=0.8)
    names = ["log-mel", *(f"{num_frames // 2**layer} frames" for layer in range(1, halvings + 1)), "one token"]
    axis.set_yticks([*range(halvings + 1), halvings + 1.4], names)
    axis.set_xticks([])
    axis.spines[:].set_visible(False)
    return figure


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float], share: float, colour: str) -> None:
    line = {"arrowstyle": "-|>", "color": colour, "linewidth": 0.4 + 5 * share, "alpha": max(0.15, min(1.0, share * 2))}
    axis.annotate("", xy=end, xytext=start, arrowprops=line)


DIAGRAMS = {"told": told, "pooling": pooling, "lattice": lattice, "listener": listener}


def main() -> None:
    for name in sys.argv[1:] or DIAGRAMS:
        figure = DIAGRAMS[name]()
        figure.savefig(PICTURES / f"{name}.png", dpi=DPI, metadata={"Software": None})
        plt.close(figure)


if __name__ == "__main__":
    main()
