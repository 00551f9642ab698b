"""``predict.yaml`` and ``transcribe.yaml`` read back: which run was used, and settings checked against their class."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from experiments.errors import UserError, unknown
from experiments.table_files.yaml_files import read_yaml

KINDS: dict[str, type | tuple[type, ...]] = {"str": str, "float": (int, float), "int": int, "bool": bool}


def read_params(path: Path, settings: type, *, command: str) -> tuple[str, dict[str, Any]]:
    """(run, arguments of the dataclass ``settings``). Raises ``UserError`` naming file, key and value.

    A run is named by its key, since the best run of a row may be another by now; a folder by its path.
    """
    record = read_yaml(path)
    run = record.get("run") if isinstance(record, dict) else None
    given = record.get("settings") if isinstance(record, dict) else None
    if not isinstance(run, dict) or not isinstance(run.get("text"), str) or not isinstance(given, dict):
        raise UserError(
            f"{path}: run.text and settings are missing, allowed: a {command}.yaml that earmark {command} wrote"
        )
    known = {field.name: str(field.type) for field in fields(settings)}
    for name, value in given.items():
        if name not in known:
            raise UserError(f"{path}: {unknown('settings key', name, known)}")
        if not _fits(value, known[name]):
            raise UserError(f"{path}: settings.{name} {value!r}, allowed: {known[name]}")
    text, key = run["text"], run.get("key")
    return (text if Path(text).is_dir() or not isinstance(key, str) else key), given


def _fits(value: object, written_type: str) -> bool:
    """Whether a plain value is of a field's type as it is written in the class."""
    if value is None:
        return written_type.endswith(" | None")
    kind = written_type.removesuffix(" | None")
    return isinstance(value, KINDS[kind]) and (isinstance(value, bool) == (kind == "bool"))
