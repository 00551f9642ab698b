"""Speech corpus ``prompts``: the Asterisk project's telephone prompts in five languages, about two hours.

One professional voice a language (English and Spanish are read by the same woman). The audio stands in one package
a language (``KEY.g722``), the texts in another (``KEY: text`` lines; now and then two in one line). Prepare it with

    earmark data prompts
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import track

from datamodules.corpora import debian
from datamodules.corpora.prompts import SOUNDS_ROOT, VOICES, Voice, decode_prompt
from datamodules.corpora.speech.speech_corpus import SpeechFacts
from datamodules.corpora.speech.speech_preparing import prepare_speech
from datamodules.corpora.speech.speech_selection import Recorded
from datamodules.corpus_folder import CorpusCard

NAME = "prompts"
_NOT_SPEECH = (
    "silence/", "beep", "ascending-2tone", "descending-2tone", "tt-monkeys", "confbridge-join.", "confbridge-leave.",
)  # fmt: skip
_INLINE_KEY = re.compile(r"\s([a-z0-9]+(?:[-_/][a-z0-9]+)+): ")
_LOST_LETTER = re.compile(r"\w\?\w|\?\s*[a-zà-ÿ]")  # "sar? esattamente": Italian letters that became question marks


def prepare(*, rebuild: bool = False) -> CorpusCard:
    """Make ``prompts`` under the data root unless it is there, and return its card.

    Raises ``debian.NoPackageManagerError`` and ``debian.PackageError``.
    """
    facts = SpeechFacts(
        name=NAME,
        synthetic=False,
        licences={voice.package: voice.licence for voice in VOICES},
        description="telephone prompts in five languages, one voice a language (en and es the same)",
    )
    packages = [package for voice in VOICES for package in (voice.package, _text_package(voice))]
    return prepare_speech(facts, packages=packages, read=_read, rebuild=rebuild)


def _text_package(voice: Voice) -> str:
    return voice.package.removesuffix("-g722")


def _read(debs: Mapping[str, Path]) -> Iterator[Recorded]:
    for voice in track(VOICES, description=NAME, console=Console(stderr=True)):
        language, root = voice.folder.partition("_")[0], f"{SOUNDS_ROOT}{voice.folder}/"
        sounds = {
            path.removeprefix(root).removesuffix(".g722"): data
            for path, data in debian.members(debs[voice.package], partial(_is_prompt, root=root))
        }
        texts = _texts(debs[_text_package(voice)], language, sounds.keys())
        for key in sorted(sounds):
            text = texts.get(key, "")
            yield Recorded(
                utterance_id=f"{language}-{key.replace('/', '-')}",
                text=text,
                language=language,
                speaker=voice.family.removeprefix("voice_"),
                load=partial(decode_prompt, sounds[key]),
                flaw=_flaw(key, text),
            )


def _flaw(key: str, text: str) -> str:
    if not text:
        return "no text"
    if key.startswith("letters/") and len(text) == 1:  # "w" is read "double u"
        return "name of a letter"
    return "damaged text" if _LOST_LETTER.search(text) else ""


def _is_prompt(path: str, *, root: str) -> bool:
    return path.startswith(root) and path.endswith(".g722") and not path.removeprefix(root).startswith(_NOT_SPEECH)


def _texts(deb: Path, language: str, keys: Collection[str]) -> dict[str, str]:
    """The text of each key. Raises ``debian.PackageError`` if the package holds no list of texts."""
    wanted = f"core-sounds-{language}.txt.gz"
    lists = [gzip.decompress(data).decode("utf-8-sig") for _, data in debian.members(deb, lambda p: p.endswith(wanted))]
    if not lists:
        raise debian.PackageError(f"{deb}: holds no {wanted}; the reader was made for Debian 12")
    return parse_texts(lists[0], keys)


def parse_texts(listed: str, keys: Collection[str]) -> dict[str, str]:
    """The texts of ``KEY: text`` lines; ``;`` starts a comment, a known key inside a line starts another entry.

    >>> parse_texts("; Core Sounds\\nhello: Hello. vm-bye: Bye: bye!\\n", {"hello", "vm-bye"})
    {'hello': 'Hello.', 'vm-bye': 'Bye: bye!'}
    """
    texts: dict[str, str] = {}
    for line in listed.splitlines():
        if line.startswith(";"):
            continue
        line = _INLINE_KEY.sub(lambda m: f"\n{m[1]}: " if m[1] in keys else m[0], line)
        for entry in line.split("\n"):
            key, _, text = entry.partition(":")
            texts.setdefault(key, text.strip())
    return texts
