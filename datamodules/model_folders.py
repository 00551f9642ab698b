"""Where folders of pretrained models lie on this disk. Standard library only: the planner imports it.

A table says ``folder: models/whisper-base``: a folder under the current one, an absolute one, or else one under the
data root, where ``earmark models`` writes.
"""

from __future__ import annotations

from pathlib import Path

from datamodules.corpus_folder import data_root

MODELS = "models"
FETCHED = ("whisper-base", "whisper-tiny-en")  # what ``earmark models`` fetches


def model_folder(name: str) -> Path:
    """Where ``earmark models`` writes a model."""
    return data_root() / MODELS / name


def found_folder(folder: str) -> Path:
    """The folder that a configuration names: as it stands where that is there, else under the data root where that is.

    What is in neither place comes back as it stands.
    """
    here, fetched = Path(folder), data_root() / folder
    return fetched if not here.is_dir() and fetched.is_dir() else here


def fetching_command(folder: str) -> str:
    """The command that makes a folder, empty where there is none.

    >>> fetching_command("models/whisper-base"), fetching_command("models/xls-r-300m")
    ('earmark models whisper-base', '')
    """
    path = Path(folder)
    fetched = path.name in FETCHED and path.parent == Path(MODELS)
    return f"earmark models {path.name}" if fetched else ""
