"""Transcripts as recognisers learn them: letters, single spaces, apostrophes; the rules of all languages in one place.

Unicode NFC, lower case. Diacritics and apostrophes are kept (typographic ones become ``'``), every other mark of
punctuation is a space, hyphens too. What cannot be read as it stands, i.e. digits, signs such as %, stage directions in
brackets, letters of a script that the language is not written in, is an error: the clip is dropped and counted, since
a text that differs from what is said teaches nonsense. A held-out text that was given may be kept all the same
(``as_written``): digits, signs and letters of other scripts stand as they are, brackets are spaces.

Ligatures of type (ﬁ, ﬂ, ﬆ) and one-character digraphs (ǆ, ǉ, ǌ) are their letters. Hebrew geresh is an apostrophe;
gershayim, or a quotation mark that stands for it, is kept between two Hebrew letters (צה״ל). A Serbian text is wholly
in Cyrillic or wholly in Latin letters. A zero-width joiner or non-joiner that makes another spelling is kept: behind a
virama (Malayalam ന്‍, Sinhala ක්‍ර), and between two Arabic letters (Persian می‌خواهم).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from datamodules.texts.language_codes import TWO_LETTERS

APOSTROPHES = "'’‘ʼ´`′＇׳"  # the last one is Hebrew's geresh
QUOTATION_BRACKETS = "‚„「」『』｢｣﹁﹂﹃﹄《》〈〉〝〞〟"  # brackets by Unicode, but quotation marks and titles
SIGNS = "@#%&*/\\§¶†‡_‰‱"  # punctuation by Unicode, but read aloud as words
_MIDDLE_DOT = "·"
_JOINERS = "\u200c\u200d"
_VIRAMA = 9  # its canonical combining class
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
    keep an apostrophe at that end (Dutch 's, Italian un po'), ``before`` and ``after`` letters that do where it is a
    letter itself (Hausa 'yan, Uzbek tog'); ``replaced`` maps characters before anything else; ``letters`` are
    characters that are kept wherever they stand.
    """

    script: str | None = None
    other_script: str | None = None
    leading: frozenset[str] = frozenset()
    trailing: frozenset[str] = frozenset()
    before: str = ""
    after: str = ""
    replaced: tuple[tuple[str, str], ...] = ()
    letters: str = ""


_LATIN, _CYRILLIC = TextRules("LATIN"), TextRules("CYRILLIC", replaced=(("\u0301", ""), ("\u0300", "")))  # stress marks
_TURKIC = TextRules("LATIN", replaced=(("I", "ı"), ("İ", "i"), ("i\u0307", "i")))  # the last: İ in lower case elsewhere
_TURNED_COMMA = (("ʻ", "'"),)  # one letter, typed in several ways
_OKINA = TextRules(before="aeiouāēīōū", replaced=_TURNED_COMMA)
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
    "ha": TextRules(before="y"),
    **dict.fromkeys(("haw", "sm", "to", "ty"), _OKINA),
    "it": TextRules("LATIN", trailing=frozenset(("be", "ca", "da", "di", "fa", "mo", "po", "sta", "to", "va"))),
    **dict.fromkeys(("mt", "so"), TextRules(after="aeiou")),
    "nl": TextRules("LATIN", leading=frozenset(("ie", "k", "m", "n", "ns", "r", "s", "t"))),
    "ro": TextRules("LATIN", replaced=(("ş", "ș"), ("ţ", "ț"), ("Ş", "Ș"), ("Ţ", "Ț"))),  # cedillas of old code pages
    "uz": TextRules(after="go", replaced=_TURNED_COMMA),
}
GENERIC = TextRules()


def normalise(
    text: str, *, language: str, own: Mapping[str, TextRules] = MappingProxyType({}), as_written: bool = False
) -> str:
    """The text as it is learnt and scored; normalising again changes nothing.

    ``language`` is an ISO 639 code (``pt-BR`` and ``por`` count as ``pt``); an unknown one has the generic rule.
    ``own`` are a user's rules, by code, before all others. Raises ``UnspeakableTextError`` for a text with digits,
    signs, brackets or another script's letters, and for one without letters; with ``as_written`` for an empty one.

    >>> normalise("Ce n’est qu’un “Test” : voilà…", language="fr")
    "ce n'est qu'un test voilà"
    >>> normalise("’s Avonds is het 'stil'!", language="nl")
    "'s avonds is het stil"
    >>> normalise("Press 1.", language="en")
    Traceback (most recent call last):
        ...
    datamodules.texts.text_rules.UnspeakableTextError: digits: '1'
    """
    code = code_of(language)
    rules = own[code] if code in own else RULES.get(code, GENERIC)
    text = unicodedata.normalize("NFC", text)
    text = _ONE_CHARACTER.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    if rules.other_script and not any(_is_of(character, rules.script) for character in text):
        rules = replace(rules, script=rules.other_script)
    for old, new in rules.replaced:
        text = text.replace(old, new)
    text = unicodedata.normalize("NFC", text.lower())
    kept: list[str] = []
    for position, character in enumerate(text):
        after = kept[-1] if kept else " "
        try:
            become = _kept(character, after=after, text=text, position=position, rules=rules)
        except UnspeakableTextError as error:
            if not as_written:
                raise
            become = " " if error.reason == "brackets" else character
        if become:
            kept.append(become)
    words = (_apostrophes(word, rules) for word in "".join(kept).split())
    normalised = unicodedata.normalize("NFC", " ".join(word for word in words if word))
    if not (normalised if as_written else any(c.isalpha() or c in rules.letters for c in normalised)):
        raise UnspeakableTextError("no letters", repr(text))
    return normalised


def has_own_rules(language: str) -> bool:
    """Whether a language's letters and apostrophes are known; others have the generic rules.

    >>> has_own_rules("pt-BR"), has_own_rules("kab")
    (True, False)
    """
    return code_of(language) in RULES


def code_of(language: str) -> str:
    """The code by which a language's rules are found.

    >>> code_of("pt-BR"), code_of("por")
    ('pt', 'pt')
    """
    code = re.split("[-_]", language)[0].lower()
    return TWO_LETTERS.get(code, code)


def _is_of(character: str, script: str | None) -> bool:
    """Whether a character is a letter of a script (None: of any)."""
    return character.isalpha() and (script is None or unicodedata.name(character, "").startswith(script + " "))


def _kept(character: str, *, after: str, text: str, position: int, rules: TextRules) -> str:
    """What becomes of one character: itself, an apostrophe, a space or nothing."""
    kind = unicodedata.category(character)
    if character in rules.letters:
        return character
    if character in APOSTROPHES:
        return "'"
    if character in (_GERSHAYIM, '"') and after != " " and _is_of(after, "HEBREW"):
        return _GERSHAYIM if _is_of(text[position + 1 : position + 2], "HEBREW") else " "
    if kind[0] == "L":
        if rules.script and not unicodedata.name(character, "").startswith(rules.script + " "):
            raise UnspeakableTextError("another script", repr(character))
        return character
    if kind[0] == "M":  # a mark that NFC could not compose; without its letter it says nothing
        return character if unicodedata.category(after)[0] in "LM" or after in _JOINERS else ""
    if kind[0] == "N":
        raise UnspeakableTextError("digits", repr(character))
    if character == _MIDDLE_DOT and text[position - 1 : position] == "l" and text[position + 1 : position + 2] == "l":
        return character  # Catalan l·l, one letter's sign
    if kind in ("Ps", "Pe") and character not in QUOTATION_BRACKETS:
        raise UnspeakableTextError("brackets", repr(character))
    if kind[0] == "S" or kind == "Co" or character in SIGNS:
        raise UnspeakableTextError("signs", repr(character))
    if character in _JOINERS and _makes_another_spelling(after, text[position + 1 : position + 2]):
        return character
    return "" if kind == "Cf" else " "  # Cf: soft hyphens, byte order marks, other joiners


def _makes_another_spelling(before: str, behind: str) -> bool:
    return unicodedata.combining(before) == _VIRAMA or (_is_of(before, "ARABIC") and _is_of(behind, "ARABIC"))


def _apostrophes(word: str, rules: TextRules) -> str:
    """Keep apostrophes between letters, and at the ends that the language has; others were quotation marks."""
    if "'" in rules.letters:
        return word
    core = word.strip("'")
    left = "'" if word.startswith("'") and (core in rules.leading or core[:1] in [*rules.before]) else ""
    right = "'" if word.endswith("'") and (core in rules.trailing or core[-1:] in [*rules.after]) else ""
    return left + re.sub("'+", "'", core) + right
