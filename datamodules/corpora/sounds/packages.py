"""Which Debian packages the soundbank is made of; needs numpy and G722 alone."""

from __future__ import annotations

from datamodules.corpora.prompts import VOICES
from datamodules.corpora.sounds.inventory import read_inventory


def soundbank_packages() -> list[str]:
    """Those of the listed recordings, then those of the prompts' voices."""
    return [*read_inventory().licences, *(voice.package for voice in VOICES)]
