"""Fortune cookies as texts: quotations, proverbs and jokes, in the languages that Debian has a package of.

A package holds files of texts parted by lines of a single ``%``, beside indices (``.dat``) and links (``.u8``, which
say that a file is UTF-8: in Debian 12 all are). Only files right in a language's folder are read: what a package calls
offensive lies in a folder below or in a package of its own. The others are as their collectors left them, coarse jokes
among them. Licences differ, docs/language_models.md has them.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePosixPath
from typing import NamedTuple

from datamodules.corpora import debian
from datamodules.texts.outside_texts import OutsideTexts, outside_texts

_ROOT = "usr/share/games/fortunes"
_NO_TEXTS = (".dat", ".u8")
_PARTING = re.compile(rb"^%\s*$", re.MULTILINE)


class _Source(NamedTuple):
    """Where the texts of a language lie; ``names`` are the only files, or all but those of ``without``."""

    packages: tuple[str, ...]
    folder: str = ""
    names: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()

    def has(self, path: str) -> bool:
        """Whether a file of a package is one of these."""
        file = PurePosixPath(path)
        is_text = file.parent == PurePosixPath(_ROOT, self.folder) and not file.name.endswith(_NO_TEXTS)
        return is_text and file.name not in self.without and (not self.names or file.name in self.names)


_SLOVAK = frozenset({"klasik-sk"})
_SOURCES = {
    "bg": _Source(("fortunes-bg",), "bg"),
    "cs": _Source(("fortunes-cs",), "cs", without=_SLOVAK),
    "de": _Source(("fortunes-de",), "de"),
    "en": _Source(("fortunes", "fortunes-min")),
    "eo": _Source(("fortunes-eo",), "eo"),
    "es": _Source(("fortunes-es",), "es"),
    "ga": _Source(("fortunes-ga",), "ga"),
    "it": _Source(("fortunes-it",), "it"),
    "pl": _Source(("fortunes-pl",), "pl"),
    "pt": _Source(("fortunes-br",)),
    "ru": _Source(("fortunes-ru",), "ru"),
    "sk": _Source(("fortunes-cs",), "cs", names=_SLOVAK),
    "zh": _Source(("fortunes-zh",)),
}
LANGUAGES = tuple(_SOURCES)


def fortune_texts(language: str) -> OutsideTexts:
    """The sentences of a language's packages, normalised; a file that is not UTF-8 is left out, its texts are counted.

    Raises ``ValueError`` for a language without a package, and ``debian.fetch``'s errors, also for one without texts.
    """
    if language not in LANGUAGES:
        raise ValueError(f"fortunes in {language!r}, allowed: {', '.join(LANGUAGES)}")
    source = _SOURCES[language]
    contents: list[str] = []
    undecoded = 0
    debs = debian.fetch(source.packages)
    for package in source.packages:
        files = sorted(debian.members(debs[package], source.has))
        if not files:
            raise debian.PackageError(f"package {package}: holds no texts in {_ROOT}/{source.folder}")
        for _, data in files:
            try:
                contents.append(data.decode("utf-8-sig"))
            except UnicodeDecodeError:
                undecoded += sum(bool(text.strip()) for text in _PARTING.split(data))
    found = outside_texts("\n%\n".join(["", *contents]), language=language)
    return found._replace(left_out=found.left_out + Counter({"in a file that is not UTF-8": undecoded}))
