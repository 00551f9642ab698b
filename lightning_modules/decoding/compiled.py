"""``@compiled``: numba's ``njit(nogil=True, cache=True)``, with a cache that sees what the compiled code was made of.

Numba renews a cached function when its own file changes, but not when a file changes whose functions it calls: the old
callee stays inside, and a search goes on with last week's arithmetic. Here the cache's stamp is a digest of all files
of the package that have compiled functions, so that a change in one of them compiles all of them anew (ten seconds).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from numba import njit
from numba.core.caching import FunctionCache, IndexDataCacheFile

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile at the first call with new types; releases the interpreter's lock while it runs."""
    dispatcher: Any = njit(nogil=True)(function)
    dispatcher._cache = _Cache(function)
    compiled_function: Function = dispatcher
    return compiled_function


class _Cache(FunctionCache):
    """Numba's own cache under another stamp."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        folder = _package(Path(function.__code__.co_filename).parent)
        self._cache_file = IndexDataCacheFile(  # type: ignore[no-untyped-call]
            cache_path=self._cache_path, filename_base=self._impl.filename_base, source_stamp=digest(folder)
        )


@cache
def _package(folder: Path) -> Path:
    """The outermost package that a folder is part of; the folder itself where it is none."""
    return _package(folder.parent) if (folder.parent / "__init__.py").is_file() else folder


@cache
def digest(folder: Path) -> str:
    """Of the sources in a folder, and in those below it of a package, that hold ``@compiled`` functions."""
    parts = hashlib.sha256()
    is_package = (folder / "__init__.py").is_file()
    for path in sorted(folder.rglob("*.py") if is_package else folder.glob("*.py")):
        source = path.read_bytes()
        if b"\n@compiled\n" in source.replace(b"\r\n", b"\n"):
            parts.update(path.relative_to(folder).as_posix().encode() + b"\0" + source + b"\0")
    return parts.hexdigest()
