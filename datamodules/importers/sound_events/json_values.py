"""A JSON file and its parts, refused by name where they are not of the expected kind."""

from __future__ import annotations

import json
from pathlib import Path

from datamodules.importers.entry import ManifestError, read_text


def json_file(path: Path, *, allowed: str) -> object:
    """What a file of JSON holds. Raises ``ManifestError`` with the line for what is not JSON."""
    if not (text := read_text(path)).strip():
        raise ManifestError(f"{path}: is empty, allowed: {allowed}")
    try:
        value: object = json.loads(text)
    except json.JSONDecodeError as error:
        raise ManifestError(f"{path}, line {error.lineno}: {error.msg}, allowed: {allowed}") from None
    except RecursionError:
        raise ManifestError(f"{path}: nested too deeply, allowed: {allowed}") from None
    return value


def as_object(value: object, *, key: str, place: str) -> dict[str, object]:
    """A JSON object. Raises ``ManifestError`` for anything else."""
    if not isinstance(value, dict):
        raise ManifestError(f"{place}: {key} {str(value)[:40]!r}, allowed: an object in braces")
    return value


def as_list(value: object, *, key: str, place: str) -> list[object]:
    """A JSON list. Raises ``ManifestError`` for anything else."""
    if not isinstance(value, list):
        raise ManifestError(f"{place}: {key} {str(value)[:40]!r}, allowed: a list in brackets")
    return value
