"""YAML 1.2 in and out: plain JSON values, read strictly, every mistake told in one line with its place.

ruamel.yaml refuses duplicate keys and reads ``no`` and ``4:00:00`` as the text they are; PyYAML does neither.
"""

from __future__ import annotations

import io
import itertools
import math
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

from experiments.errors import UserError

MOST_VALUES = 100_000  # a table of 500 rows has some thousand; aliases of aliases make millions of a few lines


def read_yaml(path: Path) -> Any:
    """Plain JSON values of a YAML 1.2 file; whatever is wrong with it is one line with its place."""
    try:
        return _load(path.read_text(encoding="utf-8-sig"), where=str(path))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from None
    except MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}:" if error.problem_mark else ""
        problem = (error.problem or str(error)).strip().splitlines()[0]
        raise UserError(f"{path}:{line} {problem}") from None


def parse_value(text: str, *, where: str = "value") -> Any:
    """A value typed on the command line, read as YAML would read it in a file; what is no YAML is text."""
    try:
        return _load(text, where=f"{where} {text!r}")
    except MarkedYAMLError:
        return text


def _load(text: str, *, where: str) -> Any:
    """Raises ``UserError``, and ``MarkedYAMLError`` for errors of syntax."""
    try:
        constructor, _ = YAML(typ="safe", pure=True).get_constructor_parser(text)
        node = constructor.composer.get_single_node()
        if node is None:
            return None
        _refuse_doubles(node, set())
        if _size(node, {}) > MOST_VALUES:
            raise UserError(f"{where}: more than {MOST_VALUES:,} values, each alias counted in full; allowed: fewer")
        value: Any = constructor.construct_document(node)
        _refuse_other_than_json(value, where=where, path="", around=())
    except (MarkedYAMLError, UserError):
        raise
    except (YAMLError, ValueError) as error:  # a control character; a date with 13 months
        raise UserError(f"{where}: {str(error).strip().splitlines()[0]}") from None
    except RecursionError:
        raise UserError(f"{where}: nested too deeply") from None
    return value


def _refuse_doubles(node: Node, seen: set[int]) -> None:
    """Raise ``MarkedYAMLError`` for a key that stands twice; of a mapping with ``<<`` the parser takes the last one."""
    if not isinstance(node, CollectionNode) or id(node) in seen:
        return
    seen.add(id(node))
    lines: dict[str, int] = {}
    for part in node.value:
        key, value = part if isinstance(node, MappingNode) else (None, part)
        if isinstance(key, ScalarNode):
            if key.value in lines:
                says = f"found duplicate key {key.value!r}, which stands in line {lines[key.value]}, too"
                raise MarkedYAMLError(problem=says, problem_mark=key.start_mark)
            lines[key.value] = key.start_mark.line + 1
        _refuse_doubles(value, seen)


def _size(node: Node, sizes: dict[int, int]) -> int:
    """How many keys and values a node stands for, each as often as an alias repeats it: ten lines can be billions.

    ``sizes`` are those of the nodes that were counted, by their id.
    """
    if id(node) not in sizes:
        sizes[id(node)] = 0  # while it is counted: an alias of what it stands in, which is refused by its own name
        parts = list(itertools.chain(*node.value)) if isinstance(node, MappingNode) else node.value
        parts = parts if isinstance(node, CollectionNode) else []
        sizes[id(node)] = 1 + sum(_size(part, sizes) for part in parts)
    return sizes[id(node)]


def _refuse_other_than_json(value: Any, *, where: str, path: str, around: tuple[int, ...]) -> None:
    """A run's configuration is hashed and stored as JSON: no dates, sets or NaN, and nothing that holds itself."""
    place = f"{where}: {path}" if path else where
    if id(value) in around:
        raise UserError(f"{place}: an alias of what it stands in")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise UserError(f"{place}: key {key!r} is not text; quote it")
            inside = f"{path}.{key}".lstrip(".")
            _refuse_other_than_json(item, where=where, path=inside, around=(*around, id(value)))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _refuse_other_than_json(item, where=where, path=f"{path}[{number}]", around=(*around, id(value)))
    elif isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"{place}: got {value}; allowed: finite numbers")
    elif not (value is None or isinstance(value, (str, bool, int, float))):
        kind = type(value).__name__
        raise UserError(f"{place}: got the {kind} {value}; allowed: text (quote it), numbers, true, false, null")


def to_yaml(value: Any) -> str:
    """Plain values as YAML text."""
    stream = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.dump(value, stream)
    return stream.getvalue()
