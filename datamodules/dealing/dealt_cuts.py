"""The cuts of a split as a deal has it, pooled from all splits of the corpus, and what was dealt in a line."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from datamodules.audio.cuts import Cut, read_manifest
from datamodules.corpus_folder import data_root
from datamodules.dealing.deal import GIVEN_FOLDS, Deal, Dealt, Split, deal_parts, given_parts
from datamodules.dealing.recorded_sources import recorded_sources

SPLITS: tuple[Split, ...] = ("train", "validation", "test")


class DealtCuts:
    """The clips of a corpus, a folder under the data root, dealt.

    ``manifests`` are those that hold all of its clips with what is recorded of them, ``labels`` what parts are to be
    alike in. Raises ``FileNotFoundError`` without a manifest, and ``ValueError`` for clips without a recorded source
    and for fewer sources than parts.
    """

    def __init__(
        self, corpus: str, deal: Deal, *, manifests: Sequence[str], labels: Callable[[Cut], Collection[str]]
    ) -> None:
        folder, self._labels = data_root() / corpus, labels
        cuts = sorted((cut for name in manifests for cut in read_cuts(folder, name)), key=lambda cut: cut.id)
        self._where = f"{corpus}: deal {deal.fold} of {deal.of} by {deal.by}"
        self._sources = recorded_sources(cuts, folder, by=deal.by, where=self._where)
        if len(self._sources) < len(cuts):
            raise ValueError(f"{self._where}: a clip id occurs twice")
        parts = self._parts(cuts, deal)
        self._of: dict[Split, list[Cut]] = {
            split: [cut for cut in cuts if deal.part_of(split, parts[cut.id])] for split in SPLITS
        }

    def _parts(self, cuts: Sequence[Cut], deal: Deal) -> dict[str, int]:
        """The part of each clip by its id."""
        if deal.by == GIVEN_FOLDS:
            return given_parts(self._sources, num_parts=deal.of, where=self._where)
        labels = self._labels
        clips = [Dealt(cut.id, self._sources[cut.id], cut.duration, labels(cut)) for cut in cuts]
        return deal_parts(clips, num_parts=deal.of, where=self._where)

    def of(self, split: Split) -> list[Cut]:
        """The cuts of a split, sorted by id, with all that their manifests say."""
        return self._of[split]

    def says(self) -> str:
        """How many clips and sources each split has, and the labels that one of them lacks."""
        parts = []
        every = {label for cuts in self._of.values() for cut in cuts for label in self._labels(cut)}
        for split, cuts in self._of.items():
            num_sources = len({self._sources[cut.id] for cut in cuts})
            lacking = sorted(every - {label for cut in cuts for label in self._labels(cut)})
            without = f", none with {', '.join(lacking)}" if lacking else ""
            parts.append(f"{split} {len(cuts)} clips of {num_sources} sources{without}")
        return f"{self._where}: {'; '.join(parts)}"


def read_cuts(folder: Path, manifest: str) -> list[Cut]:
    """The cuts of ``folder/manifests/NAME.jsonl.gz``. Raises ``FileNotFoundError`` without it, ``ValueError``."""
    path = folder / "manifests" / f"{manifest}.jsonl.gz"
    if not path.is_file():
        raise FileNotFoundError(f"the corpus has no manifest {path}: prepare it again")
    return read_manifest(path, folder=folder)
