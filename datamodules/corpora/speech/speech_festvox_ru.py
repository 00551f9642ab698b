"""Speech corpus ``festvox_ru``: long Russian sentences read by one man, made for speech synthesis (16 kHz).

Texts stand in ``etc/txt.done.data``, ``( ru_0001 "text" )``: ``+`` before a stressed vowel, a comma wherever the
reader pauses. ``lab/ru_0001.lab`` has its phones (``festvox_phones.py``); one without them, or whose text is
another, stays without phones. Prepare it with

    earmark data festvox_ru
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path, PurePosixPath

from rich.console import Console
from rich.progress import track

from datamodules.corpora import debian
from datamodules.corpora.sound_files import decode
from datamodules.corpora.speech.festvox_phones import parse_labels, spelt_phones
from datamodules.corpora.speech.speech_corpus import SpeechFacts
from datamodules.corpora.speech.speech_preparing import prepare_speech
from datamodules.corpora.speech.speech_selection import Limits, Recorded
from datamodules.corpus_folder import CorpusCard
from datamodules.phones import Phone
from datamodules.texts.text_rules import UnspeakableTextError, normalise

NAME = "festvox_ru"
_PACKAGE = "festvox-ru"
_TEXTS = "/etc/txt.done.data"
_ENTRY = re.compile(r'^\(\s*(\S+)\s+"(.*)"\s*\)\s*$', re.MULTILINE)
MAX_SECONDS = 20.0  # 17 of the 620 sentences last 15 to 17 s


def prepare(*, rebuild: bool = False) -> CorpusCard:
    """Make ``festvox_ru`` under the data root unless it is there, and return its card.

    Raises ``debian.NoPackageManagerError`` and ``debian.PackageError``.
    """
    facts = SpeechFacts(
        name=NAME,
        synthetic=False,
        licences={_PACKAGE: "BSD-like (Festvox)"},
        description="Russian sentences of novels, read by one man",
    )
    limits = {"ru": Limits(max_seconds=MAX_SECONDS)}
    return prepare_speech(facts, packages=(_PACKAGE,), read=_read, rebuild=rebuild, limits=limits)


def _read(debs: Mapping[str, Path]) -> Iterator[Recorded]:
    texts, sounds, labels = {}, {}, {}
    for path, data in debian.members(debs[_PACKAGE], lambda path: path.endswith((_TEXTS, ".wav", ".lab"))):
        if path.endswith(_TEXTS):
            texts = parse_texts(data.decode("utf-8"))
        elif path.endswith(".lab"):
            labels[PurePosixPath(path).stem] = data.decode("utf-8")
        else:
            sounds[PurePosixPath(path).stem] = data
    for name in track(sorted(sounds), description=NAME, console=Console(stderr=True)):
        yield Recorded(
            utterance_id=name.replace("_", "-"),
            text=texts.get(name, ""),
            language="ru",
            speaker="nsh",
            load=partial(decode, name, sounds[name]),
            flaw="" if name in texts else "no text",
            phones=_phones(texts.get(name, ""), labels.get(name, "")),
        )


def _phones(text: str, listed: str) -> tuple[Phone, ...]:
    """Those that say the text; none where there are none, or it cannot be said."""
    try:
        return spelt_phones(normalise(text, language="ru"), parse_labels(listed)) or ()
    except UnspeakableTextError:
        return ()


def parse_texts(listed: str) -> dict[str, str]:
    """The text of each recording, without stress signs.

    >>> parse_texts('( ru_1 "+Окна, над улиц+ей." )')
    {'ru_1': 'Окна, над улицей.'}
    """
    return {name: text.replace("+", "") for name, text in _ENTRY.findall(listed)}
