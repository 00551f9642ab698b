"""The names of AudioSet's classes by their Freebase ids, from the file beside a list.

index,mid,display_name                       class_labels_indices.csv
1,/m/05zppz,"Male speech, man speaking"
/m/05zppz   Male speech, man speaking        mid_to_display_name.tsv, separated by a tab, of the strong labels
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from datamodules.importers.entry import ManifestError
from datamodules.importers.left_out import warn_of_left_out
from datamodules.importers.sound_events.rows import csv_rows, label_of, named_rows, tsv_rows

INDICES, NAMES = "class_labels_indices.csv", "mid_to_display_name.tsv"


class ClassNames:
    """Names of the labels of one list. Ids that the file of names lacks are left out, counted and named."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names = _names_beside(path)
        self._unknown: dict[str, None] = {}
        self._num_unknown = 0

    def of(self, labels: Iterable[str], *, place: str) -> list[str]:
        """The names of a row's labels; what is no id is its own name. Raises ``ManifestError`` for an empty label."""
        named = []
        for written in labels:
            label = label_of(written, key="label", place=place)
            if not label.startswith("/"):
                named.append(label)
            elif self._names is None:
                raise ManifestError(
                    f"{place}: label {label!r} is an id and neither {INDICES} nor {NAMES} lies beside the list, "
                    "allowed: the file of names that AudioSet's page has, in the same folder"
                )
            elif label in self._names:
                named.append(self._names[label])
            else:
                self._num_unknown += 1
                self._unknown[label] = None
        return named

    def warn_of_unknown(self) -> None:
        """Say which ids have no name, and how many labels that leaves out."""
        what = f"{self._num_unknown} labels of classes that the names beside it lack; their ids"
        warn_of_left_out(self._path, self._unknown, what=what)


def _names_beside(path: Path) -> dict[str, str] | None:
    folder = path.absolute().parent
    for file in (folder / INDICES, folder / NAMES, folder.parent / INDICES):
        if file.is_file():
            return dict(_indices(file) if file.name == INDICES else _tab_separated(file))
    return None


def _indices(file: Path) -> Iterable[tuple[str, str]]:
    for place, row in named_rows(csv_rows(file), columns=("mid", "display_name")):
        yield row["mid"], label_of(row["display_name"], key="display_name", place=place)


def _tab_separated(file: Path) -> Iterable[tuple[str, str]]:
    for place, fields in tsv_rows(file):
        if len(fields) != 2:
            raise ManifestError(f"{place}: {len(fields)} columns, allowed: 2 separated by a tab (mid, name)")
        yield fields[0].strip(), label_of(fields[1], key="name", place=place)
