"""jsonargparse's nested report of a wrong configuration, retold in one line: key, value, and what is allowed.

Its reports list every alternative that a type union failed on; here the one that a person meant is picked. The key's
place comes from the report, the value from the configuration itself.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from typing import Any

from jsonargparse import ArgumentParser

from experiments.errors import unknown
from experiments.table_files.merge import Config, get_path


def explain(
    message: str, config: Config, *, packages: Sequence[str], sections: dict[str, Any], hidden: set[str]
) -> str:
    """``key: what is wrong; what is allowed``.

    ``packages`` may be named by class paths; ``sections`` are the classes behind keys that name none (``trainer``);
    ``hidden`` are arguments that nobody sets, left out of what is allowed.
    """
    keys = [key for found in re.findall(r'Parser key "([^"]+)"', message) for key in found.split(".")]
    if group := re.search(r"Group '([^']+)' does not accept option '([^']+)'", message):
        keys += group[1].split(".")
    path = ".".join(key for key in keys if key != "init_args")
    if option := group or re.search(r"()(?:Option|Key) '([^']+)' is not (?:accepted|expected)", message):
        *inside, key = option[2].split(".")
        path = ".".join([*([path] if path else []), *inside])
        while not (allowed := set(_arguments(config, path, sections)) - hidden) and "." in path:
            path, _, key = path.rpartition(".")  # what has no keys was itself misspelt
        return f"{path}: {unknown('key', key, sorted(allowed))}"
    return f"{path}: {_problem(message, get_path(config, path), packages=packages)}"


def _problem(message: str, value: Any, *, packages: Sequence[str]) -> str:
    if found := re.search(r"Importing '([^']+)' is not allowed", message):
        return f"{found[1]!r} may not be imported; allowed packages: {', '.join(packages)} (imports: adds a user's own)"
    if found := re.search(r"Import path (\S+) does not correspond to a subclass of (\w+)", message):
        return f"{found[1]} is not a {found[2]}"
    if found := re.search(r"module '[^']+' has no attribute '[^']+'|No module named '[^']+'", message):
        return f"{value!r} is not there: {found[0]}"
    if found := re.search(r"Not a valid subclass of (\w+)", message):
        return f"expected the import path of a {found[1]}, got {value!r}"
    if choices := re.findall(r"Expected a typing\.Literal\[([^\]]*)\]", message):  # a union may have several
        names = dict.fromkeys(name.strip().strip("'") for choice in choices for name in choice.split(","))
        return f"expected one of {', '.join(names)}, got {value!r}"
    if found := re.search(r"the following arguments are required: (.+)", message):
        return f"missing: {found[1]}"
    if "is abstract" in message or "Expected an import path or a subclass spec" in message:
        return f"expected an import path (package.module.Class), got {value!r}"
    types = [name.rpartition(".")[2] for name in re.findall(r"Expected a <class '([^']+)'>", message)]
    wanted = list(dict.fromkeys(name for name in types if name != "NoneType"))
    if wanted:
        return f"expected {' or '.join(wanted)}, got {value!r}"
    return message.strip().splitlines()[-1].strip()


def _arguments(config: Config, path: str, sections: dict[str, Any]) -> list[str]:
    """The argument names of what stands at a path: a class, a function, or a plain group of a class's arguments."""
    if path in sections:
        return _signature(sections[path])
    value = get_path(config, path)
    if isinstance(value, str):
        return _signature(_class(value))
    owner, _, group = path.rpartition(".")  # a dataclass argument: its owner's signature knows the fields
    return _signature(_class(get_path(config, owner)), prefix=f"{group}.")


def _class(path: Any) -> Any:
    module, _, name = str(path).rpartition(".")
    return getattr(importlib.import_module(module), name)


def _signature(target: Any, prefix: str = "") -> list[str]:
    parser = ArgumentParser()
    add = parser.add_class_arguments if isinstance(target, type) else parser.add_function_arguments
    add(target, "x")
    start = f"x.{prefix}"
    names = vars(parser.get_defaults().as_flat())
    return sorted({name.removeprefix(start).split(".")[0] for name in names if name.startswith(start)})
