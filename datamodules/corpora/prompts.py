"""Telephone prompts of the Asterisk project in five languages: the soundbank's class ``speech``.

16 kHz G.722 files, one professional voice a package; English and Spanish are read by the same woman, so they are one
family. A fixed sample of each package's prompts is taken: thousands would only make the class's share of disk grow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from G722 import G722
from numpy.typing import NDArray

from datamodules.corpora import debian

PROMPTS_PER_PACKAGE = 120
MIN_BYTES, MAX_BYTES = 4_000, 64_000  # 8 kB a second: 0.5 to 8 s
SOUNDS_ROOT = "usr/share/asterisk/sounds/"
_NOT_SPEECH = ("silence/", "beep", "ascending-2tone", "descending-2tone", "tt-monkeys", "confbridge-")


@dataclass(frozen=True)
class Voice:
    """A package of prompts: the folder in it, the speaker's family, the licence."""

    package: str
    folder: str
    family: str
    licence: str


VOICES = (
    Voice("asterisk-core-sounds-en-g722", "en_US_f_Allison", "voice_allison", "CC-BY-SA-3.0"),
    Voice("asterisk-core-sounds-es-g722", "es_MX_f_Allison", "voice_allison", "CC-BY-SA-3.0"),
    Voice("asterisk-core-sounds-fr-g722", "fr_CA_f_June", "voice_june", "CC-BY-SA-3.0"),
    Voice("asterisk-core-sounds-it-g722", "it_IT_m_Carlo", "voice_carlo", "CC-BY-3.0"),
    Voice("asterisk-core-sounds-ru-g722", "ru_RU_f_IvrvoiceRU", "voice_ivrvoice", "CC-BY-3.0"),
)


def read_prompts(voice: Voice, deb: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """The sampled prompts of one voice as (key, waveform of shape (samples,) at 16 kHz), sorted by key."""
    root = f"{SOUNDS_ROOT}{voice.folder}/"

    def is_prompt(path: str) -> bool:
        key = path.removeprefix(root)
        return path.startswith(root) and path.endswith(".g722") and not key.startswith(_NOT_SPEECH)

    fitting = {path: data for path, data in debian.members(deb, is_prompt) if MIN_BYTES <= len(data) <= MAX_BYTES}
    sampled = sorted(fitting, key=lambda path: hashlib.sha256(path.encode()).digest())[:PROMPTS_PER_PACKAGE]
    for path in sorted(sampled):
        key = path.removeprefix(root).removesuffix(".g722")
        yield key, decode_prompt(fitting[path])


def decode_prompt(data: bytes) -> NDArray[np.float32]:
    """The samples of a G.722 file at 16 kHz, shape (samples,)."""
    return np.asarray(G722(16_000, 64_000).decode(data), dtype=np.float32) / 32768.0
