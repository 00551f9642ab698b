"""A user's words in Markdown, by an independent reader of GitHub's tables."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from experiments.reporting.markdown_text import escaped, escaped_line


def _cells(line: str) -> list[str]:
    """GFM 4.10: a row is split at pipes that no backslash stands before; backslashes pair up from the left."""
    return re.findall(r"((?:\\.|[^\\|])*)\|", line)


def _rendered(text: str) -> str:
    """Escapes and entities of plain text taken away, as a reader of Markdown does (CommonMark 2.4, 2.5)."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text.replace("&lt;", "<")).replace("&amp;", "&")


@given(st.text(alphabet="a_|\\`*<>[]~&;# \n-1.", max_size=12))
def test_a_text_stays_one_cell_and_reads_as_it_was(text: str) -> None:
    plain = " ".join(text.split())
    assert _cells(f"{escaped(text)} |") == [f"{escaped(text)} "]
    assert _rendered(escaped(text)) == plain
    assert _rendered(escaped_line(text)) == plain
    assert not re.match(r"(#|>|[-+*] |\d+[.)]( |$)|=|---)", escaped_line(text))
