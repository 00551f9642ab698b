"""The test split that a run was scored on, as its data module gives it: strong labels, texts, and audio to hear.

Data modules are built from their section of the row alone, once for all rows that share it.
"""

from __future__ import annotations

import json
from typing import Any

from datamodules.annotations import ClipReferences, UtteranceReferences
from datamodules.corpus_folder import CorpusCard, CorpusMissingError
from datamodules.joined_corpora import read_cards
from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.table_files.table_values import corpus_of

References = ClipReferences | UtteranceReferences


class TestSplits:
    """References of test splits; ``why`` says in one line what is not there."""

    __test__ = False  # pytest: not a test

    def __init__(self) -> None:
        self._known: dict[str, References | None] = {}
        self.why: dict[str, str] = {}  # by the first row that asked
        self._unread: dict[str, str] = {}  # by data section

    def of(self, cell: Cell) -> References | None:
        """The references of a cell's test split; None where the corpus is not on this disk, or has no audio."""
        config = {section: cell.row.config[section] for section in ("data", "scoring")}
        name = data_name(cell)
        if name not in self._known:
            self._known[name] = self._read(cell, config)
        return self._known[name]

    def card(self, corpus: str) -> CorpusCard:
        """What a corpus says of itself. Raises ``CorpusMissingError``."""
        return read_cards(corpus)

    def why_not(self, cell: Cell) -> str:
        """Why the references of a cell, could not be read; empty where they were, or nobody asked for them."""
        return self._unread.get(data_name(cell), "")

    def _read(self, cell: Cell, config: dict[str, Any]) -> References | None:
        from experiments.configuration.schema import build  # torch, and the row's classes

        where = f"{cell.table.path.name}: rows.{cell.row.name}"
        try:
            read_cards(corpus_of(config))  # which says what prepares a corpus that is not here
            data = build(config, stage="score", seed=cell.seed, where=where, imports=cell.table.imports).data
            data.setup("score")
            references = data.references("test")
        except (UserError, CorpusMissingError, OSError, ValueError) as error:
            self.why[where] = self._unread[data_name(cell)] = str(error).splitlines()[0]
            return None
        return references if isinstance(references, ClipReferences | UtteranceReferences) else None


def data_name(cell: Cell) -> str:
    """The data section of a cell as text: cells that share it share their test split."""
    return json.dumps(cell.row.config["data"], sort_keys=True)
