"""Texts to score as importing keeps them: by a language's rules, what is not letters as written, nothing left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datamodules.texts.text_lists import TextList
    from datamodules.texts.text_rules import TextRules

BRACES = "{}"  # of alternatives, which are punctuation to the rules


def normalised_lists(lists: Sequence[TextList], *, language: str | None, rules_file: Path | None) -> list[TextList]:
    """The lists, with a ``language`` their texts normalised. Raises ``UserError`` for what does not fit."""
    from datamodules.importers.entry import ManifestError, language_code
    from datamodules.texts.text_rules import code_of
    from experiments.commands.data.manifest_arguments import read_text_rules
    from experiments.errors import UserError

    if language is None:
        if rules_file is not None:
            raise UserError(f"--text-rules {rules_file}: allowed with --language xx, the language of the texts")
        return list(lists)
    try:
        code = language_code(language, key="language", place="--language")
    except ManifestError as error:
        raise UserError(str(error)) from None
    own = read_text_rules(rules_file)
    if rules_file is not None and code_of(code) not in own:
        theirs = ", ".join(sorted(own)) or "of none"
        raise UserError(f"--text-rules {rules_file}: has no rules of --language {language}, allowed: {theirs}")
    return [replace(each, texts=_normalised(each, code, own)) for each in lists]


def _normalised(each: TextList, language: str, own: Mapping[str, TextRules]) -> dict[str, str]:
    from datamodules.texts.text_rules import UnspeakableTextError, normalise
    from experiments.commands.text_list_choice import refuse_line

    texts = {}
    for utterance, text in each.texts.items():
        if any(brace in text for brace in BRACES):
            raise refuse_line(each, utterance, "alternatives { a / b }, allowed: without --language, as they stand")
        try:
            texts[utterance] = normalise(text, language=language, own=own, as_written=True)
        except UnspeakableTextError:
            texts[utterance] = ""  # an utterance without words
    return texts
