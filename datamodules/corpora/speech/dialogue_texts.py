"""The dialogues of Fish Fillets as texts, without sound, in the ten languages that have (nearly) all levels.

Debian's ``fillets-ng-data`` (GPL-2+) has one script a level and language. Two people talk about what they see: short
spoken sentences, in languages of which no other speech is at hand here. Texts are as written, not normalised.
"""

from __future__ import annotations

from datamodules.corpora import debian
from datamodules.corpora.speech.speech_fillets import parse_dialogues

PACKAGE = "fillets-ng-data"
LANGUAGES = ("bg", "cs", "de", "en", "es", "fr", "it", "nl", "pl", "ru")
_ROOT = "usr/share/games/fillets-ng/script"


def dialogue_texts(language: str) -> tuple[str, ...]:
    """What is said in one language, level by level. Raises ``ValueError`` for a language that has too few levels."""
    if language not in LANGUAGES:
        raise ValueError(f"dialogues in {language!r}, allowed: {', '.join(LANGUAGES)}")
    deb = debian.fetch([PACKAGE])[PACKAGE]
    scripts = debian.members(deb, lambda path: _ROOT in path and path.endswith(f"/dialogs_{language}.lua"))
    return tuple(line.text for _, data in sorted(scripts) for _, line in parse_dialogues(data.decode("utf-8")))
