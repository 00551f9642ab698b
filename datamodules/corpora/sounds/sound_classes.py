"""The ten classes of the built-in corpora, and which of them keep company.

Classes of a pair occur together more often than by chance, as they do outdoors; without such pairs a tagger that
confuses two classes would lose nothing, and the similarity penalty of Pellegrini & Cances (arXiv 1901.03146) would have
nothing to separate.
"""

from __future__ import annotations

SOUND_CLASSES: tuple[str, ...] = (
    "alarm",
    "bird",
    "door",
    "drums",
    "explosion",
    "fire",
    "machinery",
    "running_water",
    "speech",
    "vehicle",
)

COMPANIONS: tuple[tuple[str, str], ...] = (
    ("fire", "explosion"),
    ("speech", "door"),
    ("vehicle", "alarm"),
    ("running_water", "bird"),
    ("machinery", "drums"),
)
