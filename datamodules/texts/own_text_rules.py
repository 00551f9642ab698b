"""A user's own text rules: letters that ours would lose, characters that stand for others, the script of a language.

A mapping of languages, as a YAML file of a few lines has it (docs/import.md)::

    ha: {apostrophe_before: y}            # 'yan keeps its first letter
    kab: {script: LATIN, letters: "'", map: {"ε": "ɛ", "γ": "ɣ"}}

What a language does not say is as in ``text_rules``. A corpus keeps those that it was imported with
(``corpus_text_rules.py``).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from datamodules.texts.text_rules import GENERIC, RULES, TextRules, code_of

KEYS = ("script", "letters", "map", "apostrophe_before", "apostrophe_after")
_OURS = dict(RULES)


@cache
def scripts() -> frozenset[str]:
    """The first words of the Unicode names of all letters."""
    letters = (character for character in map(chr, range(0x30000)) if character.isalpha())
    return frozenset(unicodedata.name(character, "").split(" ")[0] for character in letters)


def own_text_rules(value: object, *, where: str) -> dict[str, TextRules]:
    """Rules by language code. Raises ``ValueError`` naming the place, the key, its value and what is allowed.

    >>> own_text_rules({"kab": {"letters": "'"}}, where="rules.yaml")["kab"].letters
    "'"
    """
    found: dict[str, TextRules] = {}
    for language, of in _mapping(value, where):
        code = code_of(language)
        if code in found:
            raise ValueError(
                f"{where}: {language}: rules of {code!r} stand there already, allowed: one entry a language"
            )
        found[code] = _rules(code, of, f"{where}: {language}")
    return found


def follow(own: Mapping[str, TextRules]) -> None:
    """Let ``normalise`` follow these rules in all of this process, and ours of other languages; none takes them back.

    For a run, which has one corpus: what scores texts of Whisper's and reads texts from outside is part of the keys of
    runs, and names no rules.
    """
    RULES.clear()
    RULES.update({**_OURS, **own})


def _rules(code: str, value: object, where: str) -> TextRules:
    given = dict(_mapping(value, where))
    if unknown := [key for key in given if key not in KEYS]:
        raise ValueError(f"{where}.{unknown[0]}: no such key, allowed: {', '.join(KEYS)}")
    known = _OURS.get(code, GENERIC)
    script = given.get("script", known.script)
    if script is not None and script not in scripts():
        raise ValueError(
            f"{where}.script: {script!r}, allowed: null for any, or the first word of its letters' Unicode names "
            "(LATIN, CYRILLIC, ARABIC, …)"
        )
    return replace(
        known,
        script=script,
        other_script=None if "script" in given else known.other_script,
        letters=known.letters + _characters(given, "letters", where),
        before=known.before + _characters(given, "apostrophe_before", where),
        after=known.after + _characters(given, "apostrophe_after", where),
        replaced=(*known.replaced, *_replaced(given.get("map", {}), f"{where}.map")),
    )


def _characters(given: Mapping[str, object], key: str, where: str) -> str:
    value = given.get(key, "")
    if not isinstance(value, str) or any(character.isspace() for character in value):
        raise ValueError(f"{where}.{key}: {value!r}, allowed: characters in quotes, without spaces")
    return unicodedata.normalize("NFC", value.lower())


def _replaced(value: object, where: str) -> list[tuple[str, str]]:
    pairs = []
    for old, new in _mapping(value, where):
        if not isinstance(new, str):
            raise ValueError(f"{where}.{old}: {new!r}, allowed: text in quotes, which may be empty")
        pairs.append((unicodedata.normalize("NFC", old), unicodedata.normalize("NFC", new)))
    return pairs


def _mapping(value: object, where: str) -> list[tuple[str, object]]:
    if not isinstance(value, dict) or not all(isinstance(key, str) and key for key in value):
        raise ValueError(f"{where}: {value!r}, allowed: a mapping with texts for keys")
    return list(value.items())
