r"""Several classes in one field of a list: joined by commas, as DCASE writes them.

A comma that is part of a name, as in AudioSet's ``Male speech, man speaking``, stands behind a backslash, and so does a
backslash before a comma or another. Double quotes would not do: spreadsheets write them around a whole field. A list
of names without a comma is as DCASE's, byte for byte.

>>> print(join_tags(["Car", "Male speech, man speaking"]))
Car,Male speech\, man speaking
>>> split_tags(r"Car,Male speech\, man speaking")
['Car', 'Male speech, man speaking']
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_FIELD = re.compile(r"(?:\\[\\,]|[^,])+")


def join_tags(labels: Iterable[str]) -> str:
    """The field of some classes, in the order given; ``split_tags`` gives them back."""
    return ",".join(re.sub(r"([\\,])", r"\\\1", label) for label in labels)


def split_tags(field: str) -> list[str]:
    """The classes of a field, outer blanks removed and empty ones left out."""
    labels = (re.sub(r"\\([\\,])", r"\1", label).strip() for label in _FIELD.findall(field))
    return [label for label in labels if label]
