"""What makes a run the same run: its key, in named parts, so that a plan can say *why* a cell would run again.

``config`` is the merged file without ``machine:``; ``code`` the closure of imports from every class that the
configuration names, found by AST (no import is executed) over LF-normalised bytes; ``data`` the corpus's digest;
``upstream`` the keys of the runs it stands on. Never a git hash: it is blind to dirty files and absent in a wheel.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from experiments.merge import Config

OUR_PACKAGES = ("lightning_modules", "datamodules")
# Code that a section stands for without naming it by a class path.
SECTION_CODE = {
    "fine_tuning": ("lightning_modules.callbacks.fine_tuning", "lightning_modules.callbacks.seed_loading"),
}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class RunKey:
    """The parts of one run's identity; ``id`` is their digest and names the run folder."""

    config: str
    code: str
    data: str
    seed: int
    upstream: str

    @property
    def id(self) -> str:
        """Sixteen hexadecimal digits over all parts."""
        return _digest(json.dumps([self.config, self.code, self.data, self.seed, self.upstream]))

    def parts(self) -> dict[str, str]:
        """The parts as text, for tags and comparisons."""
        return {"config": self.config, "code": self.code, "data": self.data, "upstream": self.upstream}


def config_key(config: Config, *, stage: str) -> str:
    """Digest of the merged configuration; key order does not matter."""
    return _digest(json.dumps([stage, config], sort_keys=True))


def upstream_key(keys: Mapping[str, RunKey]) -> str:
    """Digest of the runs that a row stands on, by the names of its ``from:``."""
    return _digest(json.dumps({name: key.id for name, key in keys.items()}, sort_keys=True)) if keys else ""


def code_digests(config: Config, *, recipe_version: str, imports: Sequence[str] = ()) -> dict[str, str]:
    """Digest by module of all code that a configuration's classes import, directly or not."""
    packages = (*OUR_PACKAGES, *imports)
    named = {path.rpartition(".")[0] for path in _named(config) if path.split(".")[0] in packages}
    named |= {module for section in config for module in SECTION_CODE.get(section, ())}
    return dict(sorted({"recipe": recipe_version, **_closure(frozenset(named), packages)}.items()))


@cache  # rows of a table differ in values, and in few classes
def _closure(named: frozenset[str], packages: tuple[str, ...]) -> dict[str, str]:
    todo = _with_parents(sorted(named))
    digests: dict[str, str] = {}
    while todo:
        module = todo.pop()
        if module in digests or module.split(".")[0] not in packages or (source := _source(module)) is None:
            continue
        digests[module] = _file_digest(source)
        todo += _imported(source, package=module if source.name == "__init__.py" else module.rpartition(".")[0])
    return digests


def _named(value: Any) -> list[str]:
    """Every text of a configuration that could be an import path: a class may stand as a bare string."""
    if isinstance(value, Mapping):
        return [name for item in value.values() for name in _named(item)]
    if isinstance(value, list):
        return [name for item in value for name in _named(item)]
    return [value] if isinstance(value, str) and "." in value else []


def code_key(digests: Mapping[str, str]) -> str:
    """One digest over ``code_digests``."""
    return _digest(json.dumps(dict(digests), sort_keys=True))


@cache
def _package_folder(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)  # finds a top-level package without executing it
    return Path(spec.origin).parent if spec and spec.origin else None


def _source(module: str) -> Path | None:
    """The file of a module, or None (then the name was a class or function inside a module)."""
    top, *rest = module.split(".")
    if (folder := _package_folder(top)) is None:
        return None
    place = folder.joinpath(*rest)
    for candidate in (place.with_suffix(".py") if rest else None, place / "__init__.py"):
        if candidate is not None and candidate.is_file():
            return candidate
    return None


@cache
def _file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()[:16]


@cache
def _imported(path: Path, *, package: str) -> tuple[str, ...]:
    """Modules that a file imports anywhere in its text; ``from a import b`` yields both ``a`` and ``a.b``."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *([base] if base else [])])
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return tuple(_with_parents(names))


def _with_parents(names: Iterable[str]) -> list[str]:
    """Importing ``a.b.c`` executes ``a`` and ``a.b`` too."""
    found: dict[str, None] = {}
    for name in names:
        parts = name.split(".")
        found.update({".".join(parts[: n + 1]): None for n in range(len(parts))})
    return list(found)


def differing_files(old: Mapping[str, Any], new: Mapping[str, str]) -> list[str]:
    """Modules whose digests differ between two closures, for the plan's *why*."""
    return sorted(module for module in {*old, *new} if old.get(module) != new.get(module))
