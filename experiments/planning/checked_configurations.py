"""Which configurations were checked before, so that torch and Lightning are imported only for what is new.

A check depends on the configuration, the code of its classes and of the check itself, its corpus, the files that it
names, and the packages that earmark needs. All that is one digest, and those that passed are kept in ``mlruns``: a
file that is lost, torn or cannot be written costs a check, no more.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datamodules.corpus_folder import CorpusMissingError
from experiments.errors import UserError
from experiments.planning.checked_corpora import CheckedCorpora
from experiments.runs import code_closure
from experiments.runs.keys import code_digests
from experiments.runs.named_files import named_files
from experiments.runs.run_folder import write_whole
from experiments.table_files.folds import in_fold
from experiments.table_files.spec import Row, Table
from experiments.table_files.table_values import data_of

if TYPE_CHECKING:
    from experiments.planning.cell import Cell  # which imports MLflow

NAME = "checked_configurations.json"
MOST = 5000  # the newest are kept
RULES = ("configuration/*.py", "contracts.py", "runs/moved_files.*")  # of a check, under ``experiments``


def check_id(cell: Cell) -> str:
    """The digest of all that a check of a cell's configuration depends on; empty where that is not known."""
    if cell.key is None or not (versions := _versions()):  # without data only a part is checked
        return ""
    return _digest([*_parts(cell.table, cell.row, cell.code, cell.key.data), _rules(), versions])


def table_id(table: Table) -> str:
    """The digest of all that the checks of a table's rows depend on, before there are cells; empty where not known."""
    corpora, rows = CheckedCorpora(), table.rows.values()
    try:
        parts = [
            _parts(table, row, code_digests(row.config, recipe_version="", imports=table.imports), data)
            for row in [in_fold(row, fold) for row in rows for fold in table.folds.values()] or rows
            for data in (corpora.digest(data_of(row.config)),)
        ]
    except (CorpusMissingError, UserError):  # said by the plan, in its words
        return ""
    return _digest([parts, _rules(), versions]) if (versions := _versions()) else ""


def known(root: Path) -> dict[str, None]:
    """The digests that passed a check, the oldest first."""
    with contextlib.suppress(OSError, ValueError):
        record = json.loads((root / NAME).read_text(encoding="utf-8"))
        if isinstance(record, list):
            return dict.fromkeys(item for item in record if isinstance(item, str))
    return {}


def add(root: Path, passed: Iterable[str]) -> None:
    """Keep digests that passed a check."""
    if new := [item for item in passed if item]:
        everything = list(known(root) | dict.fromkeys(new))
        with contextlib.suppress(OSError):  # a home that may only be read, a full disk
            write_whole(root / NAME, json.dumps(everything[-MOST:]) + "\n")


def _parts(table: Table, row: Row, code: Mapping[str, str], data: str) -> list[Any]:
    files = {name: list(facts) for name, facts in named_files(row.config).items()}
    code = {module: digest for module, digest in code.items() if module != "recipe"}
    return [row.stage, row.config, sorted(row.sources), code, data, list(table.imports), files]


def _digest(parts: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


@cache
def _versions() -> tuple[str, ...]:
    """Of Python and of all that earmark needs or can use; empty where no installer has recorded it."""
    try:
        needed = importlib.metadata.requires("earmark") or []
    except importlib.metadata.PackageNotFoundError:
        return ()
    names = sorted({found[0] for text in needed if (found := re.match(r"[\w.-]+", text))})
    return (platform.python_version(), *(f"{name} {_version(name)}" for name in names))


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


@cache
def _rules() -> dict[str, str]:
    here = code_closure.folder("experiments")
    paths = sorted(path for pattern in RULES for path in here.glob(pattern))
    return {str(path.relative_to(here)): code_closure.digest(path) for path in paths}
