"""``from:`` of a row: the runs that it stands on, each at the row's own seed or at a fixed one.

``seed`` is the name of the run whose weights a fine-tuned row starts from (``fine_tuning:``); a row that trains has
either both or neither. ``labels`` is the name of the run whose network labels what a row trains on.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.errors import UserError
from experiments.table_files.merge import Config
from experiments.table_files.table_values import check_seed_number, read_mapping

SEED = "seed"
LABELS = "labels"
KNOWN = ("own", SEED, LABELS, "language_model", "tagger")  # to systems, decoders and scorings of earmark
WEIGHTS = (SEED, LABELS)  # of a row that trains; by every other name a run gives its predictions


@dataclass(frozen=True)
class Source:
    """A row of a table; ``seed`` None is the seed of the row that stands on it."""

    table: str
    row: str
    seed: int | None = None


def read_sources(value: Any, *, table: str, where: str) -> dict[str, Source]:
    """``{name: row}``, ``{name: table/row}`` or ``{name: {row: …, seed: 0}}``, by name."""
    sources = read_mapping(value, where=where)
    for name in sources:
        close = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.8)
        if close and name not in KNOWN:  # code of a user's own may have other names, farther away
            raise UserError(f"{where}.{name}: unknown name, did you mean {close[0]!r}? allowed: {', '.join(KNOWN)}")
    return {name: _source(source, table=table, where=f"{where}.{name}") for name, source in sources.items()}


def _source(value: Any, *, table: str, where: str) -> Source:
    seed, row = None, value
    if isinstance(value, dict):
        fields = read_mapping(value, where=where, allowed=("row", "seed"))
        seed, row = fields.get("seed"), fields.get("row")
        if seed is not None:
            check_seed_number(seed, where=f"{where}.seed")
    if not isinstance(row, str):
        raise UserError(f"{where}: expected row, table/row or {{row: table/row, seed: 0}}, got {value!r}")
    first, slash, rest = row.partition("/")
    return Source(table=first, row=rest, seed=seed) if slash else Source(table=table, row=row, seed=seed)


def check_seed(config: Config, sources: Mapping[str, Source], *, stage: str, where: str) -> None:
    """A run that trains has ``fine_tuning`` and ``from.seed``, or neither. Raises ``UserError``."""
    if stage != "fit":
        return
    if "fine_tuning" in config and SEED not in sources:
        raise UserError(f"{where}: fine_tuning: needs the run to start from: from: {{{SEED}: row or table/row}}")
    if SEED in sources and "fine_tuning" not in config:
        raise UserError(f"{where}.from.{SEED}: needs a fine_tuning section that says what starts from the seed")
