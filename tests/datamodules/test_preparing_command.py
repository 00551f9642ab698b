"""A missing corpus names the command that makes it: earmark's own by scale and seed, a user's by import or mixing."""

from __future__ import annotations

import pytest

from datamodules import corpus_folder
from datamodules.corpus_folder import preparing_command
from experiments.commands.data import own_corpora


def test_the_names_are_those_of_the_commands() -> None:
    assert set(corpus_folder.SCALED) == set(own_corpora.SCALED)
    assert set(corpus_folder.WHOLE) == set(own_corpora.WHOLE)


@pytest.mark.parametrize(
    ("corpus", "command"),
    [
        ("soundscapes/demo", "earmark data soundscapes --scale demo"),
        ("soundscapes/study-fold0", "earmark data soundscapes --scale study"),
        ("soundscapes/study-fold4-seed3", "earmark data soundscapes --scale study --seed 3"),
        ("fillets", "earmark data fillets"),
        ("mine/a", "earmark data import mine/a …, or earmark data soundscapes --soundbank … --name mine/a"),
    ],
)
def test_each_corpus_has_its_command(corpus: str, command: str) -> None:
    assert preparing_command(corpus) == command
