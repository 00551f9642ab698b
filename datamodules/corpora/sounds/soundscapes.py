"""Ten-second clips of real events over real backgrounds, with exact strong labels, split by recording family.

    earmark data soundscapes --scale demo

Clip k of a split is a pure function of (seed, split, k) and of the soundbank, so the demo's clips are the first of the
full corpus. Train has weak labels; its strong ones stand in a file of their own, for the upper-bound row alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from datamodules.corpora.clip_corpus import SPLITS, CorpusFacts, LabelledClip, write_clip_corpus
from datamodules.corpora.sound_files import SAMPLE_RATE_HZ, read_bank_file
from datamodules.corpora.sounds import soundbank
from datamodules.corpora.sounds.family_splits import split_families
from datamodules.corpora.sounds.inventory import BACKGROUND
from datamodules.corpora.sounds.mixing import MixRecipe, SplitSounds, mix_clip
from datamodules.corpora.sounds.sound_classes import SOUND_CLASSES
from datamodules.corpora.whole_folder import locked, whole_folder
from datamodules.corpus_folder import CorpusCard, CorpusMissingError, corpus_name, data_root, read_card

SCALES: dict[str, dict[str, int]] = {
    "demo": {"train": 480, "validation": 120, "test": 160},
    "full": {"train": 2000, "validation": 300, "test": 500},
}


def prepare(scale: str | None = None, *, seed: int = 0, rebuild: bool = False) -> CorpusCard:
    """Make ``soundscapes/SCALE`` under the data root unless it is there, and return its card.

    The soundbank is prepared first where it is missing. Raises ``ValueError`` for an unknown scale, and what
    ``soundbank.prepare`` raises.
    """
    scale = "demo" if scale is None else scale
    if scale not in SCALES:
        raise ValueError(f"soundscapes: scale {scale!r}, allowed: {', '.join(SCALES)}")
    name = corpus_name("soundscapes", scale=scale, seed=seed)
    target = data_root() / name
    with locked(target):
        if not rebuild:
            try:
                return read_card(name)
            except CorpusMissingError:
                pass
        bank = soundbank.prepare()
        with whole_folder(target) as folder:
            return _build(folder, name, SCALES[scale], seed, bank)


def deal_families() -> dict[str, dict[str, tuple[str, ...]]]:
    """Families of the prepared soundbank by class (and ``background``), then by split."""
    families: dict[str, set[str]] = {}
    for recording in soundbank.read_recordings():
        families.setdefault(recording.label, set()).add(recording.family)
    return {label: split_families(label, families[label]) for label in sorted(families)}


def load_split(split: str) -> SplitSounds:
    """The recordings of the families that ``split`` may use."""
    dealt = deal_families()
    folder = data_root() / soundbank.NAME
    sounds: dict[str, dict[str, list[np.ndarray[tuple[int], np.dtype[np.float32]]]]] = {}
    for recording in soundbank.read_recordings():
        if recording.family in dealt[recording.label][split]:
            families = sounds.setdefault(recording.label, {})
            families.setdefault(recording.family, []).append(read_bank_file(folder / recording.path))
    return SplitSounds(events={label: sounds[label] for label in SOUND_CLASSES}, backgrounds=sounds[BACKGROUND])


def _build(folder: Path, name: str, num_clips: dict[str, int], seed: int, bank: CorpusCard) -> CorpusCard:
    dealt = deal_families()
    return write_clip_corpus(
        folder,
        facts=CorpusFacts(
            name=name,
            classes=SOUND_CLASSES,
            sample_rate_hz=SAMPLE_RATE_HZ,
            synthetic=False,
            licences=bank.licences,
            description=f"10 s mixtures of soundbank {bank.digest[:12]}, seed {seed}",
        ),
        clips={split: _clips(split, num_clips[split], seed) for split in SPLITS},
        sources={split: {label: list(dealt[label][split]) for label in dealt} for split in SPLITS},
    )


def _clips(split: str, num_clips: int, seed: int) -> Iterator[LabelledClip]:
    sounds = load_split(split)
    # few families a class train; the tape-speed change gives each more than one voice, as in URBAN-SED
    recipe = MixRecipe(playback_speed=(0.85, 1.2)) if split == "train" else MixRecipe()
    for index in track(range(num_clips), description=f"soundscapes {split}", console=Console(stderr=True)):
        rng = np.random.default_rng((seed, SPLITS.index(split), index))
        yield mix_clip(f"{split}-{index:04d}", sounds=sounds, recipe=recipe, rng=rng)
