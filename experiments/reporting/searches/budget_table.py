"""The expected best validation figure of each searched row against the budget, so that no row wins by being tuned more.

One table for all searches of one metric. ``expected_best.py`` has the estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from experiments.reporting.searched import Searched
from experiments.statistics.expected_best import budgets, expected_best


@dataclass(frozen=True)
class BudgetTable:
    """Of the searches of one metric: by row the figures of its trials that ended, at least one each.

    ``of_tpe`` are the rows whose trials learnt from each other, ``worst`` says how many trials of a row failed or
    diverged and count as its worst finite figure.
    """

    metric: str
    better: Literal["higher", "lower"]
    figures: dict[str, tuple[float, ...]]
    of_tpe: tuple[str, ...]
    worst: dict[str, int]

    @property
    def heading(self) -> str:
        """What the numbers are."""
        return f"Expected best {self.metric} of n trials ({self.better} is better), over the trials that ended"

    def grid(self) -> list[list[str]]:
        """A line a row; a budget larger than a row's trials is a dash."""
        wanted = budgets(max(map(len, self.figures.values())))
        lines = [["row", "trials", *(f"n={n}" for n in wanted)]]
        for row, figures in self.figures.items():
            best = {n: self.at(row, n) for n in wanted if n <= len(figures)}
            shown = [f"{best[n]:.4g}" if n in best else "–" for n in wanted]
            lines.append([row, str(len(figures)), *shown])
        return lines

    def at(self, row: str, num_trials: int) -> float:
        """A row's expected best of so many trials."""
        return expected_best(self.figures[row], num_trials, better=self.better)

    def notes(self) -> list[str]:
        """What must be known of the numbers, a line each."""
        says = [
            "n trials are drawn with replacement from a row's: what that budget would have found (Dodge et al. 2019)."
        ]
        if self.of_tpe:
            says.append(
                f"{', '.join(self.of_tpe)}: trials of the TPE sampler, which learns from those before; they are no "
                "independent draws, and their curve says what this search found, not what n of its trials would have."
            )
        if self.worst:
            counts = ", ".join(f"{row} {count}" for row, count in self.worst.items())
            says.append(f"Trials that failed or diverged count as their row's worst figure: {counts}.")
        return says


def budget_tables(searches: Sequence[Searched]) -> list[BudgetTable]:
    """A table a metric, in the searches' order; a search without a finite figure is in none."""
    tables: dict[tuple[str, Literal["higher", "lower"]], BudgetTable] = {}
    for searched in searches:
        search, found = searched.search, list(searched.figures.values())
        if not found:
            continue
        empty = BudgetTable(search.metric, search.better, {}, (), {})
        table = tables.setdefault((search.metric, search.better), empty)
        worst = min(found) if search.better == "higher" else max(found)
        without = searched.num_ended - len(found)
        figures = (*found, *[worst] * without)
        tables[search.metric, search.better] = BudgetTable(
            table.metric,
            table.better,
            {**table.figures, searched.row: figures},
            (*table.of_tpe, searched.row) if search.sampler == "tpe" else table.of_tpe,
            {**table.worst, searched.row: without} if without else table.worst,
        )
    return list(tables.values())
