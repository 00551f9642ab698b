"""A user's mistake, told in one line that names file, key, value and what is allowed. The CLI prints it bare."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

# A server's user and password end before its path; a database's password may hold / and ? (SQLAlchemy reads to the @).
_USERINFO = re.compile(
    r"(?P<server>\bhttps?://)[^\s/?#]*@"
    r"|(?P<database>\b(?!https?:)[a-z][\w.+-]*://)[^\s/:@]*(?::[^\s@]*)?@(?:[^\s/?#@]*@)*",
    re.IGNORECASE,
)
_PASSWORD = re.compile(r"(?<=[?&])((?:ssl)?passw(?:or)?d=)[^&\s]*", re.IGNORECASE)


class UserError(ValueError):
    """Something that the user can mend; its text is the whole message."""


def unknown(what: str, value: str, allowed: Iterable[str]) -> str:
    """``unknown WHAT 'value' (did you mean …?); allowed: …``."""
    names = [str(name) for name in allowed]
    close = difflib.get_close_matches(value, names, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    return f"unknown {what} {value!r}{hint}; allowed: {', '.join(names) or 'none'}"


def number_of(number: int, noun: str) -> str:
    """A number and what it is of, for a line that a person reads.

    >>> number_of(1, "cell"), number_of(2, "cell"), number_of(1200, "file")
    ('1 cell', '2 cells', '1,200 files')
    """
    return f"{number:,} {noun}{'s' * (number != 1)}"


def first_line(error: BaseException) -> str:
    """The first line of an error's text, without passwords of the URIs in it; its class where it has no text."""
    return public_uri((str(error).strip().splitlines() or [type(error).__name__])[0])


def public_uri(uri: str) -> str:
    """A store's URI (or a text with URIs in it) as anybody may read it: without user and password.

    >>> public_uri("postgresql://me:secret@host:5432/mlflow")
    'postgresql://host:5432/mlflow'
    """
    without = _USERINFO.sub(lambda found: found["server"] or found["database"], uri)
    return _PASSWORD.sub(r"\1…", without)
