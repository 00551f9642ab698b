"""Several prepared corpora under one name, ``prompts + fillets``: what a training on all of them calls its data.

No folder has such a name, so a joined one is never mistaken for a corpus. Its card is made of theirs, and its digest is
over their names and digests: what changes in one of them changes the data of a run. A single corpus keeps its own name,
card and digest. Standard library only: the planner imports it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from datamodules.corpus_folder import CorpusCard, CorpusMissingError, read_card

AND = " + "


def corpus_names(corpus: str | Sequence[str]) -> tuple[str, ...]:
    """The corpora of a setting, or of a joined name.

    Raises ``ValueError`` where there are none, or one of them twice.

    >>> corpus_names("prompts"), corpus_names(["prompts", "fillets"]), corpus_names("prompts + fillets")
    (('prompts',), ('prompts', 'fillets'), ('prompts', 'fillets'))
    """
    names = tuple(corpus.split(AND)) if isinstance(corpus, str) else tuple(corpus)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"corpus {list(names)}: allowed: one name, or a list of different ones")
    return names


def joined_name(corpus: str | Sequence[str]) -> str:
    """What runs, tags and reports call them.

    >>> joined_name("prompts"), joined_name(["prompts", "fillets"])
    ('prompts', 'prompts + fillets')
    """
    return AND.join(corpus_names(corpus))


def read_cards(corpus: str | Sequence[str]) -> CorpusCard:
    """The card of one prepared corpus, or of several as one.

    Raises ``CorpusMissingError`` naming every corpus that is not prepared, with the command that prepares it, and for
    corpora of several sample rates.
    """
    cards: dict[str, CorpusCard] = {}
    lacking: list[str] = []
    for name in corpus_names(corpus):
        try:
            cards[name] = read_card(name)
        except CorpusMissingError as error:
            lacking.append(str(error))
    if lacking:
        raise CorpusMissingError("; ".join(lacking))
    return _joined(cards) if len(cards) > 1 else next(iter(cards.values()))


def _joined(cards: Mapping[str, CorpusCard]) -> CorpusCard:
    """By the names of their folders: a card may tell an older one."""
    name, every = joined_name(list(cards)), list(cards.values())
    if len({card.sample_rate_hz for card in every}) > 1:
        rates = ", ".join(f"{of} {card.sample_rate_hz} Hz" for of, card in cards.items())
        raise CorpusMissingError(f"corpora {name}: several sample rates ({rates}), allowed: one")
    splits = dict.fromkeys(split for card in every for split in card.num_clips)
    return CorpusCard(
        name=name,
        digest=hashlib.sha256("\n".join(f"{of} {card.digest}" for of, card in cards.items()).encode()).hexdigest(),
        classes=tuple(dict.fromkeys(label for card in every for label in card.classes)),
        sample_rate_hz=every[0].sample_rate_hz,
        synthetic=any(card.synthetic for card in every),
        licences={f"{of}: {source}": text for of, card in cards.items() for source, text in card.licences.items()},
        num_clips={split: sum(card.num_clips.get(split, 0) for card in every) for split in splits},
        description=" ".join(f"{of}: {card.description}" for of, card in cards.items()),
    )
