"""The text rules of a user's that a corpus was imported with: ``text_rules.json`` beside its manifests.

    {"en": {}, "ha": {"apostrophe_before": "y"}}

Every language of the corpus stands there in the form of ``--text-rules``, so that texts that come later (from outside,
hotwords, what is to be aligned) get the form of its transcripts. The digest covers the file; a corpus without rules of
its own has none, and the digest that it would have anyway.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from datamodules.corpus_files import CorpusChangedError, facts_of, read_facts, write_facts
from datamodules.corpus_folder import SCALED, WHOLE, CorpusCard, data_root, preparing_command, read_card
from datamodules.joined_corpora import corpus_names, read_cards
from datamodules.run_warning import RunWarning
from datamodules.texts.own_text_rules import KEYS, own_text_rules
from datamodules.texts.text_rules import TextRules, code_of

FILE = "text_rules.json"
SAID = ", text rules of "  # in the description of a card, before the file that the user gave
Given = Mapping[str, Mapping[str, Any]]  # by language code, as own_text_rules reads them


def used_rules(given: Given, languages: Collection[str]) -> Given:
    """The rules of a corpus's languages, empty of one that has none of the user's; nothing where no language has any.

    >>> used_rules({"hau": {"letters": "@"}, "kab": {}}, ["ha", "en-GB"])
    {'en': {}, 'ha': {'letters': '@'}}
    >>> used_rules({"kab": {"letters": "@"}}, ["ha"])
    {}
    """
    by_code = {code_of(language): of for language, of in given.items()}
    codes = sorted({code_of(language) for language in languages})
    if not any(by_code.get(code) for code in codes):
        return {}
    return {code: {key: by_code[code][key] for key in KEYS if key in by_code.get(code, {})} for code in codes}


def keep_rules(folder: Path, card: CorpusCard, used: Given) -> CorpusCard:
    """Write the file into a folder that is being made, and the card that covers it; nothing for no rules."""
    if not used:
        return card
    text = json.dumps(used, indent=1, ensure_ascii=False) + "\n"
    (folder / FILE).write_text(text, encoding="utf-8", newline="")
    write_facts(folder, {**(read_facts(folder) or {}), FILE: facts_of(folder / FILE)})
    covering = replace(card, digest=digest_with_rules(card.digest, folder))
    covering.write(folder)
    return covering


def digest_with_rules(digest: str, folder: Path) -> str:
    """The digest of a corpus's utterances, and of its rules where it has some. Raises ``OSError``."""
    if not (folder / FILE).is_file():
        return digest
    return hashlib.sha256(digest.encode() + b" text rules " + (folder / FILE).read_bytes()).hexdigest()


def given_rules(corpus: str) -> Given:
    """The rules that a corpus keeps, or several under a joined name; empty where it was imported without.

    Raises ``CorpusMissingError``, and ``CorpusChangedError`` for a file that is gone or damaged. Where corpora differ
    in the rules of a language those of the first one that has some count, which is said; so is one without rules.
    """
    found: dict[str, Mapping[str, Any]] = {}
    whose: dict[str, str] = {}
    without: list[str] = []
    for name in corpus_names(corpus):
        kept = _kept(name)
        without += [] if kept else [name]
        for language, rules in kept.items():
            if found.setdefault(language, rules) != rules:
                warnings.warn(
                    f"corpora {whose[language]!r} and {name!r} have different text rules of {language!r}: texts that "
                    f"come later follow those of {whose[language]!r}",
                    RunWarning,
                    stacklevel=2,
                )
            whose.setdefault(language, name)
    own = sorted(language for language, rules in found.items() if rules)
    if own and without:
        theirs = ", ".join(sorted({whose[language] for language in own}))
        warnings.warn(
            f"{', '.join(map(repr, without))} was prepared without text rules of its own: where it has texts in "
            f"{', '.join(own)}, those that come later follow the rules of {theirs}",
            RunWarning,
            stacklevel=2,
        )
    return found


def text_rules_of(corpus: str) -> dict[str, TextRules]:
    """The same as ``normalise`` takes them."""
    return own_text_rules(given_rules(corpus), where=f"corpus {corpus!r}")


def may_have_rules(corpus: str) -> bool:
    """Whether one of the corpora is a user's: no rules are given for earmark's own."""
    return any(name.partition("/")[0] not in (*SCALED, *WHOLE) for name in corpus_names(corpus))


def recorded_rules(corpus: str) -> Given | None:
    """What the record of a run says of its corpus's rules; None of what has none: sounds, and earmark's own corpora.

    None too where an older earmark did not keep them. Raises as ``given_rules`` does.
    """
    if not may_have_rules(corpus) or read_cards(corpus).classes or any(map(rules_not_kept, corpus_names(corpus))):
        return None
    return given_rules(corpus)


def warn_of_rules_not_kept(name: str) -> None:
    """One line where ``rules_not_kept`` has a file. Raises ``CorpusMissingError``."""
    if file := rules_not_kept(name):
        warnings.warn(
            f"corpus {name!r} was imported with the text rules of {file} and does not keep them: texts that come later "
            "(scoring.texts, Whisper's, hotwords, earmark align) follow the general rules of their language; to keep "
            f"them: earmark data import {name} … --text-rules {file} --rebuild (its finished runs are stale then)",
            RunWarning,
            stacklevel=2,
        )


def rules_not_kept(name: str) -> str:
    """The file of a user's rules that an older earmark imported a corpus with, and did not keep; empty for others.

    Raises ``CorpusMissingError``.
    """
    _, _, file = read_card(name).description.partition(SAID)
    folder = data_root() / name
    return "" if (folder / FILE).is_file() or FILE in (read_facts(folder) or {}) else file


def _kept(name: str) -> Given:
    card, path = read_card(name), data_root() / name / FILE
    again = f"make it again: {preparing_command(name).split(',')[0]} --rebuild"
    if not path.is_file():
        if SAID in card.description and FILE in (read_facts(path.parent) or {}):
            raise CorpusChangedError(f"corpus {name!r}: {path} is gone; restore it, or {again}")
        return {}
    try:
        given: Given = json.loads(path.read_text(encoding="utf-8"))
        own_text_rules(given, where=FILE)
    except (OSError, ValueError) as error:
        raise CorpusChangedError(f"corpus {name!r}: {path} is damaged ({error}); {again}") from error
    return given
