"""Files and folders that a configuration names (a word list, pretrained weights) are noticed when edited in place.

A run's key knows them by name. What they held when the run began stands in its ``key.json``; a finished run whose files
hold something else now counts as stale, and since its key would be the same, it is refused until they are restored or
the new ones have another name. Compared on the machine that has the run's folder. Of a folder the files that lay in it
count, not those below it or new ones; a name without a dot or slash is not taken for a file.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from datamodules.corpus_files import FileFacts, facts_of, stated
from datamodules.corpus_folder import WHOLE, data_root, preparing_command
from datamodules.model_folders import fetching_command, found_folder
from datamodules.run_warning import first_names
from experiments.table_files.merge import Config, get_path

MODEL, NOISE = "model: ", "noise: "  # begin why a run cannot start


def names(config: Config) -> list[Path]:
    """The texts of a configuration that are the name of something on this disk, its corpora aside."""
    corpora = set(_texts(get_path(config, "data.corpus")))
    texts = {text for text in _texts(config) if text not in corpora and re.search(r"\w[./]|[./]\w", text)}
    found = (text if os.path.exists(text) else str(found_folder(text)) for text in sorted(texts))
    return [Path(text) for text in found if os.path.exists(text)]  # unlike Path's it takes any text


def lacking(config: Config) -> str:
    """Why a run cannot start beside its corpus, after ``MODEL`` or ``NOISE``; empty where it can.

    For a model that ``earmark models`` fetches and that is not there, or a ``noise_folder`` without recordings.
    """
    for text in sorted(set(_texts(config))):
        if (command := fetching_command(text)) and not found_folder(text).is_dir():
            return f"{MODEL}{text} is not on this disk; run: {command}"
    for folder in sorted(set(_noise_folders(config))):
        if not _has_recordings(data_root() / folder):
            corpus = folder.split("/")[0]
            is_prepared = corpus not in WHOLE or (data_root() / corpus / "corpus.json").is_file()
            do = "allowed: a folder that has some" if is_prepared else f"run: {preparing_command(corpus)}"
            return f"{NOISE}noise_folder {folder}: no recordings in {data_root() / folder}; {do}"
    return ""


def _noise_folders(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from [item] if key == "noise_folder" and isinstance(item, str) else _noise_folders(item)
    elif isinstance(value, list):
        for item in value:
            yield from _noise_folders(item)


def _has_recordings(folder: Path) -> bool:
    from datamodules.audio.room_and_noise import AUDIO_SUFFIXES  # scipy, which a plan without noises does without

    return any(path.suffix.lower() in AUDIO_SUFFIXES for path in folder.rglob("*"))


def named_files(config: Config) -> dict[str, FileFacts]:
    """Facts of every file that a configuration names, and of those in folders that it names."""
    found: dict[str, FileFacts] = {}
    for path in names(config):
        inside = sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else []
        files = [path] if path.is_file() else inside
        found |= {str(file): _read(file) for file in files}
    return found


def changed_since(record: Path, *, run: str, among: Config | None = None) -> str:
    """Why the result of ``run`` is of other files than those of today, by its ``key.json``; empty if it is not.

    ``among`` are the sections whose files count, None for all.
    """
    try:
        recorded = json.loads(record.read_text(encoding="utf-8")).get("files", {})
    except (OSError, ValueError):
        return ""
    if among is not None:
        named = set(map(str, names(among)))
        recorded = {name: facts for name, facts in recorded.items() if {name, str(Path(name).parent)} & named}
    changed = [name for name, facts in recorded.items() if _differs(Path(name), FileFacts(*facts))]
    if not changed:
        return ""
    return f"{first_names(changed)} changed since {run} ran; restore it, or give the new one another name"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


def _differs(path: Path, recorded: FileFacts) -> bool:
    try:
        now = stated(path)
        return now != recorded._replace(digest="") and _digested(path, now).digest != recorded.digest
    except OSError:
        return False  # it is gone: the result is none the worse


def _read(path: Path) -> FileFacts:
    return _digested(path, stated(path))


@cache  # weights of gigabytes are read once a command, not once a run
def _digested(path: Path, facts: FileFacts) -> FileFacts:
    return facts_of(path)
