"""The family of recordings under each clip of a soundscape, which its manifests do not say.

``mixing.py`` draws it first, from the seed, the split, the number of the clip and the fold, and among the families that
``sources.json`` lists: so it is drawn once more here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

NAME = re.compile(r"soundscapes/[^/]+?(-fold(?P<fold>[0-9]+))?(-seed(?P<seed>[0-9]+))?")
CLIP = re.compile(r"(?P<split>train|validation|test)-(?P<number>[0-9]{4,})")
SPLITS = ("train", "validation", "test")


def backgrounds(clip_ids: Iterable[str], folder: Path) -> dict[str, str]:
    """The background's family by clip, of the corpus in ``folder``; empty where that is no corpus of soundscapes."""
    name = NAME.fullmatch(f"{folder.parent.name}/{folder.name}")
    path = folder / "sources.json"
    if name is None or not path.is_file():
        return {}
    sources = json.loads(path.read_text(encoding="utf-8"))
    found = {}
    for clip_id in clip_ids:
        if (clip := CLIP.fullmatch(clip_id)) is not None:
            families = sorted(sources.get(clip["split"], {}).get("background", ()))
            if not families:
                continue
            place = (int(name["seed"] or 0), SPLITS.index(clip["split"]), int(clip["number"]), int(name["fold"] or 0))
            found[clip_id] = families[int(np.random.default_rng(place).integers(len(families)))]
    return found
