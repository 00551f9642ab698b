"""Several prepared corpora under one name, ``prompts + fillets``: what a training on all of them calls its data.

No folder has such a name, so a joined one is never mistaken for a corpus. Its card is made of theirs, and its digest is
over their names and digests: what changes in one of them changes the data of a run. A single corpus keeps its own name,
card and digest. Standard library only: the planner imports it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

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
    cards: list[CorpusCard] = []
    lacking: list[str] = []
    for name in corpus_names(corpus):
        try:
            cards.append(read_card(name))
        except CorpusMissingError as error:
            lacking.append(str(error))
    if lacking:
        raise CorpusMissingError("; ".join(lacking))
    return cards[0] if len(cards) == 1 else _joined(cards)


def _joined(cards: Sequence[CorpusCard]) -> CorpusCard:
    name = joined_name([card.name for card in cards])
    if len({card.sample_rate_hz for card in cards}) > 1:
        rates = ", ".join(f"{card.name} {card.sample_rate_hz} Hz" for card in cards)
        raise CorpusMissingError(f"corpora {name}: several sample rates ({rates}), allowed: one")
    splits = dict.fromkeys(split for card in cards for split in card.num_clips)
    return CorpusCard(
        name=name,
        digest=hashlib.sha256("\n".join(f"{card.name} {card.digest}" for card in cards).encode()).hexdigest(),
        classes=tuple(dict.fromkeys(label for card in cards for label in card.classes)),
        sample_rate_hz=cards[0].sample_rate_hz,
        synthetic=any(card.synthetic for card in cards),
        licences={f"{card.name}: {source}": licence for card in cards for source, licence in card.licences.items()},
        num_clips={split: sum(card.num_clips.get(split, 0) for card in cards) for split in splits},
        description=" ".join(f"{card.name}: {card.description}" for card in cards),
    )
