"""Which table one plans next on a corpus: the shipped one that is of it, or a shipped one with the corpus set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datamodules.corpus_folder import CorpusCard

SHIPPED = {
    "soundbank": ("data", "soundscapes"),
    "soundscapes/demo": ("plan", "weak_sed", "--scale", "demo"),
    "soundscapes/study": ("plan", "weak_sed", "--scale", "study"),
    "soundscapes/full": ("plan", "weak_sed", "--scale", "full"),
    "prompts": ("plan", "ctc_decoding"),
    "fillets": ("plan", "transfer"),
}


def next_words(card: CorpusCard) -> Sequence[str]:
    """The words of the next command after a corpus is there."""
    whole = card.name.split("-fold")[0]  # a table's scale has all folds
    table = "weak_sed" if card.classes else "ctc_cells"
    return SHIPPED.get(whole, ("plan", table, "--scale", "demo", "--set", f"data.corpus={card.name}"))
