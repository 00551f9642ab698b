"""Prepares a speech corpus from Debian packages: what all of them do alike, once the recordings are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from datamodules.corpora import debian
from datamodules.corpora.clip_corpus import SPLITS
from datamodules.corpora.speech.speech_corpus import SpeechFacts, Utterance, write_speech_corpus
from datamodules.corpora.speech.speech_selection import Limits, Recorded, Selection, select
from datamodules.corpora.whole_folder import locked, whole_folder
from datamodules.corpus_folder import CorpusCard, CorpusMissingError, data_root, read_card


def prepare_speech(
    facts: SpeechFacts,
    *,
    packages: Sequence[str],
    read: Callable[[Mapping[str, Path]], Iterable[Recorded]],
    rebuild: bool,
    limits: Mapping[str, Limits] | None = None,
) -> CorpusCard:
    """Make ``facts.name`` under the data root unless it is there, and return its card.

    ``read`` gets the .deb file of each package. Raises ``debian.NoPackageManagerError`` and ``debian.PackageError``.
    """
    target = data_root() / facts.name
    with locked(target):
        if not rebuild:
            try:
                return read_card(facts.name)
            except CorpusMissingError:
                pass
        selection = select(read(debian.fetch(packages)), limits=limits)
        with whole_folder(target) as folder:
            return write_speech_corpus(
                folder,
                facts=facts,
                utterances={split: _tracked(selection, split, facts.name) for split in SPLITS},
                dropped=selection.dropped,
            )


def _tracked(selection: Selection, split: str, name: str) -> Iterator[Utterance]:
    yield from track(
        selection.utterances(split),
        description=f"{name} {split}",
        total=len(selection.kept[split]),
        console=Console(stderr=True),
    )
