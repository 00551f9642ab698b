"""Where an MLflow store is: ``MLFLOW_TRACKING_URI``, or SQLite under ``mlruns/``, and whether that may be written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from experiments.errors import UserError, first_line, public_uri

ODD_SIGNS = "?#%"  # in a path: MLflow reads the places of store and artifacts as URLs


@dataclass(frozen=True)
class StorePlace:
    """``root`` is ``mlruns/``; ``read_only`` says that it may be read here and not written, as a colleague's may."""

    root: Path
    uri: str
    read_only: bool

    @property
    def has_server(self) -> bool:
        """Whether the store is an MLflow server, which has artifacts and a dashboard of its own."""
        return self.uri.startswith(("http://", "https://"))

    def check_writable(self) -> None:
        """Refuse to run or deliver anything into folders that may only be read. Raises ``UserError``."""
        if self.read_only:
            raise UserError(f"{self.root}: may only be read here, by plan, report and ui; set EARMARK_HOME to run")


def store_place(home: Path) -> StorePlace:
    """The store of a home, with its ``mlruns/`` made where it may be. Raises ``UserError``."""
    root = home / "mlruns"
    database = root / "mlflow.db"
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{database}"
    if odd := [sign for sign in ODD_SIGNS if sign in str(home)]:
        raise UserError(f"EARMARK_HOME {home}: MLflow reads {' '.join(odd)} as part of a URL; allowed: another")
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"EARMARK_HOME {home}: {error.strerror}, and there is no mlruns in it to read") from None
    named = database_path(uri)
    needed = [path for path in (root, database, *([named, named.parent] if named else [])) if path.exists()]
    return StorePlace(root, uri, read_only=not all(os.access(path, os.W_OK) for path in needed))


def database_path(uri: str) -> Path | None:
    """The file of a SQLite store; None of another."""
    parts = urlsplit(uri)
    return Path(unquote(parts.path[1:])) if parts.scheme.startswith("sqlite") and len(parts.path) > 1 else None


@contextmanager
def opening(uri: str) -> Iterator[None]:
    """Says in one line why a store can't be opened. Raises ``UserError``."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UserError(f"MLFLOW_TRACKING_URI: this store needs the package {error.name!r}") from None
    except Exception as error:  # MLflow's, SQLAlchemy's or a driver's: whatever they make of a URI that is none
        raise UserError(f"store {public_uri(uri)}: {first_line(error)}") from error
