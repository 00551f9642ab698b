"""What MLflow's migrations make of an empty SQLite file.

python tests/experiments/tracking/fresh_store.py      writes experiments/tracking/fresh_store.sql
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from pathlib import Path

from experiments.tracking.fresh_store import SCRIPT, latest_revision


def migrated(database: Path) -> str:
    """Let MLflow make its tables in a file that is not there; all that is in it then, as SQL."""
    from mlflow.store.db.utils import _initialize_tables, create_sqlalchemy_engine

    engine = create_sqlalchemy_engine(f"sqlite:///{database}")
    _initialize_tables(engine)
    engine.dispose()
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return "\n".join(connection.iterdump()) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        SCRIPT.write_text(migrated(Path(folder) / "mlflow.db"), encoding="utf-8")
    print(f"{SCRIPT.name}: revision {latest_revision()}")
