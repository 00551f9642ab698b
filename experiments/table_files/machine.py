"""``machine:`` of a table, or of a file for ``earmark fit``: how it runs here, in no key, for no result hangs on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.errors import UserError
from experiments.table_files.table_values import read_mapping

INTEGERS = {"num_workers": 0, "devices": 1, "num_nodes": 1, "threads": 1}  # with the least of each
AUDIO = ("auto", "memory", "disk")
OF_DATA = ("num_workers", "audio", "cache_gigabytes")  # what is set on a data module that has it


def read_machine(value: Any, *, where: str) -> dict[str, Any]:
    """The settings that are given. Raises ``UserError``."""
    machine = read_mapping(value, where=where, allowed=(*INTEGERS, "accelerator", "audio", "cache_gigabytes"))
    for key, item in machine.items():
        _check(key, item, where=f"{where}.{key}")
    return machine


def _check(key: str, item: Any, *, where: str) -> None:
    if key == "accelerator":
        if not isinstance(item, str):
            raise UserError(f"{where}: expected text such as auto, cpu or gpu, got {item!r}")
    elif key == "audio":
        if item not in AUDIO:
            raise UserError(f"{where}: expected {', '.join(AUDIO)}, got {item!r}")
    elif key == "cache_gigabytes":
        if type(item) not in (int, float) or not 0 <= item < float("inf"):
            raise UserError(f"{where}: expected a number >= 0, got {item!r}")
    elif type(item) is not int or item < INTEGERS[key]:
        raise UserError(f"{where}: expected an integer >= {INTEGERS[key]}, got {item!r}")


def set_on_data(data: Any, machine: Mapping[str, Any]) -> None:
    """Give a data module those settings that are of its loaders; one without audio has no such attributes."""
    for key in OF_DATA:
        if key in machine and hasattr(data, key):
            setattr(data, key, machine[key])
