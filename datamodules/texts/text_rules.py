"""Transcripts as recognisers learn them: letters, single spaces, apostrophes; the rules of all languages in one place.

Unicode NFC, lower case. Diacritics and apostrophes are kept (typographic ones become ``'``), every other mark of
punctuation is a space, hyphens too. What cannot be read as it stands, i.e. digits, signs such as %, stage directions in
brackets, letters of a script that the language is not written in, is an error: the clip is dropped and counted, since
a text that differs from what is said teaches and scores nonsense.

Ligatures of type (ﬁ, ﬂ, ﬆ) and one-character digraphs (ǆ, ǉ, ǌ) are their letters. Hebrew geresh is an apostrophe;
gershayim, or a quotation mark that stands for it, is kept between two Hebrew letters (צה״ל). A Serbian text is wholly
in Cyrillic or wholly in Latin letters.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

from datamodules.texts.language_codes import TWO_LETTERS

APOSTROPHES = "'’‘ʼ´`′＇׳"  # the last one is Hebrew's geresh
SIGNS = "@#%&*/\\§¶†‡_‰‱"  # punctuation by Unicode, but read aloud as words
_MIDDLE_DOT = "·"
_GERSHAYIM = "״"
_ONE_CHARACTER = re.compile("[\ufb00-\ufb06\u01c4-\u01cc\u01f1-\u01f3]")  # ligatures of type, and digraphs


class UnspeakableTextError(ValueError):
    """A text that can't be read as letters; ``reason`` is one of a few, for counting."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


@dataclass(frozen=True)
class TextRules:
    """What a language has of its own.

    ``script`` is the first word of its letters' Unicode names (None: any), ``other_script`` that of texts that have no
    letter of the first; ``leading`` and ``trailing`` are words that
    keep an apostrophe at that end (Dutch 's, Italian un po'); ``replaced`` maps characters before anything else.
    """

    script: str | None = None
    other_script: str | None = None
    leading: frozenset[str] = frozenset()
    trailing: frozenset[str] = frozenset()
    replaced: tuple[tuple[str, str], ...] = ()


_LATIN, _CYRILLIC = TextRules("LATIN"), TextRules("CYRILLIC", replaced=(("\u0301", ""), ("\u0300", "")))  # stress marks
_TURKIC = TextRules("LATIN", replaced=(("I", "ı"), ("İ", "i")))
RULES = {
    **dict.fromkeys(("ca", "cs", "da", "de", "es", "et", "fi", "fr", "hr", "hu", "lt", "lv", "no", "pl"), _LATIN),
    **dict.fromkeys(("nb", "nn"), _LATIN),
    **dict.fromkeys(("pt", "sk", "sl", "sv", "sw", "vi"), _LATIN),
    **dict.fromkeys(("be", "bg", "mk", "ru", "uk"), _CYRILLIC),
    "sr": replace(_CYRILLIC, other_script="LATIN"),
    **dict.fromkeys(("az", "crh", "gag", "tr"), _TURKIC),
    "bs": replace(_LATIN, other_script="CYRILLIC"),
    "el": TextRules("GREEK"),
    "en": TextRules("LATIN", leading=frozenset(("cause", "em", "til", "tis", "twas"))),
    "it": TextRules("LATIN", trailing=frozenset(("be", "ca", "da", "di", "fa", "mo", "po", "sta", "to", "va"))),
    "nl": TextRules("LATIN", leading=frozenset(("ie", "k", "m", "n", "ns", "r", "s", "t"))),
    "ro": TextRules("LATIN", replaced=(("ş", "ș"), ("ţ", "ț"), ("Ş", "Ș"), ("Ţ", "Ț"))),  # cedillas of old code pages
}
GENERIC = TextRules()


def normalise(text: str, *, language: str) -> str:
    """The text as it is learnt and scored; normalising again changes nothing.

    ``language`` is an ISO 639 code (``pt-BR`` and ``por`` count as ``pt``); an unknown one has the generic rule. Raises
    ``UnspeakableTextError`` for a text with digits, signs, brackets or another script's letters, and for one without
    letters.

    >>> normalise("Ce n’est qu’un “Test” : voilà…", language="fr")
    "ce n'est qu'un test voilà"
    >>> normalise("’s Avonds is het 'stil'!", language="nl")
    "'s avonds is het stil"
    >>> normalise("Press 1.", language="en")
    Traceback (most recent call last):
        ...
    datamodules.texts.text_rules.UnspeakableTextError: digits: '1'
    """
    rules = RULES.get(_code(language), GENERIC)
    text = unicodedata.normalize("NFC", text)
    text = _ONE_CHARACTER.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    if rules.other_script and not any(_is_of(character, rules.script) for character in text):
        rules = replace(rules, script=rules.other_script)
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


def has_own_rules(language: str) -> bool:
    """Whether a language's letters and apostrophes are known; others have the generic rules.

    >>> has_own_rules("pt-BR"), has_own_rules("kab")
    (True, False)
    """
    return _code(language) in RULES


def _code(language: str) -> str:
    code = re.split("[-_]", language)[0].lower()
    return TWO_LETTERS.get(code, code)


def _is_of(character: str, script: str | None) -> bool:
    """Whether a character is a letter of a script (None: of any)."""
    return character.isalpha() and (script is None or unicodedata.name(character, "").startswith(script + " "))


def _kept(character: str, *, after: str, text: str, position: int, rules: TextRules) -> str:
    """What becomes of one character: itself, an apostrophe, a space or nothing."""
    kind = unicodedata.category(character)
    if character in APOSTROPHES:
        return "'"
    if character in (_GERSHAYIM, '"') and after != " " and _is_of(after, "HEBREW"):
        return _GERSHAYIM if _is_of(text[position + 1 : position + 2], "HEBREW") else " "
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
