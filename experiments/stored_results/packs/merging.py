"""Packs into a store: looked at whole first, then written, or not at all.

A run comes as a finished run's folder, and is delivered to MLflow as any other: curves with their steps, params, tags,
files. Of a run that the store has finished with the same figures nothing is written again but weights, predictions
and n-grams that it lacks. The tag ``earmark.merged`` has the digest of the pack. Labels and cards of the pack's data
are kept for reports without the corpora.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from experiments.errors import UserError
from experiments.planning.merged_data import MERGED
from experiments.runs import journal, provenance
from experiments.runs.keys import RunKey
from experiments.runs.run_folder import BEST, KEY, NGRAMS, PREDICTIONS, TRACKED, is_locked
from experiments.stored_results.packs import layout
from experiments.stored_results.packs.archive import Archive
from experiments.stored_results.packs.merged_files import GIVEN, give, lacks, write_given
from experiments.stored_results.packs.merged_references import differing, keep, kept
from experiments.stored_results.packs.packed_run import differing_figure, logged
from experiments.stored_results.packs.packed_store import (
    Packed,
    PackedRun,
    check_curves,
    check_same_runs,
    keys_of,
    read_packed,
    read_run,
    reading,
    unfold,
)
from experiments.stored_results.packs.packed_weights import checked_weights, has_weights
from experiments.stored_results.packs.plan_record import every_cell
from experiments.table_files.stored_names import name_problem
from experiments.table_files.table_values import check_name
from experiments.table_files.yaml_files import parse_value
from experiments.tracking import delivery, launcher_identity
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import STATE, TrackedRun
from experiments.waiting import with_bar

STATES = ("started", "finished", "failed", "stopped")


@dataclass
class Merge:
    """What is to be written, looked at before anything is: runs by key with their pack, and those that are there.

    ``there`` has the store's record, where there is one yet; ``given`` the packs that a run gets its weights,
    predictions or n-grams from, by key and what is given; ``references`` the files of labels and cards by their place.
    ``rows`` are tags, by key: the rows of the packs' tables that a run stands for, which may be another table's run.
    """

    new: dict[str, tuple[Archive, PackedRun]] = field(default_factory=dict)
    there: dict[str, TrackedRun | None] = field(default_factory=dict)
    given: dict[tuple[str, str], Archive] = field(default_factory=dict)
    references: dict[Path, bytes] = field(default_factory=dict)
    rows: dict[str, dict[str, str]] = field(default_factory=dict)


def look(archives: Sequence[Archive], tracker: Tracker) -> Merge:
    """Check every run of the packs against each other and the store; nothing is written.

    Raises ``UserError``, and ``TrackingError`` where the store does not answer.
    """
    check_same_runs(archives)
    merge = Merge()
    in_store: dict[str, bool] = {}  # whether a family has an experiment: asking for its runs would make one
    conflicts = []
    for archive in archives:
        for key in with_bar(keys_of(archive), f"runs of {archive.path.name} are checked"):
            with reading(archive):
                packed = checked_run(archive, key)
            family = packed.family
            if family not in in_store:
                in_store[family] = bool(tracker.experiment_tags(family))  # fails where the store does not answer
            if conflict := _conflict(key, packed, tracker, in_store=in_store[family]):
                conflicts.append(f"{archive.path}: run {key} ({packed.name}): {conflict}")
                continue
            run = _finished(key, packed, tracker, in_store=in_store[family])
            is_there = run is not None or tracker.run_dir(key).exists()
            if is_there:
                merge.there[key] = run
            else:
                merge.new[key] = archive, packed
            for name in _has(archive, key, packed):
                if not is_there or lacks(name, key, run, tracker):
                    merge.given.setdefault((key, name), archive)
        if layout.PLAN not in archive.files:
            continue  # the record of an exported run, which has no table
        with reading(archive), tempfile.TemporaryDirectory(prefix="earmark-") as folder:
            planned = read_packed(archive, Path(folder))
            _add_rows(merge, planned)
            references = kept(planned, tracker.root)
            if differs := differing(references, tracker.root):
                conflicts.append(f"{archive.path}: {differs}")
            merge.references |= references
    if conflicts:
        more = f" (and {len(conflicts) - 1} more)" if len(conflicts) > 1 else ""
        raise UserError(f"{conflicts[0]}{more}; nothing was merged")
    return merge


def _add_rows(merge: Merge, planned: Packed) -> None:
    """The rows that a pack's runs stand for. Raises ``ValueError`` for a name that the store does not take."""
    for cell in every_cell(planned.cells):
        if cell.run is not None:
            tag = f"row.{cell.row.table}"
            if problem := name_problem(tag):
                raise ValueError(f"{tag!r}: {problem}")
            merge.rows.setdefault(cell.run.tags["key"], {}).setdefault(tag, cell.row.name)


def _conflict(key: str, packed: PackedRun, tracker: Tracker, *, in_store: bool) -> str:
    """What speaks against writing a run, or taking the one that is here for it."""
    folder = tracker.run_dir(key)
    if is_locked(folder):
        return "is being worked on here"
    for run in tracker.find(packed.family, tags={"key": key, STATE: "finished"}) if in_store else ():
        if differing := differing_figure(run.metrics, packed.run.metrics):
            return f"{differing}, in this store and in the pack"
        return ""
    if not folder.exists():
        return ""
    if journal.final_state(folder / journal.NAME).state != "finished":
        return f"{folder} holds an attempt that has not finished; finish it, or remove the folder"
    if differing := differing_figure(logged((folder / journal.NAME).read_bytes()), packed.run.metrics):
        return f"{differing}, in {folder} and in the pack"
    return ""


def _finished(key: str, packed: PackedRun, tracker: Tracker, *, in_store: bool) -> TrackedRun | None:
    found = tracker.find(packed.family, tags={"key": key, STATE: "finished"}) if in_store else ()
    return found[0] if found else None


def _has(archive: Archive, key: str, packed: PackedRun) -> list[str]:
    """Which of ``GIVEN`` a pack has of a run; a part of its predictions would pass for the whole of them."""
    predicted = packed.predictions == "all" and any(
        name.startswith(f"runs/{key}/{PREDICTIONS}/") for name in archive.files
    )
    counted = f"runs/{key}/{NGRAMS}" in archive.files
    having = {BEST: has_weights(archive.files, key), PREDICTIONS: predicted, NGRAMS: counted}
    return [name for name in GIVEN if having[name]]


def checked_run(archive: Archive, key: str) -> PackedRun:
    """A run that may be written: its key is that of its parts, and every record in it is what readers expect.

    Raises ``ValueError``, ``KeyError``, ``TypeError``, ``AttributeError`` for another.
    """
    files = {name.removeprefix(f"runs/{key}/"): data for name, data in archive.files.items() if f"/{key}/" in name}
    packed = read_run(files[layout.RUN], key=key)
    tags = packed.run.tags
    parts = RunKey(tags["key.config"], tags["key.code"], tags["key.data"], int(tags["seed"]), tags["key.upstream"])
    if parts.id != key:
        raise ValueError(f"the key of run {key} is not that of its parts")
    check_name(packed.family, where=f"run {key}: family")
    for name in (*tags, *packed.run.metrics, *packed.run.params):
        if (problem := name_problem(name)) or name.startswith(("mlflow.", "earmark.")):
            raise ValueError(f"run {key}: {name!r}: {problem or 'is a name of the store alone'}")
    for name in (KEY, provenance.NAME, "metrics.json"):
        if not isinstance(json.loads(files.get(name, b"{}")), dict):
            raise ValueError(f"run {key}: {name} holds no mapping")
    if not isinstance(parse_value(files["config.yaml"].decode()), dict):
        raise ValueError(f"run {key}: config.yaml holds no mapping")
    _check_journal(files[journal.NAME], packed, key)
    if curves := files.get(f"scores/{layout.CURVES}"):
        check_curves(BytesIO(curves))
    if has_weights(archive.files, key):
        checked_weights(archive.files, key)
    return packed


def _check_journal(data: bytes, packed: PackedRun, key: str) -> None:
    """A journal of a finished run that gives the run's figures, with nothing in it that a delivery would fall over."""
    state = ""
    for line in data.splitlines():
        record: dict[str, Any] = json.loads(line)
        if type(record["t"]) is not int:
            raise ValueError(f"run {key}: a time {record['t']!r} in its journal")
        if record["kind"] == "metrics":
            steps_and_values = [int(record["step"]), *(float(value) for value in record["values"].values())]
            if len(steps_and_values) < 2:
                raise ValueError(f"run {key}: a line of its journal without figures")
        elif record["kind"] == "state":
            state = record["state"]
            if state not in STATES or not isinstance(record["message"], str):
                raise ValueError(f"run {key}: a state {state!r} in its journal")
    if state != "finished":
        raise ValueError(f"run {key}: its journal does not end with finished")
    if differing := differing_figure(packed.run.metrics, logged(data)):
        raise ValueError(f"run {key}: {differing}, in {layout.RUN} and in its journal")


def write(merge: Merge, tracker: Tracker, *, say: Callable[[str], None]) -> int:
    """Write the new runs and deliver them; how many the store could not be told of, which ``earmark sync`` does.

    Raises ``OSError``; what was written until then is whole, and the same merge goes on.
    """
    left = 0
    keep(merge.references)
    for key, (archive, packed) in with_bar(list(merge.new.items()), "runs are merged"):
        folder = tracker.run_dir(key)
        given = {name: merge.given[key, name] for name in GIVEN if (key, name) in merge.given}
        tags = {**merge.rows.get(key, {}), **packed.run.tags}
        _write_folder(folder, archive, packed, tracker, tags=tags, given=given)
        try:
            delivery.deliver(folder, tracker)
        except Exception as error:  # whatever it is, the run is here
            left += 1
            say(f"not delivered: {folder}: {error}")
    for (key, name), archive in merge.given.items():
        if key in merge.there and not give(name, archive, key, merge.there[key], tracker):
            say(f"run {key}: {name} was not taken: {tracker.run_dir(key)} holds an attempt that has not finished")
    _tag_rows(merge, tracker)
    return left


def _tag_rows(merge: Merge, tracker: Tracker) -> None:
    """Runs that are here stand for the packs' rows too: a plan finds them as such after a change of code."""
    for key, rows in merge.rows.items():
        run = merge.there.get(key)
        if run is not None and (new := {tag: row for tag, row in rows.items() if tag not in run.tags}):
            tracker.tag(run.run_id, new)


def _write_folder(
    folder: Path,
    archive: Archive,
    packed: PackedRun,
    tracker: Tracker,
    *,
    tags: Mapping[str, str],
    given: Mapping[str, Archive],
) -> None:
    """The run's folder in one step, with what a delivery needs; ``given`` are the packs of weights and predictions."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    key, prefix = folder.name, f"runs/{folder.name}/"
    files = {name.removeprefix(prefix): data for name, data in archive.files.items() if name.startswith(prefix)}
    apart = (layout.RUN, *layout.OF_WEIGHTS, NGRAMS)
    files = {name: data for name, data in files.items() if name not in apart and not name.startswith(f"{PREDICTIONS}/")}
    aside = Path(tempfile.mkdtemp(dir=tracker.root, prefix="merge-"))
    try:
        unfold(files, aside)
        for name, source in given.items():
            write_given(name, source, key, aside)
        delivery.track(
            aside, family=packed.family, name=packed.name, params=dict(packed.run.params),
            tags={**tags, MERGED: archive.digest, **launcher_identity.tags(tracker.root)},
            datasets={tags["corpus"]: tags["key.data"]} if "corpus" in tags else {}, start_ms=packed.run.start_ms,
        )  # fmt: skip
        aside.chmod(0o777 & ~_umask())
        aside.rename(folder)
    except OSError as error:
        shutil.rmtree(aside, ignore_errors=True)
        if not (folder / TRACKED).exists():  # else another merge has written it meanwhile
            raise UserError(f"run {key}: can't be written: {error.strerror or error}") from None


def _umask() -> int:
    """What new folders may not be: ``mkdtemp`` makes them for their owner alone."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
