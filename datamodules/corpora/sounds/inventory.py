"""Which file of which Debian package is a recording of which class, and which recordings belong to one family.

A family is one recording session as far as names and sound tell: numbered takes, the opening and closing of one door,
and files that correlate strongly with each other even across packages (game projects share sources). No family may be
in two splits. The list was made from file names and checked by cross-correlation, spectrum and level, not by ear.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import PurePosixPath

BACKGROUND = "background"


@dataclass(frozen=True)
class ListedSound:
    """One recording: ``path`` inside the package and, for a container, the pattern of its name in there."""

    package: str
    label: str
    family: str
    path: str
    pattern: str | None

    def is_named(self, name: str) -> bool:
        """Whether a container's entry is this recording: by its whole name or by its last part."""
        return self.pattern is not None and any(
            fnmatchcase(candidate, self.pattern) for candidate in (name, PurePosixPath(name).name)
        )


@dataclass(frozen=True)
class Inventory:
    """All listed recordings, and the licence of each package."""

    sounds: tuple[ListedSound, ...]
    licences: dict[str, str]


def read_inventory() -> Inventory:
    """The list that ships with this package."""
    listed = json.loads(files(__package__).joinpath("soundbank_inventory.json").read_text(encoding="utf-8"))
    sounds = []
    for package, entry in listed.items():
        for label, families in entry["sounds"].items():
            for family, paths in families.items():
                for path in paths:
                    file, _, pattern = path.partition("::")
                    sounds.append(ListedSound(package, label, family, entry["root"] + file, pattern or None))
    return Inventory(tuple(sounds), {package: entry["licence"] for package, entry in listed.items()})
