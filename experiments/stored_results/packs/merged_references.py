"""What merged packs know of the data of their runs, kept so that reports test them without the corpora themselves.

A corpus that is on this disk is always asked first. Sounds do not travel.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from datamodules.annotations import ClipReferences
from datamodules.corpus_folder import CorpusCard, CorpusMissingError
from datamodules.joined_corpora import read_cards
from experiments.planning.cell import Cell
from experiments.planning.merged_data import FOLDER, is_merged, merged_folder
from experiments.stored_results.packs.packed_references import plain_references, references_of
from experiments.stored_results.packs.packed_store import Packed
from experiments.stored_results.packs.plan_record import every_cell
from experiments.stored_results.split_references import References, TestSplits, data_name
from experiments.table_files.table_values import corpus_of


def kept(packed: Packed, root: Path) -> dict[Path, bytes]:
    """The files below ``root`` that a pack's cards and labels become; nothing is written.

    Raises ``ValueError`` for a run whose digest of its data is none.
    """
    files: dict[Path, bytes] = {}
    for cell in every_cell(packed.cells):
        if cell.run is None:
            continue
        folder = merged_folder(root, cell.run.tags["key.data"])
        corpus = corpus_of(cell.row.config)
        card, labels = _card(folder, corpus), _labels(folder, cell)
        if labels in files:
            continue  # cells that share a data section share its labels
        try:
            files[card] = json.dumps(asdict(packed.card(corpus)), ensure_ascii=False).encode()
        except CorpusMissingError:
            continue  # it was not prepared where the pack was made: there is nothing to say of it
        if isinstance(references := packed.splits.of(cell), ClipReferences):
            files[labels] = json.dumps(plain_references(references), ensure_ascii=False).encode()
    return files


def differing(files: dict[Path, bytes], root: Path) -> str:
    """Which labels are kept here of the same data with other contents; empty where there are none."""
    for path, data in files.items():
        if path.name.startswith("labels-") and path.is_file():
            here, there = (references_of(json.loads(of)) for of in (path.read_bytes(), data))
            if (here.classes, here.tags, here.events) != (there.classes, there.tags, there.events):
                return f"labels of the data {path.parent.name[:8]}: others in {path.relative_to(root)} than in the pack"
    return ""


def keep(files: dict[Path, bytes]) -> None:
    """Write what is not there yet, each in one step. Raises ``OSError``."""
    for path, data in files.items():
        if path.is_file():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        partial.write_bytes(data)
        partial.replace(path)


class MergedSplits(TestSplits):
    """Answers by the corpora on this disk and, for those that are not, by what came with merged packs."""

    def __init__(self, root: Path, cells: Sequence[Cell]) -> None:
        super().__init__()
        self._root = root
        self._folders: dict[str, Path] = {}
        if (root / FOLDER).is_dir():
            finished = [cell for cell in every_cell(cells) if cell.run]
            self._folders = {corpus_of(cell.row.config): folder for cell in finished if (folder := self._folder(cell))}

    def card(self, corpus: str) -> CorpusCard:
        """Of the corpus on this disk, else as it was where the runs were made. Raises ``CorpusMissingError``."""
        try:
            return super().card(corpus)
        except CorpusMissingError:
            folder = self._folders.get(corpus)
            card = None if folder is None else _card_in(folder, corpus)
            if card is None:
                raise
            return card

    def _read(self, cell: Cell, config: dict[str, Any]) -> References | None:
        try:
            read_cards(corpus_of(cell.row.config))
        except CorpusMissingError:
            folder = self._folder(cell)
            plain = None if folder is None else _read(_labels(folder, cell))
            if plain is not None:
                return references_of(plain)
        return super()._read(cell, config)

    def _folder(self, cell: Cell) -> Path | None:
        data = cell.run.tags.get("key.data") if cell.run else None  # another's run may have no key
        return None if data is None else merged_folder(self._root, data)


def merged_card(root: Path, digest: str, corpus: str) -> CorpusCard | None:
    """The card of a corpus, with this digest of its data, as it was where merged runs were made; None without one."""
    return _card_in(merged_folder(root, digest), corpus) if is_merged(root, digest) else None


def _card_in(folder: Path, corpus: str) -> CorpusCard | None:
    fields = _read(_card(folder, corpus))
    return None if fields is None else CorpusCard(**{**fields, "classes": tuple(fields["classes"])})


def _card(folder: Path, corpus: str) -> Path:
    return folder / f"card-{_short(corpus)}.json"


def _labels(folder: Path, cell: Cell) -> Path:
    return folder / f"labels-{_short(data_name(cell))}.json"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_bytes()) if path.is_file() else None
