"""A user's own modules as a launch found them: a run imports the copies, under the names and places of the originals.

``__file__`` stays what it was, so that a module finds the files beside it. Only a process that runs from a snapshot
(``launching/snapshot.py``) has copies; in any other all here does nothing.
"""

from __future__ import annotations

import importlib.util
import json
import linecache
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import BinaryIO

from experiments.runs import snapshots

FOLDER = "own"  # in a snapshot: the copies
RECORD = "own.json"  # and, by module, the original's path and the copy's name

_copies: dict[Path, Path] = {}  # by their originals
_held: list[BinaryIO] = []


def import_copies(snapshot: Path) -> None:
    """Import a snapshot's copies from now on, and hold it for as long as this process lives; once."""
    if _held or not (snapshot / RECORD).is_file():
        return
    _held.append(snapshots.hold(snapshot))
    record = json.loads((snapshot / RECORD).read_text(encoding="utf-8"))
    files = {module: (Path(original), snapshot / FOLDER / copy) for module, (original, copy) in record.items()}
    _copies.update(dict(files.values()))
    sys.meta_path.insert(0, _Finder(files))


def read(path: Path) -> bytes:
    """A module's file, or the copy that is imported in its place. Raises ``OSError``."""
    return _copies.get(path, path).read_bytes()


def is_there(path: Path) -> bool:
    """Whether ``read`` has something to read."""
    return _copies.get(path, path).is_file()


def spec(module: str) -> ModuleSpec | None:
    """Where a copied module is said to be; None of any other."""
    finders = (finder for finder in sys.meta_path if isinstance(finder, _Finder))
    return next((found for finder in finders if (found := finder.find_spec(module))), None)


class _Finder(MetaPathFinder):
    """Finds modules (original, copy) before Python does."""

    def __init__(self, files: dict[str, tuple[Path, Path]]) -> None:
        self._files = files

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in self._files:
            return None
        original, copy = self._files[name]
        if original.suffix not in SOURCE_SUFFIXES:
            return importlib.util.spec_from_file_location(name, copy)
        places = [str(original.parent)] if original.name == "__init__.py" else None
        loader = _Loader(name, str(original))
        return importlib.util.spec_from_file_location(name, original, loader=loader, submodule_search_locations=places)


class _Loader(SourceFileLoader):
    """Compiles a copy in its original's name: never from a cache, which is of the original as it is now."""

    def get_data(self, path: str) -> bytes:
        return read(Path(path))

    def get_code(self, fullname: str) -> CodeType:
        data = self.get_data(self.path)
        source = importlib.util.decode_source(data)
        # Tracebacks, and jsonargparse in a constructor, read a module's text from here before its file.
        linecache.cache[self.path] = (len(data), None, source.splitlines(keepends=True), self.path)
        return self.source_to_code(data, self.path)
