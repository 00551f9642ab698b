"""``search:`` of a row: settings that Optuna chooses, trial after trial, for the best value of a metric.

Read strictly here; ``search.py`` asks for the trials. Neither optuna nor mlflow is imported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from experiments.errors import UserError, unknown
from experiments.table_files.table_values import read_mapping

KEYS = ("metric", "better", "trials", "parallel", "space")
OF_TEST = re.compile(r"(?<![a-z])test(?![a-z])", re.IGNORECASE)  # a word of the name: test/wer, wer_test


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``: whole ones where both are, evenly by logarithm where ``log`` is true."""

    low: float
    high: float
    log: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether integers alone are meant."""
        return isinstance(self.low, int) and isinstance(self.high, int)


@dataclass(frozen=True)
class Search:
    """``trials`` runs, chosen ``parallel`` at a time, for the best ``metric`` (its mean over seeds and folds).

    ``space`` has for each dotted path a range or the values to choose from. It is a part of the table, and how many run
    at once is not: the same file finds the same trials on any machine.
    """

    metric: str
    better: Literal["higher", "lower"]
    trials: int
    parallel: int
    space: Mapping[str, Range | tuple[Any, ...]]


def read_search(value: Any, *, where: str) -> Search:
    """Raises ``UserError`` in one line.

    >>> value = {"metric": "validation/cer", "better": "lower", "trials": 8,
    ...          "space": {"model.dropout": {"low": 0.0, "high": 0.5}, "model.encoder.cell": ["lstm", "gru"]}}
    >>> search = read_search(value, where="t.yaml")
    >>> search.parallel, search.space["model.dropout"]
    (4, Range(low=0.0, high=0.5, log=False))
    """
    fields = read_mapping(value, where=where, allowed=KEYS)
    metric, better = fields.get("metric"), fields.get("better", "higher")
    if not isinstance(metric, str):
        raise UserError(f"{where}.metric: expected the name of a metric such as validation/cer, got {metric!r}")
    if OF_TEST.search(metric):
        raise UserError(f"{where}.metric: {metric} is of the test split, which chooses nothing; take a validation one")
    if better not in ("higher", "lower"):
        raise UserError(f"{where}.better: {unknown('value', str(better), ('higher', 'lower'))}")
    numbers = {"trials": fields.get("trials", 20), "parallel": fields.get("parallel", 4)}
    for name, number in numbers.items():
        if type(number) is not int or number < 1:
            raise UserError(f"{where}.{name}: expected an integer >= 1, got {number!r}")
    axes = read_mapping(fields.get("space"), where=f"{where}.space")
    if not axes:
        raise UserError(f"{where}.space: expected ranges or lists by dotted path, such as {{model.dropout: [0, 0.2]}}")
    space = {path: _axis(axis, where=f"{where}.space.{path}") for path, axis in axes.items()}
    return Search(metric, better, numbers["trials"], numbers["parallel"], space)


def _axis(value: Any, *, where: str) -> Range | tuple[Any, ...]:
    if isinstance(value, list):
        if not value or not all(item is None or isinstance(item, str | int | float) for item in value):
            raise UserError(f"{where}: expected numbers, texts or classes to choose from, got {value!r}")
        return tuple(value)
    fields = read_mapping(value, where=where, allowed=("low", "high", "log"))
    for name in ("low", "high"):
        number = fields.get(name)
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise UserError(f"{where}.{name}: expected a number, got {number!r}")
    low, high, log = fields["low"], fields["high"], fields.get("log", False)
    if not isinstance(log, bool):
        raise UserError(f"{where}.log: expected true or false, got {log!r}")
    if low >= high:
        raise UserError(f"{where}: low {low} is not below high {high}")
    if log and low <= 0:
        raise UserError(f"{where}.low: {low} has no logarithm; above 0 is allowed")
    return Range(low, high, log)
