"""A fresh SQLite store in hundredths of a second, where MLflow takes one or two for the history of its tables.

``fresh_store.sql`` is what MLflow's own migrations leave in an empty file, as the script in tests/experiments/tracking
wrote it. It is for one revision of the tables, and the MLflow that is installed says whether that is its own: any other
makes its store itself.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from pathlib import Path

SCRIPT = Path(__file__).with_suffix(".sql")
REVISION = re.compile(r"INSERT INTO \"alembic_version\" VALUES\('(\w+)'\);")


def begin_store(database: Path | None) -> None:
    """Make the tables in a SQLite file that is not there yet; None is a store of another kind. Called under a lock.

    What keeps it from doing so is left to MLflow, which then says it.
    """
    if database is None or not database.parent.is_dir() or (database.exists() and database.stat().st_size):
        return
    script = SCRIPT.read_text(encoding="utf-8")
    if (found := REVISION.search(script)) is None or found[1] != latest_revision():
        return
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(database)) as connection:
        connection.executescript(script)  # one transaction: the whole or nothing


def latest_revision() -> str:
    """Of the tables of the MLflow that is installed; empty where it does not say."""
    try:
        from mlflow.store.db.utils import _get_latest_schema_revision

        return str(_get_latest_schema_revision())  # type: ignore[no-untyped-call]
    except Exception:  # its own affair, which may be another in every version
        return ""
