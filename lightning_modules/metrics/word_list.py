"""Does a recogniser spell real words? The share of its output words that stand in a list of words.

A character model without a language model may write anything; Chan et al. 2015 report that theirs spells real words
where it errs, too. The same share of the *reference* words is the measure to read it by: what the list lacks of a
split, nobody finds there.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Set
from math import nan
from pathlib import Path

from lightning_modules.metrics.edits import words


def word_list(texts: Iterable[str], *, file: Path | None = None) -> frozenset[str]:
    """The words of texts and, where there is one, of a file: words between blanks or on lines of their own, in UTF-8.

    Words of the file count as they stand and in lower case (dictionaries write names large, normalised transcripts do
    not), in Unicode normal form C. Raises ``ValueError`` naming a file that cannot be read or holds no word.
    """
    known = {word for text in texts for word in words(text)}
    if file is None:
        return frozenset(known)
    try:
        listed = unicodedata.normalize("NFC", file.read_text(encoding="utf-8-sig")).split()
    except OSError as error:
        raise ValueError(f"word_list {file}: {error.strerror}; expected a text file of words") from None
    except UnicodeDecodeError:
        raise ValueError(f"word_list {file}: not UTF-8; expected a text file of words") from None
    if not listed:
        raise ValueError(f"word_list {file}: holds no word; expected words between blanks or on lines of their own")
    return frozenset(known.union(listed, (word.lower() for word in listed)))


def share_in_list(texts: Iterable[str], known: Set[str]) -> float:
    """Of all words of all texts, repeats counted, the share in 0-1 that is in the list; nan where there is no word.

    >>> share_in_list(["press one", "prass one", ""], {"press", "one"})
    0.75
    """
    found = [word in known for text in texts for word in words(text)]
    return sum(found) / len(found) if found else nan


def share_empty(texts: Iterable[str]) -> float:
    """The share of texts without a word; nan where there is no text.

    >>> share_empty(["press one", " ", "", "two"])
    0.5
    """
    empty = [not words(text) for text in texts]
    return sum(empty) / len(empty) if empty else nan
