"""A row whose decoder hears a language model names the one: without it the run fails when all is trained."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from experiments.table_files.spec import TABLES, read_table

READS = ("read_language_model(", "read_character_model(")  # of a decoder that needs from.language_model


def _hears_one(decoder: Any) -> bool:
    path = decoder if isinstance(decoder, str) else decoder["class_path"]
    module, _, name = path.rpartition(".")
    named = getattr(importlib.import_module(module), name)
    return any(
        reads in inspect.getsource(of)
        for reads in READS
        for of in named.__mro__
        if of.__module__.startswith("lightning_modules")
    )


def _decoders(scoring: Any) -> Iterator[Any]:
    arguments = scoring.get("init_args", {}) if isinstance(scoring, dict) else {}
    if "decoder" in arguments:
        yield arguments["decoder"]
    yield from arguments.get("decoders", {}).values()


SHIPPED = [(path.stem, None) for path in sorted(TABLES.glob("*.yaml"))]


@pytest.mark.parametrize(("name", "scale"), [*SHIPPED, ("transfer_study", "study")])
def test_decoders_that_hear_a_language_model_have_one(name: str, scale: str | None) -> None:
    table = read_table(name, scale=scale)
    if table.family != "asr":
        return
    lacking = [
        row.name
        for row in table.rows.values()
        if "language_model" not in row.sources and any(map(_hears_one, _decoders(row.config.get("scoring"))))
    ]
    assert not lacking
