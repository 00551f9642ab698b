"""Curves of the expected best validation figure against the number of trials, a line a searched row, as PNGs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from experiments.errors import UserError
from experiments.reporting.chart_drawing import blank_figure, draw_legend, look
from experiments.reporting.searches.budget_table import BudgetTable
from experiments.table_files.spec import Table


def draw_budget_charts(table: Table, budget_tables: Sequence[BudgetTable], *, folder: Path) -> list[Path]:
    """``folder/search_METRIC.png`` for each metric that was searched by; returns the paths.

    Raises ``UserError`` where a chart of the table has that name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [_draw(table, of_metric, folder=folder) for of_metric in budget_tables]


def _draw(table: Table, of_metric: BudgetTable, *, folder: Path) -> Path:
    name = f"search_{re.sub('[^A-Za-z0-9_.-]+', '_', of_metric.metric)}"
    if name in (chart.name for chart in table.charts):
        raise UserError(f"{table.path.name}: charts.{name}: the chart of the table's searches has this name")
    figure, axis = blank_figure(f"expected best {of_metric.metric}")
    for number, (row, figures) in enumerate(of_metric.figures.items()):
        budget = range(1, len(figures) + 1)
        colour, style = look(number)
        marker = "." if len(figures) < 50 else ""
        axis.plot(budget, [of_metric.at(row, n) for n in budget], style, color=colour, marker=marker, label=row)
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.set_xlabel("trials")
    draw_legend(axis)
    says = f"{of_metric.better} is better; Dodge et al. 2019"
    of_tpe = f"; trials of TPE, no independent draws: {', '.join(of_metric.of_tpe)}" if of_metric.of_tpe else ""
    figure.supxlabel(says + of_tpe, fontsize=9, color="0.35", parse_math=False)
    path = folder / f"{name}.png"
    figure.savefig(path, dpi=110)
    return path
