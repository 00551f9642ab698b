"""How the pictures of a report look: colours that everybody tells apart, and shapes that need none.

The colours are Okabe and Ito's (Color Universal Design, 2008), without the yellow, which is too light for lines on
white paper.
"""

from __future__ import annotations

from typing import Any

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINE_STYLES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 2)), (0, (8, 2)))
MARKERS = "oD"
BASELINE: dict[str, Any] = {"color": "0.55", "linewidth": 1.1}
SINGLE_RUN: dict[str, Any] = {"alpha": 0.6, "markersize": 12, "markeredgewidth": 1.2}
TWIN_RUN = {**SINGLE_RUN, "markersize": 9}
FLOOR_DASHES: tuple[Any, ...] = ((0, (4, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1, 2)))


def blank(width_inches: float, height_inches: float) -> Any:
    """A figure on Agg: no display, and no state that other threads see."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_inches, height_inches), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def fill_style(verdict: str) -> dict[str, Any]:
    """Of a marker: full where something is sure, half if equivalent, hollow if undecided, small without a test."""
    if verdict == "undecided":
        return {"markersize": 7, "markerfacecolor": "white", "markeredgewidth": 1.5}
    if verdict == "equivalent":
        return {"markersize": 7, "fillstyle": "left", "markerfacecoloralt": "white"}
    return {"markersize": 7 if verdict else 4.5}
