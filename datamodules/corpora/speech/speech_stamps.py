"""Speech corpus ``stamps``: the names of Tux Paint's rubber stamps, read by one volunteer in each of nine languages.

``NAME_desc_XX.ogg`` goes with the line ``XX.utf8=text`` of ``NAME.txt``. Many texts come several times (there are many
coins). In four languages many texts are not what their clips say; there the rate of characters must be near the
language's median, since nothing else tells. Prepare it with

    earmark data stamps
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import track

from datamodules.corpora import debian
from datamodules.corpora.sound_files import decode
from datamodules.corpora.speech.speech_corpus import SpeechFacts
from datamodules.corpora.speech.speech_preparing import prepare_speech
from datamodules.corpora.speech.speech_selection import Limits, Recorded
from datamodules.corpus_folder import CorpusCard

NAME = "stamps"
LANGUAGES = ("be", "bg", "ca", "da", "el", "es", "fr", "ro", "ru")
_PACKAGE = "tuxpaint-stamps-default"
_ROOT = "usr/share/tuxpaint/stamps/"
_SOUND = re.compile(r"(.*)_desc_([a-z]{2})\.ogg")
_STRICT = Limits(slowest=0.5, fastest=1.7, short_characters=0)
LIMITS = dict.fromkeys(("be", "ca", "da", "el"), _STRICT)


def prepare(*, rebuild: bool = False) -> CorpusCard:
    """Make ``stamps`` under the data root unless it is there, and return its card.

    Raises ``debian.NoPackageManagerError`` and ``debian.PackageError``.
    """
    facts = SpeechFacts(
        name=NAME,
        synthetic=False,
        licences={_PACKAGE: "GPL-2.0-or-later"},
        description="names of a paint program's stamps, one reader a language",
    )
    return prepare_speech(facts, packages=(_PACKAGE,), read=_read, rebuild=rebuild, limits=LIMITS)


def _read(debs: Mapping[str, Path]) -> Iterator[Recorded]:
    texts: dict[str, dict[str, str]] = {}
    sounds: dict[tuple[str, str], bytes] = {}
    for path, data in debian.members(debs[_PACKAGE], lambda path: path.startswith(_ROOT)):
        name = path.removeprefix(_ROOT)
        sound = _SOUND.fullmatch(name)
        if name.endswith(".txt"):
            texts[name.removesuffix(".txt")] = parse_texts(data.decode("utf-8", errors="replace"))
        elif sound and sound[2] in LANGUAGES:
            sounds[sound[2], sound[1]] = data
    for language, name in track(sorted(sounds), description=NAME, console=Console(stderr=True)):
        text = texts.get(name, {}).get(language, "")
        yield Recorded(
            utterance_id=f"{language}-{re.sub(r'[^A-Za-z0-9_]+', '-', name)}",
            text=text,
            language=language,
            speaker=f"stamps_{language}",
            load=partial(decode, name, sounds[language, name]),
            flaw="" if text else "no text",
        )


def parse_texts(listed: str) -> dict[str, str]:
    """The texts of one stamp by language.

    >>> parse_texts("A squirrel.\\nro.utf8=O veveriță.\\nzh_CN.utf8=松鼠\\n")
    {'ro': 'O veveriță.', 'zh_CN': '松鼠'}
    """
    entries = (line.partition(".utf8=") for line in listed.splitlines())
    return {language: text.strip() for language, found, text in entries if found}
