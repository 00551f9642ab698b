"""The text rules that a run's transcripts follow: those of the user's that its corpus was imported with.

The run's record says them (key.json, or earmark.json of an exported folder), so that no corpus is needed. A run of
before they were recorded has those of its corpus, where that is on this disk.
"""

from __future__ import annotations

import warnings

from datamodules.corpus_folder import CorpusMissingError
from datamodules.joined_corpora import corpus_names, read_cards
from datamodules.run_warning import RunWarning
from datamodules.texts.corpus_text_rules import Given, given_rules, may_have_rules, warn_of_rules_not_kept
from datamodules.texts.own_text_rules import own_text_rules
from datamodules.texts.text_rules import TextRules
from experiments.applying.chosen_run import ChosenRun
from experiments.errors import UserError
from experiments.table_files.table_values import corpus_of, data_of


def text_rules_of_run(chosen: ChosenRun) -> dict[str, TextRules]:
    """By language: all of the corpus's where it has rules of its own, else none. A warning says what is not known.

    Raises ``UserError`` for a record that was edited.
    """
    given = chosen.text_rules
    if given is None:
        given = _of_corpus(chosen)
    try:
        return own_text_rules(given, where=f"run {chosen.name}: text_rules")
    except ValueError as error:
        raise UserError(str(error)) from None


def _of_corpus(chosen: ChosenRun) -> Given:
    corpus = corpus_of(chosen.config)
    try:
        card = read_cards(corpus)
        for name in corpus_names(corpus):
            warn_of_rules_not_kept(name)
        given = given_rules(corpus)
    except CorpusMissingError as error:
        if may_have_rules(corpus):
            _warn(
                f"run {chosen.name} does not say whether its corpus was imported with text rules of a user's: texts "
                f"follow the general rules of their language ({error})"
            )
        return {}
    is_alone = data_of(chosen.config) == corpus  # else the digest is of more
    if given and is_alone and chosen.corpus_digest and card.digest != chosen.corpus_digest:
        _warn(f"run {chosen.name} was trained on another {corpus} than the one on this disk, whose text rules count")
    return given


def _warn(line: str) -> None:
    warnings.warn(line, RunWarning, stacklevel=4)
