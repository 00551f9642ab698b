"""The files that a run's code consists of: what its classes import, directly or not, and this no matter how it lies.

Found by reading (AST), so no import is executed. Modules may be packages, single files, parts of a namespace package or
compiled; they are found as Python finds them, on ``sys.path``. Python's own library and what was installed (in
site-packages, or wherever the record of an installer says so) end the search: versions stand in ``environment.txt``. So
do, of earmark's own files, the packages that it needs, be they checkouts (``pip install -e``). What a user's file
imports in a way that cannot be read is refused by its place: code that no key knows would let an edited loss count as
finished.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import json
import pkgutil
import sysconfig
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.machinery import BYTECODE_SUFFIXES, SOURCE_SUFFIXES, ModuleSpec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from experiments.errors import UserError
from experiments.runs import own_modules

OUR_PACKAGES = ("lightning_modules", "datamodules")
# It runs what the key describes and is no part of it: its own meaning is RECIPE_VERSION.
NOT_FOLLOWED = "experiments"
BY_NAME = ("import_module", "__import__")  # calls that import the module that their first argument names
HIDING = (*BY_NAME, "run_path", "run_module", "spec_from_file_location", "SourceFileLoader", "extend_path",
          "resolve_name", "addsitedir")  # fmt: skip
HIDING_ALONE = ("exec", "__path__")  # where nothing stands before it: a method may be called so


class _Imports(NamedTuple):
    """What one file imports, what cannot be read (line and name), and whether it changes ``sys.path``."""

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
            todo += [name for name in found.names if not _is_dependency(name.split(".")[0])]
            continue
        todo += found.names
        if _is_installed(module.split(".")[0]):
            continue  # one that the table names: its version stands for what it does beyond its imports
        _refuse_hidden(path, found)
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
    data = own_modules.read(path)
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
    return top in (*OUR_PACKAGES, *packages) or (top != NOT_FOLLOWED and not _is_installed(top))


@cache
def _is_installed(top: str) -> bool:
    """Whether a top-level module is Python's own or an installer's, or is nowhere at all.

    By its place, not by its name: a user's ``statistics.py`` that comes first on ``PYTHONPATH`` is theirs.
    """
    spec = _spec(top)
    if spec is None or spec.origin in ("built-in", "frozen"):
        return True
    places = [Path(place) for place in spec.submodule_search_locations or ()] or [Path(spec.origin or "")]
    return all(_was_installed(place, top) for place in places)


@cache
def _is_dependency(top: str) -> bool:
    """Whether a module that earmark's own files import is a package that it needs, from a checkout perhaps.

    Its dynamic imports cannot be followed, and would refuse every table.
    """
    spec = None if top in OUR_PACKAGES else _spec(top)
    if spec is None:
        return top not in OUR_PACKAGES
    places = [Path(place) for place in spec.submodule_search_locations or ()] or [Path(spec.origin or "")]
    return any(place.is_relative_to(root) for place in places for root in _editable_checkouts())


@cache
def _editable_checkouts() -> tuple[Path, ...]:
    found = []
    for distribution in importlib.metadata.distributions():
        known = json.loads(distribution.read_text("direct_url.json") or "{}")
        if known.get("dir_info", {}).get("editable") and distribution.metadata["Name"] != "earmark":
            found.append(Path(unquote(urlsplit(known["url"]).path)))
    return tuple(found)


def _was_installed(place: Path, top: str) -> bool:
    folder = place.parent
    if folder.name in ("site-packages", "dist-packages"):
        return True
    if any(folder.is_relative_to(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")):
        return True
    return top in _recorded(folder)


@cache
def _recorded(folder: Path) -> frozenset[str]:
    """First parts of the modules that ``pip install --target`` put into a folder; a user's own may lie beside them."""
    records = [record.read_text(encoding="utf-8", errors="replace") for record in folder.glob("*.dist-info/RECORD")]
    files = [line.split(",")[0] for record in records for line in record.splitlines()]
    return frozenset(file.split("/")[0].split(".")[0] for file in files)


@cache
def _spec(module: str) -> ModuleSpec | None:
    """Where Python would find a module; its packages are not executed for it."""
    if copied := own_modules.spec(module):
        return copied
    parent, _, _ = module.rpartition(".")
    try:
        if not parent:
            return importlib.util.find_spec(module)
        above = _spec(parent)
        if above is None or above.submodule_search_locations is None:
            return None
        return _spec_in(module, list(above.submodule_search_locations))
    except ValueError:  # a module without __spec__, such as the one that runs
        return None


def _spec_in(module: str, folders: Sequence[str]) -> ModuleSpec | None:
    """As ``PathFinder.find_spec``, which wants the parent of a namespace imported."""
    namespace = ModuleSpec(module, None, is_package=True)
    for folder in folders:
        finder = pkgutil.get_importer(folder)
        spec = finder.find_spec(module) if finder else None
        if spec is not None and spec.loader is not None:
            return spec
        if spec is not None and namespace.submodule_search_locations is not None:
            namespace.submodule_search_locations += spec.submodule_search_locations or ()
    return namespace if namespace.submodule_search_locations else None


def _file(module: str) -> Path | None:
    """The file of a module; None of a namespace, of a name inside a module and of nothing.

    Raises ``UserError`` for a module whose file cannot be read, in an archive or compiled without its source.
    """
    spec = _spec(module)
    if spec is None or not spec.has_location or spec.origin is None:
        return None
    path = Path(spec.origin)
    if path.suffix in BYTECODE_SUFFIXES or not own_modules.is_there(path):
        raise UserError(
            f"{path}: module {module!r} has no source file, and a run's key could not follow what it imports"
        )
    return path


def is_installed(top: str) -> bool:
    """Whether a top-level module is Python's own or an installer's."""
    return _is_installed(top)


def folder(package: str) -> Path:
    """Where one of earmark's packages lies."""
    spec = _spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def own_source(module: str) -> Path | None:
    """The source of a module of earmark's packages or the user's; None of any other."""
    spec = _spec(module) if _is_followed(module, ()) else None
    path = Path(spec.origin) if spec is not None and spec.has_location and spec.origin else None
    return path if path is not None and path.suffix in SOURCE_SUFFIXES and path.is_file() else None


def _refuse_hidden(path: Path, found: _Imports) -> None:
    if found.hidden:
        line, name = found.hidden[0]
        raise UserError(
            f"{path}:{line}: {name} brings in code that only a run decides, and a run's key could not know it; "
            "allowed: import statements, or import_module called with the name as a literal"
        )


@cache
def _imported(path: Path, *, package: str) -> _Imports:
    """Imports anywhere in a file's text; ``from a import b`` yields both ``a`` and ``a.b``."""
    names: list[str] = []
    hidden: list[tuple[int, str]] = []
    changes_path = False
    read: set[ast.expr] = set()  # calls that name their module, met before what they call
    try:
        tree = ast.parse(own_modules.read(path), filename=str(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise UserError(f"{path}:{line}: not Python: {getattr(error, 'msg', error)}") from None
    nodes = list(ast.walk(tree))
    _undo_renaming(nodes)
    for node in nodes:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
            changes_path |= any(alias.name == "sys" and alias.asname for alias in node.names)  # under another name
        elif isinstance(node, ast.ImportFrom):
            base = absolute("." * node.level + (node.module or ""), package)
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
            changes_path |= "sys.path" in names[-len(node.names) :]
        elif isinstance(node, ast.Call) and (name := _literal_import(node, package)):
            names.append(name)
            read.add(node.func)
        elif isinstance(node, ast.Attribute | ast.Name) and _hides(node) and node not in read:
            hidden.append((node.lineno, _name(node)))
        elif isinstance(node, ast.Attribute) and node.attr == "path" and _name(node.value) == "sys":
            changes_path = True
    return _Imports(tuple(with_parents(names)), tuple(sorted(hidden)), changes_path)


def _hides(node: ast.expr) -> bool:
    """Whether it brings in code when it is called; it is refused wherever it is not called with a literal."""
    return _name(node) in HIDING or (isinstance(node, ast.Name) and node.id in HIDING_ALONE)


def _undo_renaming(nodes: Sequence[ast.AST]) -> None:
    """Give what ``from importlib import import_module as load`` renames its own name again."""
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    names = {alias.asname: alias.name for node in imports for alias in node.names if alias.name in HIDING}
    if names:
        for node in nodes:
            if isinstance(node, ast.Name):
                node.id = names.get(node.id, node.id)


def _literal_import(node: ast.Call, package: str) -> str:
    """The module that a call imports by its name as a literal; empty for any other call."""
    if _name(node.func) not in BY_NAME or not node.args:
        return ""
    first, *others = node.args
    if _name(node.func) == "__import__" and (others or node.keywords):
        return ""  # of which package, and what from it, is said there
    if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
        return ""
    if not first.value.startswith("."):
        return first.value
    anchor = next(iter([*others, *(keyword.value for keyword in node.keywords)]), None)
    if isinstance(anchor, ast.Constant) and isinstance(anchor.value, str):
        return absolute(first.value, anchor.value)
    return absolute(first.value, package) if _name(anchor) == "__package__" else ""


def _name(node: ast.expr | None) -> str:
    """The last part of a name: ``import_module`` of ``importlib.import_module``."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def absolute(name: str, package: str) -> str:
    """``..losses.mil``, as written in a module of ``package``, in full."""
    level = len(name) - len(name.lstrip("."))
    if not level:
        return name
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - level + 1], *filter(None, [name[level:]])])
