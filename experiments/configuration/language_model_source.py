"""``from: {language_model: …}`` of a row whose decoder hears one: without it a run fails when all is trained."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterator
from typing import Any

from experiments.errors import UserError
from experiments.table_files.merge import Config

NAME = "language_model"
READERS = {"read_language_model", "read_character_model"}  # what ``prepare`` of such a decoder calls
OURS = "lightning_modules."


def check_language_model(config: Config, sources: Collection[str], *, where: str) -> None:
    """A configuration that was parsed, and the names under its ``from:``. Raises ``UserError``.

    What a user's own scoring or a decoder's own ``prepare`` does with a model is theirs to say.
    """
    if NAME in sources:
        return
    for key, decoder in _decoders(config.get("scoring")):
        if hears_language_model(decoder):
            raise UserError(
                f"{where}: {key}: {decoder.__name__} needs the run of a language model: "
                f"from: {{{NAME}: row or table/row}}"
            )


def hears_language_model(decoder: type) -> bool:
    """Whether a class's ``prepare``, or what it calls of its bases', reads the model of ``from.language_model``."""
    for base in decoder.__mro__:
        if (prepare := vars(base).get("prepare")) is None:
            continue
        names = set(prepare.__code__.co_names) if base.__module__.startswith(OURS) else set()
        if READERS & names:
            return True
        if "super" not in names:
            return False
    return False


def _decoders(scoring: Any) -> Iterator[tuple[str, type]]:
    """Those of ``DecodingScoring`` and ``SeveralDecodings``, each with its place in a table."""
    arguments = scoring.get("init_args") or {} if isinstance(scoring, dict) else {}
    if not arguments or not _class(scoring).score.__module__.startswith(OURS):
        return
    if "decoder" in arguments:
        yield "scoring.decoder", _class(arguments["decoder"])
    for name, decoder in (arguments.get("decoders") or {}).items():
        yield f"scoring.decoders.{name}", _class(decoder)


def _class(spec: Any) -> Any:
    module, _, name = (spec if isinstance(spec, str) else spec["class_path"]).rpartition(".")
    return getattr(importlib.import_module(module), name)
