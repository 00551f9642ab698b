"""Whether a row's data are those of a row that it stands on: predictions are of clips, and in symbols, that are fixed.

Weights may come from another corpus, and so may a language model; what scores a run's predictions may not. A data
module of one's own is held to its corpus alone: its run says what else does not fit.
"""

from __future__ import annotations

from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.table_files.merge import get_path
from experiments.table_files.row_sources import WEIGHTS
from experiments.table_files.spec import Row

OWN = "own"
PREDICTED_WITH = {  # settings that fix which clips are predicted or in which symbols, and their defaults
    "corpus": None,
    "languages": None,
    "language_tags": False,
    "train_minutes": None,
    "unit": "character",
    "word_min_count": 1,
    "vocabulary_size": None,
    "apart_from": None,
    "test_joined": None,
}


def check_source_data(row: Row, name: str, other: Cell, *, where: str) -> None:
    """Raise ``UserError`` for a source ``name`` of a row whose data do not allow it."""
    _check_deal(row, other, where=where)
    if row.stage == "fit" and name in WEIGHTS:
        return
    kind, of_other = (get_path(config, "data") for config in (row.config, other.row.config))
    if kind != of_other:
        if name == OWN:
            raise UserError(f"{where}: {other.name} predicts for data of {of_other}, and this row's are of {kind}")
        return  # a language model, say, of the recogniser's texts
    for key, default in PREDICTED_WITH.items():
        here, there = (get_path(config, f"data.{key}") for config in (row.config, other.row.config))
        here, there = (default if value is None else value for value in (here, there))
        if here != there:
            raise UserError(
                f"{where}: {other.name} predicts for data.{key} {there}, and this row's is {here}; allowed: {there}, "
                "since predictions are of the clips and symbols of their training"
            )


def _check_deal(row: Row, other: Cell, *, where: str) -> None:
    """Raise ``UserError`` for a row that stands on another deal of its corpus, which may have trained on its test."""
    corpus, deal = (get_path(row.config, f"data.{key}") for key in ("corpus", "deal"))
    of_other = get_path(other.row.config, "data.deal")
    if deal != of_other and corpus == get_path(other.row.config, "data.corpus"):
        raise UserError(
            f"{where}: {other.name} has another deal of {corpus} ({of_other}, here {deal}) and may have trained on "
            f"what is tested here; allowed: the same folds in table {other.row.table}, or another corpus"
        )
