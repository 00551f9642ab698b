"""docs/commands.md says of every command with which codes it ends: compared with the commands' own returns."""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from experiments.cli import build_parser

DOCUMENT = Path(__file__).parents[4] / "docs" / "commands.md"
SUBPROCESS = "wait"  # MLflow's server


def commands(parser: argparse.ArgumentParser, words: tuple[str, ...] = ()) -> Iterator[tuple[str, FunctionType]]:
    """(name, function) of every command; one whose verbs share its function once."""
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if run := parser.get_default("run"):
        yield " ".join(words), run
    for group in groups:
        for name, child in group.choices.items():
            below = list(commands(child, (*words, name)))
            yield from below or ([] if words == ("data",) else [(" ".join((*words, name)), FunctionType)])


def codes(function: FunctionType) -> set[int]:
    """The whole numbers that a command's function may return, followed through what it calls."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    names = {**vars(inspect.getmodule(function)), **imported(tree)}
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Return) and node.value is not None:
            found |= of_expression(node.value, tree, names)
    return found


def imported(tree: ast.FunctionDef) -> dict[str, Any]:
    """What the function imports inside itself."""
    found: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("experiments.commands"):
            module = importlib.import_module(str(node.module))
            for name in node.names:
                found[name.name] = (
                    getattr(module, name.name)
                    if hasattr(module, name.name)
                    else importlib.import_module(f"{node.module}.{name.name}")
                )
    return found


def of_expression(node: ast.expr, tree: ast.FunctionDef, names: dict[str, Any]) -> set[int]:
    match node:
        case ast.Constant(value=int(value)):
            return {int(value)}
        case ast.IfExp(body=one, orelse=other):
            return of_expression(one, tree, names) | of_expression(other, tree, names)
        case ast.BoolOp(values=values):
            return set().union(*(of_expression(value, tree, names) for value in values))
        case ast.Call(func=ast.Name(id="int")):
            return {0, 1}  # of a condition
        case ast.Call(func=ast.Attribute(attr="partial"), args=[ast.Name(id=name), *_]):
            return codes(names[name])
        case ast.Call(func=ast.Attribute(attr=attribute)) if attribute == SUBPROCESS:
            return set()
        case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name)):
            assert isinstance(names[module], ModuleType)
            return codes(getattr(names[module], name))
        case ast.Call(func=ast.Name(id=name)) if isinstance(names.get(name), FunctionType):
            return codes(names[name])
        case ast.Call(func=ast.Name(id=name)) | ast.Name(id=name):
            if isinstance(names.get(name), int):
                return {names[name]}
            values = [
                assigned.value
                for assigned in ast.walk(tree)
                if isinstance(assigned, ast.Assign)
                and any(isinstance(target, ast.Name) and target.id == name for target in assigned.targets)
            ]
            assert values, f"{tree.name}: {name}"
            known = {**names, name: 0}  # a loop's `code = launch() or code` is no further code
            return set().union(*(of_expression(value, tree, known) for value in values))
    raise AssertionError(f"{tree.name}: cannot follow {ast.unparse(node)}")


def documented() -> dict[str, set[int]]:
    rows = re.findall(r"^\| `([a-z ]+)` \| ([0-9 ]+) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: {int(code) for code in listed.split()} for name, listed in rows}


def test_every_command_ends_with_the_codes_that_are_documented() -> None:
    found = {name: codes(run) for name, run in dict(commands(build_parser())).items()}
    assert documented() == found
