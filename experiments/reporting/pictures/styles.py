"""How the pictures of a report look: colours that everybody tells apart, and shapes that need none.

The colours are Okabe and Ito's (Color Universal Design, 2008), without the yellow, which is too light for lines on
white paper.
"""

from __future__ import annotations

from typing import Any

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINE_STYLES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 2)), (0, (8, 2)))
MARKERS = "oD"
FLOOR_DASHES: tuple[Any, ...] = ((0, (4, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1, 2)))


def blank(width_inches: float, height_inches: float) -> Any:
    """A figure on Agg: no display, and no state that other threads see."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_inches, height_inches), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def fill_style(verdict: str) -> dict[str, Any]:
    """Of a marker: full where something is sure, half of an equivalent row, hollow of an undecided one."""
    if verdict == "undecided":
        return {"markerfacecolor": "white", "markeredgewidth": 1.5}
    return {"fillstyle": "left", "markerfacecoloralt": "white"} if verdict == "equivalent" else {}
