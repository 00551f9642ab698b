"""A user's mistake, told in one line that names file, key, value and what is allowed. The CLI prints it bare."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """Something that the user can mend; its text is the whole message."""


def unknown(what: str, value: str, allowed: Iterable[str]) -> str:
    """``unknown WHAT 'value' (did you mean …?); allowed: …``."""
    names = [str(name) for name in allowed]
    close = difflib.get_close_matches(value, names, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    return f"unknown {what} {value!r}{hint}; allowed: {', '.join(names) or 'none'}"


def first_line(error: BaseException) -> str:
    """The first line of an error's text; its class where it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
