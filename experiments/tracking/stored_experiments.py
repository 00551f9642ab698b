"""A family's experiment in a store, and where the files of its runs go: made, found, or refused with what to do.

MLflow writes down absolute paths. A home's own database follows the home when it is moved or copied with its files; in
a store that homes share, a folder that is gone is refused: MLflow would make it anew where the old home was, without a
word.
"""

from __future__ import annotations

import contextlib
import sqlite3
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from datamodules.run_warning import RunWarning
from experiments.errors import UserError, public_uri
from experiments.tracking.store_place import StorePlace

# The tag opens MLflow's page on runs and metrics; without it the page guesses, and guesses chat traces.
TAGS = {"mlflow.experimentKind": "custom_model_development"}


def experiment_id(family: str, client: Any, place: StorePlace) -> str:
    """The id of a family's experiment, made on first use with its files below ``mlruns/artifacts``.

    Raises ``UserError`` where it cannot be made, and where somebody deleted it: restored or made anew, it would not be
    what they meant.
    """
    found = client.get_experiment_by_name(family)
    if found is None:
        if place.read_only:
            raise UserError(f"{place.root}: no runs of {family!r}, and it may not be written here to hold some")
        folder = place.root / "artifacts" / family
        if not place.has_server:  # a server has a place of its own, a database none
            folder.mkdir(parents=True, exist_ok=True)
        location = None if place.has_server else folder.as_uri()
        return str(client.create_experiment(family, artifact_location=location, tags=TAGS))
    if found.lifecycle_stage == "deleted":
        restore = f"mlflow experiments restore --experiment-id {found.experiment_id}"
        raise UserError(
            f"experiment {family!r} was deleted in MLflow, with its runs; what is here waits until it is back: "
            f"MLFLOW_TRACKING_URI='{public_uri(place.uri)}' {restore}"
        )
    return str(found.experiment_id)


def check_place(location: str, *, levels: int) -> None:
    """Refuse a folder of artifacts that lies ``levels`` folders below one that this machine does not have."""
    folder = _local_folder(location)
    if folder is not None and not folder.parents[levels - 1].is_dir():
        home = folder.parents[levels - 1]
        raise UserError(
            f"MLflow keeps the files of these runs in {home}, which is not there: of a home that was moved, or of "
            f"another machine; mount it, or link it to where it is now: ln -s NEW '{home}'"
        )


def follow_move(root: Path) -> None:
    """Let the database of a home that was moved, or copied, point to the home's own files; a warning says so."""
    path = root / "mlflow.db"
    if not path.is_file():
        return
    with contextlib.closing(sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=60)) as database:
        moved = {}
        for number, name, location in database.execute(
            "SELECT experiment_id, name, artifact_location FROM experiments"
        ):
            here, there = (root / "artifacts" / name).as_uri(), str(location)
            is_other = there != here and _is_of_a_home(there, name) and not _is_same(there, here)
            if is_other and _has_moved(database, number, there=there, here=here):
                moved[there] = here
        if not moved:
            return
        try:
            with database:
                num_runs = sum(_move(database, there, here) for there, here in moved.items())
        except sqlite3.OperationalError as error:
            warnings.warn(f"the home was moved, and {path} can't be told: {error}", RunWarning, stacklevel=2)
            return
    old = _local_folder(next(iter(moved)))
    place = old.parents[2] if old else ""
    warnings.warn(
        f"this home was {place} when its runs were made; MLflow's {num_runs} runs point here now", RunWarning,
        stacklevel=2,
    )  # fmt: skip


def _local_folder(uri: str) -> Path | None:
    parts = urlsplit(uri)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _is_of_a_home(location: str, family: str) -> bool:
    folder = _local_folder(location)
    return folder is not None and folder.parts[-3:] == ("mlruns", "artifacts", family)


def _has_moved(database: sqlite3.Connection, number: int, *, there: str, here: str) -> bool:
    """Whether the files of an experiment's runs lie here, and none there alone: homes may share this database."""
    old, new = _local_folder(there), _local_folder(here)
    assert old is not None
    assert new is not None
    run_ids = [run_id for (run_id,) in database.execute("SELECT run_uuid FROM runs WHERE experiment_id = ?", (number,))]
    there_alone = any((old / run_id).is_dir() and not (new / run_id).is_dir() for run_id in run_ids)
    return new.is_dir() and not there_alone


def _is_same(there: str, here: str) -> bool:
    """Whether it is one folder under two paths."""
    one, other = _local_folder(there), _local_folder(here)
    return one is not None and other is not None and one.is_dir() and other.is_dir() and one.samefile(other)


def _move(database: sqlite3.Connection, there: str, here: str) -> int:
    """Rewrite one experiment's paths; how many runs it has."""
    database.execute("UPDATE experiments SET artifact_location = ? WHERE artifact_location = ?", (here, there))
    return database.execute(
        "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?) WHERE substr(artifact_uri, 1, ?) = ?",
        (here, len(there) + 1, len(there) + 1, there + "/"),
    ).rowcount
