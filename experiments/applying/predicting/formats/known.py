"""The formats by the names that ``-f`` takes, and what their files are called beside ``yard.wav``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.applying.predicting.file_events import FileEvents
from experiments.applying.predicting.formats import json_files, tables
from experiments.errors import UserError, unknown


@dataclass(frozen=True)
class Format:
    """``text`` of one file, given the name under which its audio is found; ``join`` makes one list of several.

    ``suffix`` may have a folder before it, for what other tools read by the folder.
    """

    suffix: str
    text: Callable[[FileEvents, str], str]
    join: Callable[[Sequence[str]], str] | None = None

    def beside(self, stem: Path) -> Path:
        """The file of ``FOLDER/yard``: ``FOLDER/yard.tsv``, ``FOLDER/scores/yard.tsv``."""
        folder, _, suffix = self.suffix.rpartition("/")
        return stem.parent / folder / f"{stem.name}{suffix}"


FORMATS: Mapping[str, Format] = {
    "dcase": Format(".tsv", tables.dcase, tables.joined_tables),
    "audacity": Format(".txt", tables.audacity),
    "raven": Format(".selections.txt", tables.raven),
    "jsonl": Format(".jsonl", json_files.jsonl, json_files.joined_lines),
    "scores": Format("scores/.tsv", tables.scores),
    "labelstudio": Format(".json", json_files.label_studio, json_files.joined_lists),
}


def chosen_formats(written: str, *, one_list: bool) -> tuple[str, ...]:
    """The names of ``dcase,audacity``. Raises ``UserError`` for another one, and one that has no list of all files."""
    names = tuple(dict.fromkeys(name.strip() for name in written.split(",")))
    for name in names:
        if name not in FORMATS:
            raise UserError(f"-f: {unknown('format', name, FORMATS)}")
        if one_list and FORMATS[name].join is None:
            those = ", ".join(name for name, of in FORMATS.items() if of.join is not None)
            raise UserError(f"--one-list with -f {name}, which is a file a recording; allowed: {those}")
    return names
