"""``search:`` of a row: settings that Optuna chooses, trial after trial, for the best value of a metric.

Read strictly here; ``search.py`` asks for the trials. Neither optuna nor mlflow is imported. A table's own ``search:``,
which gives every row the same, is read by ``shared_search.py``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from experiments.errors import UserError, unknown
from experiments.table_files.folds import set_value
from experiments.table_files.table_values import read_mapping, read_seeds, read_texts

if TYPE_CHECKING:
    from experiments.table_files.spec import Row

KEYS = ("metric", "better", "trials", "parallel", "space", "sampler", "seeds", "folds")
SAMPLERS = ("tpe", "random")
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
    """``trials`` runs, chosen ``parallel`` at a time, for the best ``metric``, a mean over seeds and folds.

    ``space`` has for each dotted path a range or the values to choose from. It is a part of the table, and how many run
    at once is not: the same file finds the same trials on any machine. ``sampler`` is ``tpe``, which learns from the
    trials that ended, or ``random``, whose trials are independent draws. ``seeds`` and ``folds`` are those that trials
    run at, None for all of the row: the best trial then runs at the rest.
    """

    metric: str
    better: Literal["higher", "lower"]
    trials: int
    parallel: int
    space: Mapping[str, Range | tuple[Any, ...]]
    sampler: Literal["tpe", "random"] = "tpe"
    seeds: tuple[int, ...] | None = None
    folds: tuple[str, ...] | None = None


def read_search(value: Any, *, where: str) -> Search:
    """Raises ``UserError`` in one line.

    >>> value = {"metric": "validation/cer", "better": "lower", "trials": 8,
    ...          "space": {"model.dropout": {"low": 0.0, "high": 0.5}, "model.encoder.cell": ["lstm", "gru"]}}
    >>> search = read_search(value, where="t.yaml")
    >>> search.parallel, search.space["model.dropout"]
    (4, Range(low=0.0, high=0.5, log=False))
    """
    fields = read_mapping(value, where=where, allowed=KEYS)
    metric, better, sampler = fields.get("metric"), fields.get("better", "higher"), fields.get("sampler", "tpe")
    if not isinstance(metric, str):
        raise UserError(f"{where}.metric: expected the name of a metric such as validation/cer, got {metric!r}")
    if OF_TEST.search(metric):
        raise UserError(f"{where}.metric: {metric} is of the test split, which chooses nothing; take a validation one")
    if better not in ("higher", "lower"):
        raise UserError(f"{where}.better: {unknown('value', str(better), ('higher', 'lower'))}")
    if sampler not in SAMPLERS:
        raise UserError(f"{where}.sampler: {unknown('value', str(sampler), SAMPLERS)}")
    numbers = {"trials": fields.get("trials", 20), "parallel": fields.get("parallel", 4)}
    for name, number in numbers.items():
        if type(number) is not int or number < 1:
            raise UserError(f"{where}.{name}: expected an integer >= 1, got {number!r}")
    axes = read_mapping(fields.get("space"), where=f"{where}.space")
    if not axes:
        raise UserError(f"{where}.space: expected ranges or lists by dotted path, such as {{model.dropout: [0, 0.2]}}")
    space = {path: _axis(axis, where=f"{where}.space.{path}") for path, axis in axes.items()}
    seeds = read_seeds(fields["seeds"], where=where) if "seeds" in fields else None
    folds = read_texts(fields.get("folds"), where=f"{where}.folds") or None
    return Search(metric, better, numbers["trials"], numbers["parallel"], space, sampler, seeds, folds)


def check_searches(
    rows: Iterable[Row], *, seeds: Sequence[int], folds: Collection[str], overrides: Mapping[str, Any], where: str
) -> None:
    """Raise ``UserError`` for a seed or a fold at which a searched row does not run, and a ``--set`` of its space."""
    for row in rows:
        if row.search is None:
            continue
        of_row = row.seeds or seeds
        if extra := sorted(set(row.search.seeds or ()) - set(of_row)):
            raise UserError(f"{where}: search.seeds: {extra[0]} is none of the seeds {list(of_row)} of row {row.name}")
        for fold in row.search.folds or ():
            if fold not in folds:
                says = unknown("fold", fold, folds) if folds else f"unknown fold {fold!r}: the table has no folds"
                raise UserError(f"{where}: search.folds: {says}")
        for path in row.search.space:
            if set_value(overrides, path) is not None:
                raise UserError(
                    f"{where}: --set {path}: chosen by the search of row {row.name}; leave it to one of them"
                )


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
