"""Packs as a store that a report reads: table, cells, runs, labels and cards, without MLflow and without corpora.

Several packs of one table at one scale are one: of a cell that is finished in one of them that one counts, and two that
have other runs of it are refused. A pack is data: configurations stay text, and nothing that they name is imported.
"""

from __future__ import annotations

import contextlib
import csv
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from datamodules.clips.dcase_tsv import read_events, read_tags
from datamodules.corpus_folder import CorpusCard
from experiments.errors import UserError, first_line
from experiments.planning.cell import Cell
from experiments.runs.journal import CurvePoint
from experiments.stored_results.packs import layout
from experiments.stored_results.packs.archive import Archive, read_archive
from experiments.stored_results.packs.packed_references import PackedSplits
from experiments.stored_results.packs.packed_run import FAMILY, differing_figure
from experiments.stored_results.packs.plan_record import read_plan
from experiments.stored_results.stored_scores import (
    CONSTANTS,
    CURVES,
    EVENTS,
    SENTENCES,
    TAGS,
    TUNED_EVENTS,
    UTTERANCES,
    read_constants,
    read_sentences,
    read_utterances,
)
from experiments.table_files.spec import Table
from experiments.table_files.table_values import corpus_of
from experiments.tracking.store_place import StorePlace
from experiments.tracking.tracked_run import TrackedRun


def check_curves(file: Path | BytesIO) -> None:
    """An archive of arrays (npz) of no more bytes than a file may have. Raises ``ValueError`` for another.

    Arrays are read by their archived sizes, so that none can unpack to more.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            num_bytes = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise ValueError(f"{layout.CURVES}: {error}") from None
    if num_bytes > layout.MOST_BYTES_OF_A_FILE:
        raise ValueError(f"{layout.CURVES}: {num_bytes} bytes unpacked; at most {layout.MOST_BYTES_OF_A_FILE}")


READERS: Mapping[str, Callable[[Path], object]] = {
    EVENTS: read_events, TUNED_EVENTS: read_events, TAGS: read_tags, UTTERANCES: read_utterances,
    SENTENCES: read_sentences, CONSTANTS: read_constants, CURVES: check_curves,
}  # fmt: skip


class PackedStore:
    """The folders of packed runs, unfolded for the time of a command; there is nothing to fetch them from."""

    def __init__(self, folder: Path, *, experiment_id: str) -> None:
        self.root, self.uri = folder, ""
        self.place = StorePlace(folder, "", read_only=True)
        self.experiment_id: Callable[[str], str] = lambda _: experiment_id

    def run_dir(self, key_id: str) -> Path:
        """The folder of the run with this key."""
        return self.root / "runs" / key_id

    def artifact_folder(self, uri: str) -> Path | None:
        """None: whatever a packed run has is in its folder."""
        return None

    def download(self, run_id: str, artifact: str, folder: Path) -> None:
        """Raises ``OSError``."""
        raise FileNotFoundError(f"{artifact}: not in the pack")

    def curve(self, run_id: str, metric: str) -> list[CurvePoint]:
        """Empty: curves are in the journals."""
        return []


class Packed(NamedTuple):
    """What a report is made of."""

    table: Table
    store: PackedStore
    cells: list[Cell]
    splits: PackedSplits

    @property
    def card(self) -> Callable[[str], CorpusCard]:
        """What a corpus says of itself; raises ``CorpusMissingError`` for one that was not prepared there."""
        return self.splits.card


def open_packs(paths: Sequence[Path], folder: Path) -> Packed:
    """Read packs and unfold them into an empty folder. Raises ``UserError`` before anything is written there."""
    archives = [read_archive(path) for path in paths]
    check_same_runs(archives)
    packs = []
    for archive in archives:
        with reading(archive):
            read = {name: data for name, data in archive.files.items() if not name.endswith(layout.OF_WEIGHTS)}
            unfold(read, folder)
            _check_scores(archive, folder)
            packs.append(read_packed(archive, folder))
    return _together(packs, archives)


def _check_scores(archive: Archive, folder: Path) -> None:
    """Read every score file that tests read, so that a damaged one is told here."""
    for name in archive.files:
        if read := READERS.get(name.rpartition("/")[2]):
            read(folder / name)


@contextlib.contextmanager
def reading(archive: Archive) -> Iterator[None]:
    """Tells what is wrong inside a pack in one line. Raises ``UserError``."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{archive.path}: {error}") from None
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError, csv.Error) as error:
        raise UserError(f"{archive.path}: is damaged inside: {type(error).__name__}: {first_line(error)}") from None


def check_same_runs(archives: Sequence[Archive]) -> None:
    """Refuse packs that have one run with other figures: a key promises the same. Raises ``UserError``."""
    seen: dict[str, tuple[Archive, TrackedRun]] = {}
    for archive in archives:
        for key in keys_of(archive):
            with reading(archive):
                run = read_run(archive.files[f"runs/{key}/{layout.RUN}"], key=key).run
            other, known = seen.setdefault(key, (archive, run))
            if differing := differing_figure(known.metrics, run.metrics):
                raise UserError(f"run {key}: {differing}, in {other.path} and {archive.path}; allowed: one of them")


def unfold(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files of a pack, whose names were checked, below a folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


class PackedRun(NamedTuple):
    """What MLflow knew of a run, its experiment (``family``) and its name there; which ``predictions`` are packed."""

    family: str
    name: str
    run: TrackedRun
    predictions: str


def read_run(data: bytes, *, key: str) -> PackedRun:
    """A ``run.json``. Raises ``ValueError``, ``KeyError``, ``TypeError`` for another."""
    record = json.loads(data)
    tags = {str(name): str(text) for name, text in record["tags"].items()}
    if tags["key"] != key:
        raise ValueError(f"the run of the folder {key} says that its key is {tags['key']}")
    metrics = {str(name): float(value) for name, value in record["metrics"].items()}
    params = {str(name): str(value) for name, value in record["params"].items()}
    run = TrackedRun(str(record["run_id"]), "finished", tags, metrics, int(record["start_ms"]), "", params)
    return PackedRun(str(record[FAMILY]), str(record["name"]), run, str(record.get("predictions", "none")))


def keys_of(archive: Archive) -> list[str]:
    """The keys of the runs of a pack."""
    return sorted({name.split("/")[1] for name in archive.files if name.startswith("runs/")})


def read_packed(archive: Archive, folder: Path) -> Packed:
    """One pack; only its table file is written to ``folder``. Raises what ``reading`` tells in a line."""
    document: Mapping[str, Any] = json.loads(archive.files[layout.PLAN])
    runs = {key: read_run(archive.files[f"runs/{key}/{layout.RUN}"], key=key).run for key in keys_of(archive)}
    table_file = folder / f"{document['table']}.yaml"
    if table_file.parent != folder:
        raise ValueError(f"a table of the name {document['table']!r}")
    table_file.write_bytes(archive.files[layout.TABLE_FILE])
    table, cells = read_plan(document, runs, table_file=table_file)
    cards = {str(name): CorpusCard(**{**of, "classes": tuple(of["classes"])}) for name, of in document["cards"].items()}

    store = PackedStore(folder, experiment_id=str(document["experiment_id"]))
    splits = PackedSplits(document["references"], archive.files, cards)
    return Packed(table, store, cells, splits)


def _together(packs: Sequence[Packed], archives: Sequence[Archive]) -> Packed:
    first, *others = packs
    cells = {cell.name: cell for cell in first.cells}
    where = dict.fromkeys(cells, archives[0].path)
    for other, archive in zip(others, archives[1:], strict=True):
        for what in ("name", "scale", "overrides"):
            one, two = getattr(first.table, what), getattr(other.table, what)
            if one != two:
                raise UserError(
                    f"{archive.path}: of {what} {two!r}, and {archives[0].path} of {one!r}; allowed: the same"
                )
        if archive.files[layout.TABLE_FILE] != archives[0].files[layout.TABLE_FILE]:
            raise UserError(f"{archive.path}: its table file is another than that of {archives[0].path}")
        for cell in other.cells:
            known = cells.get(cell.name)
            if known is None or (known.state != "finished" and cell.state == "finished"):
                cells[cell.name], where[cell.name] = cell, archive.path
            elif known.run and cell.run and known.run.tags["key"] != cell.run.tags["key"]:
                raise UserError(
                    f"{archive.path}: {cell.name} is the run {cell.run.tags['key']}, and in {where[cell.name]} the run "
                    f"{known.run.tags['key']}; a mean is over runs of one key a cell"
                )
    _check_one_data(cells.values(), where)
    rows = dict(first.table.rows)
    for other in others:
        first.splits.add(other.splits)
        rows |= {name: row for name, row in other.table.rows.items() if name not in rows}
    return first._replace(table=replace(first.table, rows=rows), cells=list(cells.values()))


def _check_one_data(cells: Iterable[Cell], where: Mapping[str, Path]) -> None:
    """Refuse a corpus of which two packs had two draws: no mean is over both."""
    known: dict[str, Cell] = {}
    for cell in cells:
        if cell.key and cell.state == "finished":
            corpus = corpus_of(cell.row.config)
            other = known.setdefault(corpus, cell)
            if other.key and other.key.data != cell.key.data:
                raise UserError(
                    f"{where[cell.name]}: {cell.name} is on other data of the name {corpus} ({cell.key.data[:8]}) than "
                    f"{other.name} ({other.key.data[:8]}) in {where[other.name]}"
                )
