"""A run's corpora must be what its plan saw: it is stored under that plan's key, and would be counted as of them."""

from __future__ import annotations

from datamodules.corpus_changes import check_files
from datamodules.corpus_files import CorpusChangedError
from datamodules.joined_corpora import corpus_names, read_cards
from experiments.errors import UserError
from experiments.table_files.merge import Config
from experiments.table_files.table_values import data_of


def check_planned_data(sections: Config, *, digest: str) -> None:
    """Raise ``UserError`` for corpora with another digest than the plan's, and for files edited in place."""
    corpus = data_of(sections)
    if read_cards(corpus).digest != digest:
        raise UserError(f"corpus {corpus!r} changed since this run was planned; launch it again")
    try:
        for name in corpus_names(corpus):
            check_files(name)
    except CorpusChangedError as error:
        raise UserError(str(error)) from None
