"""What a class or a function of our own or the user's takes, read from its text: a plan imports no training code.

Only what is certain is said. Where a name leads elsewhere, a decorator or ``__new__`` stands in between, or a default
is no literal, nothing is. Installed packages are left alone: their defaults may change with their version, which no key
holds.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from experiments.runs.code_closure import absolute, own_source

# Of an annotation whose integers jsonargparse makes floats: float, float | None, list[float] …
FLOATS = {"float", "None", "Optional", "Union", "list", "tuple", "Sequence"}
Function = ast.FunctionDef | ast.AsyncFunctionDef
UNREADABLE = "?"


class Parameter(NamedTuple):
    """``takes_floats`` where an integer becomes a float; the default as JSON, None where there is none."""

    takes_floats: bool
    default: str | None


@cache
def parameters(path: str) -> Mapping[str, Parameter]:
    """By name, of the class or function at an import path; empty where that is not certain.

    A constructor's ``**arguments`` that are handed on whole are those of its bases.
    """
    module, _, name = path.rpartition(".")
    tree = _tree(module)
    if tree is None:
        return {}
    found = [node for node in tree.body if isinstance(node, ast.ClassDef | Function) and node.name == name]
    if len(found) != 1 or found[0].decorator_list or _bindings(tree, name) > 1:
        return {}
    return _of_class(found[0], module, tree) if isinstance(found[0], ast.ClassDef) else _taken(found[0].args)


def as_json(value: Any, *, takes_floats: bool) -> str:
    """A value as a training gets it, to be compared with a default."""
    return json.dumps(as_floats(value) if takes_floats else value, sort_keys=True)


def as_floats(value: Any) -> Any:
    """Integers in a value as floats, as jsonargparse makes them for ``float``."""
    if isinstance(value, list | tuple):
        return [as_floats(item) for item in value]
    return float(value) if type(value) is int and abs(value) < 2**53 else value


@cache
def _tree(module: str) -> ast.Module | None:
    path = own_source(module) if module else None
    try:
        return ast.parse(path.read_bytes()) if path is not None else None
    except (SyntaxError, ValueError):  # who imports it says so
        return None


def _bindings(tree: ast.Module, name: str) -> int:
    """How often a name is bound in a module; ``R = wrap(R)`` makes another thing of it."""
    nodes = list(ast.walk(tree))
    stored = [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    defined = [node.name for node in tree.body if isinstance(node, ast.ClassDef | Function)]
    aliases = [alias for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names]
    return [*stored, *defined, *(alias.asname or alias.name for alias in aliases)].count(name)


def _of_class(node: ast.ClassDef, module: str, tree: ast.Module) -> Mapping[str, Parameter]:
    methods = {item.name: item for item in node.body if isinstance(item, Function)}
    init = methods.get("__init__")
    if "__new__" in methods or node.keywords or (init and init.decorator_list):
        return {}
    inherited: Mapping[str, Parameter] = {}
    if len(node.bases) == 1 and (init is None or _hands_on(init)):  # the order of several is Python's to find
        inherited = parameters(_import_path(node.bases[0], module, tree))
    return inherited if init is None else {**inherited, **_taken(init.args, skip=1)}


def _hands_on(init: Function) -> bool:
    """Whether ``**arguments`` go to the base's constructor untouched, and nowhere else."""
    if init.args.kwarg is None:
        return False
    uses = [node for node in ast.walk(init) if isinstance(node, ast.Name) and node.id == init.args.kwarg.arg]
    calls = [node for node in ast.walk(init) if isinstance(node, ast.Call)]
    handed = [call for call in calls if ast.unparse(call.func) == "super().__init__"]
    whole = [keyword.value for call in handed for keyword in call.keywords if keyword.arg is None]
    return bool(uses) and all(use in whole for use in uses)


def _taken(arguments: ast.arguments, *, skip: int = 0) -> dict[str, Parameter]:
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [*[None] * (len(positional) - len(arguments.defaults)), *arguments.defaults, *arguments.kw_defaults]
    pairs = list(zip([*positional, *arguments.kwonlyargs], defaults, strict=True))[skip:]
    return {argument.arg: _parameter(argument.annotation, default) for argument, default in pairs}


def _parameter(annotation: ast.expr | None, default: ast.expr | None) -> Parameter:
    parts = list(ast.walk(annotation)) if annotation else []
    names = {ast.unparse(part) for part in parts if isinstance(part, ast.Name | ast.Attribute | ast.Constant)} - {"..."}
    takes_floats = "float" in names and names <= FLOATS
    if default is None:
        return Parameter(takes_floats, None)
    try:
        return Parameter(takes_floats, as_json(ast.literal_eval(default), takes_floats=takes_floats))
    except (ValueError, TypeError):
        return Parameter(takes_floats, UNREADABLE)


def _import_path(base: ast.expr, module: str, tree: ast.Module) -> str:
    """Where a base class is defined, as the module's own definitions and ``from`` imports say; else empty."""
    if not isinstance(base, ast.Name) or _bindings(tree, base.id) > 1:
        return ""
    package = module.rpartition(".")[0]
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == base.id:
            return f"{module}.{base.id}"
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == base.id:
                    return f"{absolute('.' * node.level + (node.module or ''), package)}.{alias.name}"
    return ""
