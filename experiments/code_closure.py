"""The files that a run's code consists of: what its classes import, directly or not, and this no matter how it lies.

Found by reading (AST), so no import is executed. Modules may be packages, single files, parts of a namespace package or
compiled; they are found as Python finds them, on ``sys.path``. Packages that were installed (site-packages, or any
folder of ``*.dist-info``) end the search: their versions stand in ``environment.txt``. Of earmark's own files only
earmark's packages are followed, of a user's everything that is not installed. What a user's file imports in a way that
cannot be read is refused by its place: code that no key knows would let an edited loss count as finished.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.machinery import BYTECODE_SUFFIXES, SOURCE_SUFFIXES, ModuleSpec, PathFinder
from pathlib import Path
from typing import NamedTuple

from experiments.errors import UserError

OUR_PACKAGES = ("lightning_modules", "datamodules")
# It runs what the key describes and is no part of it: its own meaning is RECIPE_VERSION.
NOT_FOLLOWED = "experiments"
BY_NAME = ("import_module", "__import__")  # calls that import the module that their first argument names
BY_PLACE = ("run_path", "run_module", "spec_from_file_location", "SourceFileLoader")  # calls that run other files


class _Imports(NamedTuple):
    """What one file imports, what cannot be read (line and call), and whether it changes ``sys.path``."""

    names: tuple[str, ...]
    hidden: tuple[tuple[int, str], ...]
    changes_path: bool


@cache  # rows of a table differ in values, and in few classes
def closure(named: frozenset[str], packages: tuple[str, ...]) -> dict[str, Path]:
    """File by module, of the modules ``named`` and of all that they import.

    ``packages`` are the first parts of the names that a user declared their own (``imports:`` of a table); they are
    followed wherever they lie. Raises ``UserError`` for code that cannot be followed, by file and line.
    """
    todo = with_parents(sorted(named))
    files: dict[str, Path] = {}
    seen: set[str] = set()
    lost: dict[str, Path] = {}
    moving: Path | None = None
    while todo:
        module = todo.pop()
        if module in seen or not _is_followed(module, packages):
            continue
        seen.add(module)
        if (path := _file(module)) is None:
            continue
        files[module] = path
        if path.suffix not in SOURCE_SUFFIXES:
            continue  # compiled: its bytes stand for it
        found = _imported(path, package=module if path.name == "__init__.py" else module.rpartition(".")[0])
        if module.split(".")[0] in OUR_PACKAGES:
            todo += [name for name in found.names if name.split(".")[0] in OUR_PACKAGES]
            continue
        _refuse_hidden(path, found)
        todo += found.names
        lost |= {name: path for name in found.names if "." not in name and _spec(name) is None}
        moving = path if found.changes_path else moving
    if lost and moving:
        name, path = next(iter(lost.items()))
        raise UserError(
            f"{path}: imports {name!r}, which is not found here, and {moving.name} changes sys.path: a run's key could "
            "not know that code; allowed: modules in the current folder, on PYTHONPATH or installed"
        )
    return files


def digest(path: Path) -> str:
    """Sixteen hexadecimal digits of a file; line ends of a source do not matter."""
    data = path.read_bytes()
    is_source = path.suffix in SOURCE_SUFFIXES
    return hashlib.sha256(data.replace(b"\r\n", b"\n") if is_source else data).hexdigest()[:16]


def with_parents(names: Iterable[str]) -> list[str]:
    """Importing ``a.b.c`` executes ``a`` and ``a.b`` too."""
    found: dict[str, None] = {}
    for name in names:
        parts = name.split(".")
        found.update({".".join(parts[: n + 1]): None for n in range(len(parts))})
    return list(found)


def _is_followed(module: str, packages: Sequence[str]) -> bool:
    top = module.split(".")[0]
    if top in (*OUR_PACKAGES, *packages):
        return True
    return top not in sys.stdlib_module_names and top != NOT_FOLLOWED and not _is_installed(top)


@cache
def _is_installed(top: str) -> bool:
    """Whether a top-level module was put there by an installer, or is nowhere at all."""
    spec = _spec(top)
    if spec is None or spec.origin in ("built-in", "frozen"):
        return True
    places = [Path(place).parent for place in spec.submodule_search_locations or ()] or [Path(spec.origin or "").parent]
    return all(_holds_installed(place) for place in places)


@cache
def _holds_installed(folder: Path) -> bool:
    return folder.name in ("site-packages", "dist-packages") or any(folder.glob("*.dist-info"))


@cache
def _spec(module: str) -> ModuleSpec | None:
    """Where Python would find a module; its packages are not executed for it."""
    parent, _, _ = module.rpartition(".")
    try:
        if not parent:
            return importlib.util.find_spec(module)
        above = _spec(parent)
        if above is None or above.submodule_search_locations is None:
            return None
        return PathFinder.find_spec(module, list(above.submodule_search_locations))
    except ValueError:  # a module without __spec__, such as the one that runs
        return None


def _file(module: str) -> Path | None:
    """The file of a module; None of a namespace, of a name inside a module and of nothing.

    Raises ``UserError`` for a module whose file cannot be read, in an archive or compiled without its source.
    """
    spec = _spec(module)
    if spec is None or not spec.has_location or spec.origin is None:
        return None
    path = Path(spec.origin)
    if path.suffix in BYTECODE_SUFFIXES or not path.is_file():
        raise UserError(
            f"{path}: module {module!r} has no source file, and a run's key could not follow what it imports"
        )
    return path


def _refuse_hidden(path: Path, found: _Imports) -> None:
    if found.hidden:
        line, call = found.hidden[0]
        raise UserError(
            f"{path}:{line}: {call}(...) imports what only its run decides, and a run's key could not know that code; "
            "allowed: import statements, or import_module with the name as a literal"
        )


@cache
def _imported(path: Path, *, package: str) -> _Imports:
    """Imports anywhere in a file's text; ``from a import b`` yields both ``a`` and ``a.b``."""
    names: list[str] = []
    hidden: list[tuple[int, str]] = []
    changes_path = False
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise UserError(f"{path}:{line}: not Python: {getattr(error, 'msg', error)}") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute("." * node.level + (node.module or ""), package)
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
            changes_path |= "sys.path" in names[-len(node.names) :]
        elif isinstance(node, ast.Call):
            for name in _called(node, package):
                if name:
                    names.append(name)
                else:
                    hidden.append((node.lineno, _name(node.func)))
        elif isinstance(node, ast.Attribute) and node.attr == "path" and _name(node.value) == "sys":
            changes_path = True
    return _Imports(tuple(with_parents(names)), tuple(hidden), changes_path)


def _called(node: ast.Call, package: str) -> Iterator[str]:
    """The module that a call imports, an empty text where it cannot be read; nothing of other calls."""
    name = _name(node.func)
    if name in BY_PLACE:
        yield ""
    elif name in BY_NAME:
        first = node.args[0] if node.args else None
        known = isinstance(first, ast.Constant) and isinstance(first.value, str)
        yield _absolute(first.value, package) if known else ""  # type: ignore[union-attr]


def _name(node: ast.expr) -> str:
    """The last part of what is called: ``import_module`` of ``importlib.import_module``."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _absolute(name: str, package: str) -> str:
    """``..losses.mil``, as written in a module of ``package``, in full."""
    level = len(name) - len(name.lstrip("."))
    if not level:
        return name
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - level + 1], *filter(None, [name[level:]])])
