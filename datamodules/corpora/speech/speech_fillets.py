"""Speech corpus ``fillets``: the spoken dialogues of the game Fish Fillets in Czech and Dutch, real sentences.

The audio of a language is a package (``sound/LEVEL/XX/ID.ogg``), the texts are in Lua scripts of the game's own
(``dialogId("ID", "font_SPEAKER", "english")``, then ``dialogStr("text")``). Two voices a language say nearly
everything; the Czech ones have a score of guests with a few lines each. Prepare it with

    earmark data fillets
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from rich.console import Console
from rich.progress import track

from datamodules.corpora import debian
from datamodules.corpora.sound_files import decode
from datamodules.corpora.speech.speech_corpus import SpeechFacts
from datamodules.corpora.speech.speech_preparing import prepare_speech
from datamodules.corpora.speech.speech_selection import Recorded
from datamodules.corpus_folder import CorpusCard

NAME = "fillets"
LANGUAGES = ("cs", "nl")
_TEXT_PACKAGE = "fillets-ng-data"
_ROOT = PurePosixPath("usr/share/games/fillets-ng")
_STRING = r'"((?:[^"\\]|\\.)*)"'
_LINE = re.compile(rf'dialogId\(\s*"([^"]+)"\s*,\s*"font_([^"]+)"\s*,\s*{_STRING}\s*\)\s*dialogStr\(\s*{_STRING}\s*\)')


class Line(NamedTuple):
    """Who says what."""

    speaker: str
    text: str


def prepare(*, rebuild: bool = False) -> CorpusCard:
    """Make ``fillets`` under the data root unless it is there, and return its card.

    Raises ``debian.NoPackageManagerError`` and ``debian.PackageError``.
    """
    packages = (_TEXT_PACKAGE, *map(_sound_package, LANGUAGES))
    facts = SpeechFacts(
        name=NAME,
        synthetic=False,
        licences=dict.fromkeys(packages, "GPL-2.0-or-later"),
        description="dialogues of a game in Czech and Dutch, two main voices a language",
    )
    return prepare_speech(facts, packages=packages, read=_read, rebuild=rebuild)


def _sound_package(language: str) -> str:
    return f"{_TEXT_PACKAGE}-{language}"


def _read(debs: Mapping[str, Path]) -> Iterator[Recorded]:
    lines = _lines(debs[_TEXT_PACKAGE])
    for language in LANGUAGES:
        sounds = dict(debian.members(debs[_sound_package(language)], partial(_is_sound, language=language)))
        for path in track(sorted(sounds), description=f"{NAME} {language}", console=Console(stderr=True)):
            level, name = PurePosixPath(path).relative_to(_ROOT / "sound").parts[0], PurePosixPath(path).stem
            line = lines.get((language, level, name))
            yield Recorded(
                utterance_id=f"{language}-{level}-{name}",
                text=line.text if line else "",
                language=language,
                speaker=f"{language}_{line.speaker if line else 'unknown'}",
                load=partial(decode, path, sounds[path]),
                flaw="" if line else "no text",
            )


def _is_sound(path: str, *, language: str) -> bool:
    return path.startswith(f"{_ROOT}/sound/") and path.endswith(".ogg") and f"/{language}/" in path


def _lines(deb: Path) -> dict[tuple[str, str, str], Line]:
    """What is said, by (language, level, id)."""
    scripts = debian.members(deb, lambda path: path.startswith(f"{_ROOT}/script/") and path.endswith(".lua"))
    found = {}
    for path, data in scripts:
        for language in LANGUAGES:
            if path.endswith(f"dialogs_{language}.lua"):
                level = PurePosixPath(path).parent.name
                for name, line in parse_dialogues(data.decode("utf-8")):
                    found[language, level, name] = line
    return found


def parse_dialogues(script: str) -> Iterator[tuple[str, Line]]:
    r"""The lines of a dialogue script, by id; comments are skipped.

    >>> list(parse_dialogues('dialogId("v-co", "font_big", "What?")\n-- :-)\ndialogStr("Co \\"to\\" je?")'))
    [('v-co', Line(speaker='big', text='Co "to" je?'))]
    """
    code = "\n".join(line for line in script.splitlines() if not line.lstrip().startswith("--"))
    for name, font, _, text in _LINE.findall(code):
        yield name, Line(font, re.sub(r"\\(.)", r"\1", text.replace(r"\n", " ")))
