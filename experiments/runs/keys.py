"""What makes a run the same run: its key, in named parts, so that a plan can say *why* a cell would run again.

``config`` is the merged file without ``machine:``; ``code`` the closure of imports from every class that the
configuration names (``code_closure.py``) over LF-normalised bytes; ``data`` the corpus's digest;
``upstream`` the keys of the runs it stands on. Never a git hash: it is blind to dirty files and absent in a wheel.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from experiments.runs.code_closure import OUR_PACKAGES, closure, digest
from experiments.table_files.merge import Config

# Code that a section stands for without naming it by a class path.
SECTION_CODE = {
    "fine_tuning": (
        "lightning_modules.callbacks.fine_tuning",
        "lightning_modules.callbacks.seed_loading",
        "lightning_modules.callbacks.target_statistics",
    ),
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


def upstream_key(ids: Mapping[str, str]) -> str:
    """Digest of the runs that a row stands on, by the names of its ``from:``."""
    return _digest(json.dumps(dict(ids), sort_keys=True)) if ids else ""


def code_digests(config: Config, *, recipe_version: str, imports: Sequence[str] = ()) -> dict[str, str]:
    """Digest by module of ``code_files``. Raises ``UserError`` for code that cannot be followed."""
    digests = {module: _file_digest(path) for module, path in code_files(config, imports=imports).items()}
    return dict(sorted({"recipe": recipe_version, **digests}.items()))


def code_files(config: Config, *, imports: Sequence[str] = ()) -> dict[str, Path]:
    """File by module of all code that a configuration's classes import, directly or not.

    ``imports`` are the user's own modules that it may name. Raises ``UserError`` for code that cannot be followed.
    """
    own = tuple(sorted({name.split(".")[0] for name in imports}))
    named = named_modules(config, (*OUR_PACKAGES, *own))
    named |= {module for section in config for module in SECTION_CODE.get(section, ())}
    return closure(frozenset(named), own)


def named_modules(config: Config, packages: Sequence[str] = OUR_PACKAGES) -> set[str]:
    """The modules of these packages whose classes and functions a configuration names."""
    return {path.rpartition(".")[0] for path in _named(config) if path.split(".")[0] in packages}


@cache
def _file_digest(path: Path) -> str:
    return digest(path)


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


def differing_files(old: Mapping[str, Any], new: Mapping[str, str]) -> list[str]:
    """Modules whose digests differ between two closures, for the plan's *why*."""
    return sorted(module for module in {*old, *new} if old.get(module) != new.get(module))
