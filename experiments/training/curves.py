"""Learning curves of one run, drawn from its journal: losses above, validation scores below, over epochs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from experiments.runs.journal import NAME, CurvePoint, read_lines

PICTURE = Path("pictures") / "learning_curves.png"


def learning_curves(run_dir: Path) -> dict[str, list[CurvePoint]]:
    """The points of each metric that training logged, by step; a resumed epoch's later value stands."""
    lines, _ = read_lines(run_dir / NAME)
    curves: dict[str, dict[int, CurvePoint]] = defaultdict(dict)
    for line in lines:
        values = line.fields.get("values", {})
        if line.kind == "metrics" and "epoch" in values:
            step = int(line.fields["step"])
            for key, value in values.items():
                if key != "epoch":
                    curves[key][step] = CurvePoint(step, float(values["epoch"]), float(value))
    return {key: [points[step] for step in sorted(points)] for key, points in sorted(curves.items())}


def spread_epochs(epochs: Sequence[float]) -> list[float]:
    """Where each point is drawn: an epoch's points share its width, in their order. Training logs many steps an epoch.

    >>> spread_epochs([0, 0, 1, 2, 2])
    [0.0, 0.5, 1.0, 2.0, 2.5]
    """
    totals, before = Counter(epochs), Counter[float]()
    places = []
    for epoch in epochs:
        places.append(epoch + before[epoch] / totals[epoch])
        before[epoch] += 1
    return places


def draw_learning_curves(run_dir: Path) -> Path | None:
    """Write ``pictures/learning_curves.png``; None where the journal has no curve."""
    from matplotlib.figure import Figure

    curves = learning_curves(run_dir)
    losses = {key: points for key, points in curves.items() if "loss" in key or "penalty" in key}
    scores = {key: points for key, points in curves.items() if key.startswith("validation/") and key not in losses}
    panels = [("loss", losses), ("validation score", scores)]
    panels = [panel for panel in panels if panel[1]]
    if not panels:
        return None
    figure = Figure(figsize=(8, 3 * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    for axis, (label, lines) in zip(axes, panels, strict=True):
        for key, points in lines.items():
            marker = "." if len(points) < 60 else None
            axis.plot(
                spread_epochs([point.epoch for point in points]),
                [point.value for point in points],
                label=key,
                marker=marker,
                linewidth=1.2,
            )
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    axes[-1].set_xlabel("epoch")
    path = run_dir / PICTURE
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110)
    return path
