"""A run's texts follow the rules that its corpus was imported with, whoever normalises them."""

from __future__ import annotations

from datamodules.corpus_folder import CorpusMissingError
from datamodules.texts.corpus_text_rules import text_rules_of
from datamodules.texts.own_text_rules import follow
from experiments.errors import UserError
from experiments.table_files.merge import Config
from experiments.table_files.table_values import corpus_of


def follow_text_rules(sections: Config) -> None:
    """From here on, in this process. Raises ``UserError`` for rules that are gone or damaged."""
    try:
        follow(text_rules_of(corpus_of(sections)))
    except CorpusMissingError as error:
        raise UserError(str(error)) from None
