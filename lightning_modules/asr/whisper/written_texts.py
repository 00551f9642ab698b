"""What a recogniser of other symbols than the corpus' wrote of a split, as one file: texts as they came."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, Self

from lightning_modules.gathering import gather_by_id

SUFFIX = ".texts.json"


class PredictedTexts(NamedTuple):
    """A ``predict_step``'s answer, and the seconds that it took."""

    utterance_ids: tuple[str, ...]
    texts: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class WrittenTexts:
    """Texts by utterance id, neither normalised nor cut, and the seconds of encoder and decoder."""

    texts: Mapping[str, str]
    seconds: float

    @classmethod
    def gathered(cls, batches: Iterable[PredictedTexts], *, utterance_ids: Collection[str]) -> Self | None:
        """All ranks' texts on rank 0; None on the others. Every rank must call it. Raises as ``gather_by_id``."""
        # A batch's seconds travel with its first utterance.
        items = [
            (name, (text, 0.0 if row else batch.seconds))
            for batch in batches
            for row, (name, text) in enumerate(zip(batch.utterance_ids, batch.texts, strict=True))
        ]
        found = gather_by_id(items, expected=utterance_ids, what="utterances")
        if found is None:
            return None
        return cls({name: text for name, (text, _) in found}, sum(seconds for _, (_, seconds) in found))

    def save(self, path: Path) -> None:
        """Write in one step, so that an interruption leaves no half file."""
        partial = path.with_name(path.name + ".partial")
        partial.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what ``save`` wrote."""
        content = json.loads(path.read_text(encoding="utf-8"))
        return cls(content["texts"], float(content["seconds"]))
