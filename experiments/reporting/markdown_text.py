r"""A user's own words (labels, titles) as plain text inside Markdown: signs that would be markup are escaped.

``|`` ends a cell of a GitHub table even inside code, and a line break ends the row. An underscore within a word is no
markup (GFM 6.2), nor is ``<`` before a blank: both stay, so that names read well in a terminal. HTML's own signs become
entities, since the Markdown of MLflow's notes knows no ``\<``.
"""

from __future__ import annotations

import re

_SIGNS = re.compile(r"[\\`*\[\]|~]|(?<!\w)_|_(?!\w)")
_ENTITIES = (
    (re.compile(r"&(?=#?\w+;)"), "&amp;"),
    (re.compile(r"<(?=[A-Za-z/!?])"), "&lt;"),
)
_OPENING = re.compile(r"^(\d+(?=[.)](?:\s|$))|(?=[#>+=-]))")


def escaped(text: str) -> str:
    r"""The text in one line, without markup.

    >>> print(escaped("F1 | t\n< 1 s, *_best_* <b> test/event_f1"))
    F1 \| t < 1 s, \*\_best\_\* &lt;b> test/event_f1
    """
    plain = one_line(text)
    for sign, entity in _ENTITIES:
        plain = sign.sub(entity, plain)
    return _SIGNS.sub(r"\\\g<0>", plain)


def escaped_line(text: str) -> str:
    r"""The same for a line of its own, whose first signs could make it a heading, a list or a quotation.

    >>> for text in ("# a", "- a", "1. try", "3 to 5"):
    ...     print(escaped_line(text))
    \# a
    \- a
    1\. try
    3 to 5
    """
    return _OPENING.sub(r"\1\\", escaped(text))


def one_line(text: str) -> str:
    """Line breaks, tabs and other runs of white space as one blank."""
    return " ".join(text.split())
