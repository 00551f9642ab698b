"""The corpora that shipped tables name, of tones in their place: their rows train in seconds, by their own names.

``soundscapes/demo`` is ``tones/tiny`` under that name, ``prompts`` is ``spoken_tones/tiny``; the cards say that nothing
in them was recorded.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from datamodules.corpora.sounds import tones
from datamodules.corpora.speech import spoken_tones

STANDS_FOR = {"soundscapes/demo": "tones/tiny", "prompts": "spoken_tones/tiny"}


def put_corpora(home: Path) -> None:
    """Both into the data folder of a home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARMARK_HOME", str(home))
        patch.delenv("EARMARK_DATA", raising=False)
        tones.prepare("tiny")
        spoken_tones.prepare("tiny")
    for name, made in STANDS_FOR.items():
        folder = home / "data" / name
        shutil.copytree(home / "data" / made, folder)
        card = json.loads((folder / "corpus.json").read_text(encoding="utf-8"))
        (folder / "corpus.json").write_text(json.dumps({**card, "name": name}), encoding="utf-8")
