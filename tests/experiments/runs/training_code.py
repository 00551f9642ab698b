"""Digests of all code of ``experiments`` that a training runs, by the name of the definition.

    python tests/experiments/runs/training_code.py      records them for the recipe's version of today

What is reached from ``train.py`` by name counts: functions, classes and constants, wherever they stand, so a move is no
change. Neither are comments, docstrings, formats, imports and annotations of functions.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

EXPERIMENTS = Path(__file__).resolve().parents[3] / "experiments"
RECORD = Path(__file__).with_name("training_code.json")
START = "train.py"
UNNAMED = ""  # statements of a module that define nothing: they run when it is imported


class Module:
    """A file's definitions by name, and where its other names come from: ``(module, name)``, name None for a module."""

    def __init__(self, path: Path) -> None:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        self.definitions: dict[str, list[ast.stmt]] = defaultdict(list)
        for statement in tree.body:
            for name in _defined(statement):
                self.definitions[name].append(statement)
        self.origins = dict(_imported(tree))


def _defined(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.Import | ast.ImportFrom) or _computes_nothing(statement):
        return []
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        return [
            node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        ]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    return [UNNAMED]


def _computes_nothing(statement: ast.stmt) -> bool:
    """Docstrings, and ``if TYPE_CHECKING:``."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.If) and all(
        isinstance(node, ast.Import | ast.ImportFrom) for node in statement.body
    )


def _imported(tree: ast.Module) -> Iterator[tuple[str, tuple[str, str | None]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "experiments":
            for alias in node.names:
                is_module = _file(f"{node.module}.{alias.name}") is not None
                origin = (f"{node.module}.{alias.name}", None) if is_module else (str(node.module), alias.name)
                yield alias.asname or alias.name, origin


def _file(module: str) -> Path | None:
    path = EXPERIMENTS.joinpath(*module.split(".")[1:]).with_suffix(".py")
    return path if path.is_file() else None


@cache
def _read(path: Path) -> Module:
    return Module(path)


def digests() -> dict[str, str]:
    """Digest by name; definitions of one name in several files share one."""
    (start,) = EXPERIMENTS.rglob(START)
    todo = [(start, name) for name in _read(start).definitions]
    reached: dict[tuple[Path, str], str] = {}
    while todo:
        path, name = todo.pop()
        if (path, name) in reached:
            continue
        statements = _read(path).definitions.get(name, [])
        reached[path, name] = repr([_shape(statement) for statement in statements])
        for statement in statements:
            todo += _reached(statement, path)
        todo.append((path, UNNAMED))
    texts = defaultdict(list)
    for (path, name), text in reached.items():
        if text != "[]":
            texts[name or f"import of {path.name}"].append(text)
    return {name: hashlib.sha256("\n".join(sorted(of)).encode()).hexdigest()[:16] for name, of in sorted(texts.items())}


def _reached(statement: ast.stmt, path: Path) -> Iterator[tuple[Path, str]]:
    """Definitions whose names a statement holds: of its own module, of another, of ``module.name``."""
    module = _read(path)
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and node.id in module.definitions:
            yield path, node.id
        elif isinstance(node, ast.Name) and node.id in module.origins:
            origin, name = module.origins[node.id]
            if name is not None and (file := _file(origin)):
                yield file, name
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            origin, name = module.origins.get(node.value.id, ("", None))
            if name is None and (file := _file(origin)):
                yield file, node.attr


def _shape(value: Any) -> Any:
    """A syntax tree as nested tuples, alike in all versions of Python, without what does not compute."""
    if isinstance(value, list):
        return tuple(_shape(item) for item in value if not isinstance(item, ast.Import | ast.ImportFrom))
    if not isinstance(value, ast.AST):
        return repr(value)
    fields = dict(ast.iter_fields(value))
    if (
        isinstance(value, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and ast.get_docstring(value) is not None
    ):
        fields["body"] = fields["body"][1:]
    if isinstance(value, ast.FunctionDef | ast.AsyncFunctionDef | ast.arg):
        fields |= {"returns": None, "annotation": None}
    return type(value).__name__, *((name, _shape(item)) for name, item in fields.items() if item not in (None, []))


def _main() -> None:
    from experiments.runs import recipe

    record = {"recipe": recipe.VERSION, "definitions": digests()}
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"{RECORD.name}: {len(record['definitions'])} definitions of recipe {recipe.VERSION}")


if __name__ == "__main__":
    _main()
