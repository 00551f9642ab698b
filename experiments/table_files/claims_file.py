"""A claims file: statements, and for each the comparisons of tables' rows that would show it. Read strictly.

The shape is in ``experiments/claims.yaml``. Neither torch nor mlflow is imported here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from experiments.errors import UserError, unknown
from experiments.table_files.table_values import check_name, read_mapping
from experiments.table_files.yaml_files import read_yaml

CLAIMS = Path(__file__).parents[1] / "claims.yaml"
TITLE, UNTITLED = "title", "Claims"
CLAIM_KEYS = ("says", "because", "evidence")
COMPARED = ("table", "scale", "row", "against", "column", "expect")
BOUNDED = ("table", "scale", "row", "column", "above", "below")
EXPECTATIONS = ("better", "worse", "not_worse", "higher", "lower")
Expectation = Literal["better", "worse", "not_worse", "higher", "lower"]


@dataclass(frozen=True)
class Comparison:
    """Two rows of a table in one metric, and how the first should come out; ``scale`` None is the table's first."""

    table: str
    scale: str | None
    row: str
    against: str
    metric: str
    expect: Expectation


@dataclass(frozen=True)
class Bound:
    """A row of a table in one metric beside a bound: a number, or another metric of the same runs."""

    table: str
    scale: str | None
    row: str
    metric: str
    side: Literal["above", "below"]
    bound: float | str


Evidence = Comparison | Bound


@dataclass(frozen=True)
class Claim:
    """A statement with its reason, and what would show it."""

    name: str
    says: str
    because: str
    evidence: tuple[Evidence, ...]


def read_claims(path: Path = CLAIMS) -> tuple[Claim, ...]:
    """Raises ``UserError`` in one line that names file, key, value and what is allowed."""
    claims = []
    for name, entry in _entries(path).items():
        if name == TITLE:
            continue
        where = f"{path.name}: {name}"
        check_name(name, where=where)
        fields = read_mapping(entry, where=where, allowed=CLAIM_KEYS)
        for key in ("says", "because"):
            if not isinstance(fields.get(key), str):
                raise UserError(f"{where}.{key}: expected a sentence, got {fields.get(key)!r}")
        evidence = fields.get("evidence")
        if not isinstance(evidence, list) or not evidence:
            raise UserError(f"{where}.evidence: expected a list of comparisons, got {evidence!r}")
        found = tuple(_evidence(item, where=f"{where}.evidence[{number}]") for number, item in enumerate(evidence))
        claims.append(Claim(name, fields["says"], fields["because"], found))
    if not claims:
        raise UserError(f"{path}: no claims in it")
    return tuple(claims)


def read_title(path: Path = CLAIMS) -> str:
    """The heading of what a file says: ``title:`` beside its claims, or ``UNTITLED``. Raises ``UserError``."""
    title = _entries(path).get(TITLE, UNTITLED)
    if not isinstance(title, str) or not title.strip():
        raise UserError(f"{path.name}: {TITLE}: expected the file's heading, not a claim, got {title!r}")
    return title


def _entries(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise UserError(f"{path}: no such claims file")
    return read_mapping(read_yaml(path), where=path.name)


def _evidence(value: Any, *, where: str) -> Evidence:
    is_bound = isinstance(value, dict) and ("above" in value or "below" in value)
    fields = read_mapping(value, where=where, allowed=BOUNDED if is_bound else COMPARED)
    for key in ("table", "row", "column", *(() if is_bound else ("against", "expect"))):
        if not isinstance(fields.get(key), str):
            raise UserError(f"{where}.{key}: expected a name, got {fields.get(key)!r}")
    scale = fields.get("scale")
    if scale is not None and not isinstance(scale, str):
        raise UserError(f"{where}.scale: expected a name, got {scale!r}")
    table, row, metric = fields["table"], fields["row"], fields["column"]
    if not is_bound:
        if fields["expect"] not in EXPECTATIONS:
            raise UserError(f"{where}.expect: {unknown('value', fields['expect'], EXPECTATIONS)}")
        return Comparison(table, scale, row, fields["against"], metric, fields["expect"])
    if "above" in fields and "below" in fields:
        raise UserError(f"{where}: above and below: one of them")
    side: Literal["above", "below"] = "above" if "above" in fields else "below"
    bound = fields[side]
    if isinstance(bound, bool) or not isinstance(bound, int | float | str):
        raise UserError(f"{where}.{side}: expected a number or a metric's name, got {bound!r}")
    return Bound(table, scale, row, metric, side, bound)
