"""Transcripts as recognisers learn them: letters, single spaces, apostrophes; the rules of all languages in one place.

Unicode NFC, lower case. Diacritics and apostrophes are kept (typographic ones become ``'``), every other mark of
punctuation is a space, hyphens too. What cannot be read as it stands, i.e. digits, signs such as %, stage directions in
brackets, letters of a script that the language is not written in, is an error: the clip is dropped and counted, since
a text that differs from what is said teaches and scores nonsense.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

APOSTROPHES = "'’‘ʼ´`′＇"
SIGNS = "@#%&*/\\§¶†‡_‰‱"  # punctuation by Unicode, but read aloud as words
_MIDDLE_DOT = "·"


class UnspeakableTextError(ValueError):
    """A text that can't be read as letters; ``reason`` is one of a few, for counting."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


@dataclass(frozen=True)
class TextRules:
    """What a language has of its own.

    ``script`` is the first word of its letters' Unicode names (None: any); ``leading`` and ``trailing`` are words that
    keep an apostrophe at that end (Dutch 's, Italian un po'); ``replaced`` maps characters before anything else.
    """

    script: str | None = None
    leading: frozenset[str] = frozenset()
    trailing: frozenset[str] = frozenset()
    replaced: tuple[tuple[str, str], ...] = ()


_LATIN, _CYRILLIC = TextRules("LATIN"), TextRules("CYRILLIC", replaced=(("\u0301", ""), ("\u0300", "")))  # stress marks
_TURKIC = TextRules("LATIN", replaced=(("I", "ı"), ("İ", "i")))
RULES = {
    **dict.fromkeys(("ca", "cs", "da", "de", "es", "et", "fi", "fr", "hr", "hu", "lt", "lv", "no", "pl"), _LATIN),
    **dict.fromkeys(("pt", "sk", "sl", "sv", "sw", "vi"), _LATIN),
    **dict.fromkeys(("be", "bg", "mk", "ru", "sr", "uk"), _CYRILLIC),
    **dict.fromkeys(("az", "tr"), _TURKIC),
    "el": TextRules("GREEK"),
    "en": TextRules("LATIN", leading=frozenset(("cause", "em", "til", "tis", "twas"))),
    "it": TextRules("LATIN", trailing=frozenset(("be", "ca", "da", "di", "fa", "mo", "po", "sta", "to", "va"))),
    "nl": TextRules("LATIN", leading=frozenset(("ie", "k", "m", "n", "ns", "r", "s", "t"))),
    "ro": TextRules("LATIN", replaced=(("ş", "ș"), ("ţ", "ț"), ("Ş", "Ș"), ("Ţ", "Ț"))),  # cedillas of old code pages
}
GENERIC = TextRules()


def normalise(text: str, *, language: str) -> str:
    """The text as it is learnt and scored; normalising again changes nothing.

    ``language`` is an ISO 639-1 code (``pt-BR`` counts as ``pt``); an unknown one has the generic rule. Raises
    ``UnspeakableTextError`` for a text with digits, signs, brackets or another script's letters, and for one without
    letters.

    >>> normalise("Ce n’est qu’un “Test” : voilà…", language="fr")
    "ce n'est qu'un test voilà"
    >>> normalise("’s Avonds is het 'stil'!", language="nl")
    "'s avonds is het stil"
    >>> normalise("Press 1.", language="en")
    Traceback (most recent call last):
        ...
    datamodules.text_rules.UnspeakableTextError: digits: '1'
    """
    rules = RULES.get(re.split("[-_]", language)[0].lower(), GENERIC)
    text = unicodedata.normalize("NFC", text)
    for old, new in rules.replaced:
        text = text.replace(old, new)
    text = unicodedata.normalize("NFC", text.lower())
    kept: list[str] = []
    for position, character in enumerate(text):
        kept.append(_kept(character, after=kept[-1] if kept else " ", text=text, position=position, rules=rules))
        if not kept[-1]:
            kept.pop()
    words = (_apostrophes(word, rules) for word in "".join(kept).split())
    normalised = unicodedata.normalize("NFC", " ".join(word for word in words if word))
    if not any(character.isalpha() for character in normalised):
        raise UnspeakableTextError("no letters", repr(text))
    return normalised


def _kept(character: str, *, after: str, text: str, position: int, rules: TextRules) -> str:
    """What becomes of one character: itself, an apostrophe, a space or nothing."""
    kind = unicodedata.category(character)
    if character in APOSTROPHES:
        return "'"
    if kind[0] == "L":
        if rules.script and not unicodedata.name(character, "").startswith(rules.script + " "):
            raise UnspeakableTextError("another script", repr(character))
        return character
    if kind[0] == "M":  # a mark that NFC could not compose; without its letter it says nothing
        return character if unicodedata.category(after)[0] in "LM" else ""
    if kind[0] == "N":
        raise UnspeakableTextError("digits", repr(character))
    if character == _MIDDLE_DOT and text[position - 1 : position] == "l" and text[position + 1 : position + 2] == "l":
        return character  # Catalan l·l, one letter's sign
    if kind in ("Ps", "Pe") and character not in "„‚":  # low quotation marks count as brackets in Unicode
        raise UnspeakableTextError("brackets", repr(character))
    if kind[0] == "S" or kind == "Co" or character in SIGNS:
        raise UnspeakableTextError("signs", repr(character))
    return "" if kind == "Cf" else " "  # Cf: soft hyphens, byte order marks, joiners


def _apostrophes(word: str, rules: TextRules) -> str:
    """Keep apostrophes between letters, and at the ends that the language has; others were quotation marks."""
    core = word.strip("'")
    left = "'" if word.startswith("'") and core in rules.leading else ""
    right = "'" if word.endswith("'") and core in rules.trailing else ""
    return left + re.sub("'+", "'", core) + right
