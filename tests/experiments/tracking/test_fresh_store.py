"""A store that is begun from the script is the one that MLflow would have made."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from experiments.tracking import fresh_store

from .fresh_store import migrated


def contents(database: Path) -> dict[str, Any]:
    """Every table's columns, indices, foreign keys and rows, whatever the words that made it."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        ask = connection.execute
        names = sorted(name for (name,) in ask("SELECT name FROM sqlite_master WHERE type = 'table'"))
        return {
            name: {
                "columns": ask(f"PRAGMA table_xinfo('{name}')").fetchall(),
                "keys": sorted(map(repr, ask(f"PRAGMA foreign_key_list('{name}')"))),
                "indices": sorted(
                    (repr(facts), repr(ask(f"PRAGMA index_xinfo('{index}')").fetchall()))
                    for _, index, *facts in ask(f"PRAGMA index_list('{name}')").fetchall()
                ),
                "rows": ask(f"SELECT * FROM '{name}'").fetchall(),
            }
            for name in names
        }


def test_it_is_what_the_migrations_make(tmp_path: Path) -> None:
    text = fresh_store.SCRIPT.read_text(encoding="utf-8")
    if f"'{fresh_store.latest_revision()}'" not in text:
        pytest.skip("another MLflow than that of constraints.txt makes its store itself")
    fresh_store.begin_store(tmp_path / "begun.db")
    migrated(tmp_path / "migrated.db")
    begun = contents(tmp_path / "begun.db")
    assert len(begun) > 10
    assert begun == contents(tmp_path / "migrated.db")


def test_mlflow_takes_it_without_a_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def migrate(engine: Any) -> None:
        raise AssertionError("migrated")

    if f"'{fresh_store.latest_revision()}'" in fresh_store.SCRIPT.read_text(encoding="utf-8"):
        monkeypatch.setattr("mlflow.store.db.utils._initialize_tables", migrate)
    fresh_store.begin_store(tmp_path / "mlflow.db")
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    run = client.create_run(client.create_experiment("sed", f"file://{tmp_path}"))
    client.log_metric(run.info.run_id, "loss", 0.5)
    assert client.get_run(run.info.run_id).data.metrics == {"loss": 0.5}


@pytest.mark.parametrize("revision", ["abcdef012345", ""])
def test_another_revision_is_left_to_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, revision: str) -> None:
    monkeypatch.setattr(fresh_store, "latest_revision", lambda: revision)
    fresh_store.begin_store(tmp_path / "mlflow.db")
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_touched(tmp_path: Path) -> None:
    for name in ("mlflow.db", "empty.db"):
        (tmp_path / name).write_text("no database" if name == "mlflow.db" else "")
        fresh_store.begin_store(tmp_path / name)
    assert (tmp_path / "mlflow.db").read_text() == "no database"
    assert (tmp_path / "empty.db").read_bytes().startswith(b"SQLite format 3")
    fresh_store.begin_store(tmp_path / "no folder" / "mlflow.db")
    fresh_store.begin_store(None)
    assert len(list(tmp_path.iterdir())) == 2
