"""The code of a launch, copied when it starts: its runs import the copy, so that editing while a table runs is free.

A snapshot lies whole in ``mlruns/snapshots/DIGEST``: earmark's packages, which come first on ``PYTHONPATH``, and the
user's own modules, which ``runs/own_modules.py`` imports. Who uses it holds a lock on it, and ``earmark clean`` frees
those that nobody holds. A job that comes to run after that imports the code as it is; its key is checked as ever.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from datamodules.corpora.whole_folder import locked, whole_folder
from experiments.runs import code_closure, keys, own_modules, snapshots
from experiments.table_files.spec import Table

PACKAGES = ("experiments", *code_closure.OUR_PACKAGES)


class Snapshot:
    """What this process holds until ``release``; ``copies`` are its files by those that they are of."""

    def __init__(self, root: Path, table: Table) -> None:
        """Take one of the code as it is now under ``root``, or hold its equal. Raises ``OSError``."""
        own = {module: (path, f"{number}{path.suffix}") for number, (module, path) in enumerate(_own_files(table))}
        files = {**dict(_sources()), **{f"{own_modules.FOLDER}/{name}": path for path, name in own.values()}}
        contents = {name: path.read_bytes() for name, path in files.items()}
        contents[own_modules.RECORD] = json.dumps({module: (str(path), name) for module, (path, name) in own.items()}
                                                  ).encode()  # fmt: skip
        self.folder = root / snapshots.FOLDER / _digest(contents)
        with locked(root / snapshots.FOLDER):
            self.folder.parent.mkdir(exist_ok=True)
            self._lock = snapshots.hold(self.folder)
            if not self.folder.is_dir():
                _write(self.folder, contents)
        self.copies = {path: self.folder / name for name, path in files.items()}

    def environment(self) -> dict[str, str]:
        """What makes a process import it."""
        return {"PYTHONPATH": os.pathsep.join(filter(None, [str(self.folder), os.environ.get("PYTHONPATH", "")]))}

    def release(self) -> None:
        """Need it no more; a process that was started from it may."""
        self._lock.close()


def _own_files(table: Table) -> list[tuple[str, Path]]:
    """File by module of all that a table's rows import of the user's own code."""
    files: dict[str, Path] = {}
    for row in table.rows.values() if table.imports else ():
        files |= keys.code_files(row.config, imports=table.imports)
    tops = {module.split(".")[0] for module in files}
    own = {top for top in tops if top not in PACKAGES and not code_closure.is_installed(top)}
    return sorted((module, path) for module, path in files.items() if module.split(".")[0] in own)


def _sources() -> Iterator[tuple[str, Path]]:
    """Every file of earmark's packages, by its path under the folder that holds them."""
    for package in PACKAGES:
        folder = code_closure.folder(package)
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
                yield f"{package}/{path.relative_to(folder).as_posix()}", path


def _digest(contents: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, data in sorted(contents.items()):
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:16]


def _write(folder: Path, contents: Mapping[str, bytes]) -> None:
    with whole_folder(folder) as partial:
        for name, data in contents.items():
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            (partial / name).write_bytes(data)
