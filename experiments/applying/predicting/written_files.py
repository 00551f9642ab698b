"""Output files and ``predict.yaml``: what was not written here, or was edited since, is never overwritten unasked.

Each folder that was named (or that of ``-o``) has one ``predict.yaml``, with the digests of what was written below it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from datamodules.run_warning import first_names
from experiments.applying.predicting.settings import PARAMS
from experiments.errors import UserError
from experiments.table_files.yaml_files import read_yaml, to_yaml


def digest(content: bytes) -> str:
    """Of a file's bytes."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


class WrittenFiles:
    """What stands below one folder by our own hand; ``overwrite`` lets everything be replaced."""

    def __init__(self, folder: Path, *, overwrite: bool) -> None:
        self.folder = folder
        self._overwrite = overwrite
        self._before = _read(folder / PARAMS, overwrite=overwrite)
        self._now: dict[str, str] = {}

    def refuse_foreign(self, paths: Iterable[Path]) -> None:
        """Raise ``UserError`` naming the files that are there and not ours, before anything is computed."""
        if self._overwrite:
            return
        foreign = [path for path in paths if path.exists() and not self._is_ours(path)]
        if foreign:
            raise UserError(
                f"{len(foreign)} output files are there already and were not written by earmark predict, or edited "
                f"since: {first_names([str(path) for path in foreign])}; --overwrite replaces them, -o FOLDER writes "
                "elsewhere"
            )

    def write(self, path: Path, text: str) -> None:
        """One file, in one step."""
        content = text.encode("utf-8")
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.partial")
        partial.write_bytes(content)
        partial.replace(path)
        self._now[self._name(path)] = digest(content)

    def close(self, record: Mapping[str, Any]) -> Path:
        """Write ``predict.yaml``: the record, and what was written now or before and still is there."""
        kept = {name: of for name, of in self._before.items() if (self.folder / name).exists()}
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / PARAMS
        partial = path.with_name(f"{path.name}.partial")
        written = [f"{of} {name}" for name, of in sorted({**kept, **self._now}.items())]
        partial.write_text(to_yaml({**record, "written": written}), encoding="utf-8")
        partial.replace(path)
        return path

    def _is_ours(self, path: Path) -> bool:
        known = self._before.get(self._name(path))
        return known is not None and path.is_file() and digest(path.read_bytes()) == known

    def _name(self, path: Path) -> str:
        return Path(os.path.relpath(path, self.folder)).as_posix()


def _read(path: Path, *, overwrite: bool) -> dict[str, str]:
    """Digests by name of an earlier record; a file of that name that is none is foreign too."""
    if not path.exists():
        return {}
    record = read_yaml(path) if not overwrite else _read_if_ours(path)
    written = record.get("written") if isinstance(record, dict) else None
    if isinstance(written, list):
        return {name: of for of, _, name in (str(line).partition(" ") for line in written)}
    if overwrite:
        return {}
    raise UserError(f"{path}: not written by earmark predict; --overwrite replaces it, -o FOLDER writes elsewhere")


def _read_if_ours(path: Path) -> Any:
    try:
        return read_yaml(path)
    except UserError:
        return None
