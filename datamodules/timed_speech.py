"""The data module of speech whose corpus says when each phone is said (``phones.tsv``): for scoring alignments.

Everything is as in ``datamodules.asr``, and so is what is learnt of it: phones reach references alone.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from datamodules.asr import SpeechDataModule, SpokenSplit
from datamodules.corpus_folder import data_root
from datamodules.phones import FILE, Phone, TimedReferences, read_phones


class TimedSpeechDataModule(SpeechDataModule):
    """``SpeechDataModule`` of one corpus with phones.

    Raises ``ValueError`` also for several corpora, joined test utterances, and a corpus without phones.
    """

    def __init__(self, **speech: Any) -> None:
        super().__init__(**speech)
        if not isinstance(self.corpus, str) or self.test_joined is not None:
            raise ValueError(
                f"corpus {self.corpus!r} with test_joined {self.test_joined}, allowed: one corpus, and null: phones "
                "are told by one corpus, of single utterances"
            )
        self._phones_file = data_root() / self.corpus / FILE
        if not self._phones_file.is_file():
            raise ValueError(
                f"corpus {self.corpus!r} does not say when its phones are said (no {self._phones_file}); "
                "festvox_ru does: earmark data festvox_ru --rebuild"
            )

    @cached_property
    def _phones(self) -> dict[str, tuple[Phone, ...]]:
        return read_phones(self._phones_file.parent)

    def references(self, split: SpokenSplit) -> TimedReferences:
        """What scoring may know of a split, its phones too."""
        known = super().references(split)
        phones = {utterance: self._phones[utterance] for utterance in known.texts if utterance in self._phones}
        return TimedReferences(**vars(known), phones=phones)
