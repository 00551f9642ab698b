"""A plan's finished runs as the files of a pack, with what a report of them needs beside: plan, cards, labels."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from datamodules.corpus_folder import CorpusMissingError
from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.stored_results.packs import layout
from experiments.stored_results.packs.archive import write_archive
from experiments.stored_results.packs.blanked import Blanked
from experiments.stored_results.packs.merged_references import MergedSplits
from experiments.stored_results.packs.packed_references import packed_references
from experiments.stored_results.packs.packed_run import Predictions, packed_run
from experiments.stored_results.packs.packed_weights import keys_with_weights, packed_weights
from experiments.stored_results.packs.plan_record import every_cell, write_plan
from experiments.stored_results.split_references import TestSplits
from experiments.stored_results.stored_scores import StoredScores
from experiments.table_files.spec import Table
from experiments.table_files.table_values import corpus_of
from experiments.tracking.mlflow_store import Tracker
from experiments.waiting import with_bar


class Packing:
    """Gathers a pack; says afterwards how many runs there are, of how many it has weights, and what was blanked.

    ``scored_by`` gives the version of a cell's scoring, as a report prints it.
    """

    def __init__(
        self, table: Table, cells: Sequence[Cell], tracker: Tracker, *, scored_by: Callable[[Cell], str]
    ) -> None:
        self.table, self.cells, self._tracker, self._scored_by = table, cells, tracker, scored_by
        self.blanked = Blanked()
        self.num_with_weights = 0
        self.runs = {
            cell.run.tags["key"]: cell for cell in every_cell(cells) if cell.state == "finished" and cell.run
        }  # of two cells with one run the last

    def write(self, path: Path, *, predictions: Predictions, curves: bool, weights: Sequence[str] = ()) -> str:
        """Write the pack, with weights of these rows; returns its digest.

        Raises ``UserError``, or ``OSError`` for a path that can't be written.
        """
        if not any(cell.row.table == self.table.name for cell in self.runs.values()):
            raise UserError(f"{self.table.name}: no finished run at scale {self.table.scale} to pack")
        with_weights = keys_with_weights(weights, self.table, self.cells)
        self.num_with_weights = len(with_weights)
        files: dict[str, bytes] = {}
        for key, cell in with_bar(sorted(self.runs.items(), key=lambda item: item[0]), "runs are packed"):
            assert cell.run is not None
            packed = packed_run(
                self._tracker, cell.run, family=cell.table.family, scored_by=self._scored_by(cell),
                predictions=predictions, curves=curves, blanked=self.blanked,
            )  # fmt: skip
            if key in with_weights:
                packed |= packed_weights(self._tracker, cell.run)
            files |= {f"runs/{key}/{name}": data for name, data in packed.items()}
        own = [cell for cell in self.cells if cell.row.table == self.table.name and cell.state == "finished"]
        splits = MergedSplits(self._tracker.root, self.cells)
        said, labels = packed_references(own, StoredScores(self._tracker), splits)
        document = {
            **write_plan(self.table, self.cells),
            "experiment_id": self._tracker.experiment_id(self.table.family),
            "cards": self._cards(splits),
            "references": said,
        }
        text = json.dumps(document, ensure_ascii=False, indent=0)
        table_text = self.table.path.read_text(encoding="utf-8-sig")
        files[layout.PLAN] = self.blanked.text(text).encode()
        files[layout.TABLE_FILE] = self.blanked.text(table_text).encode()
        return write_archive(path, {**files, **labels})

    def _cards(self, splits: TestSplits) -> dict[str, object]:
        """The cards of the corpora that rows and cells name, as far as they are prepared here or came with a pack."""
        cards: dict[str, object] = {}
        rows = [*self.table.rows.values(), *(cell.row for cell in self.cells)]
        for corpus in sorted({corpus_of(row.config) for row in rows}):
            try:
                cards[corpus] = asdict(splits.card(corpus))
            except CorpusMissingError:
                continue
        return cards
