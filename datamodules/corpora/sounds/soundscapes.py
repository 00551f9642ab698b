"""Ten-second clips of real events over real backgrounds, with exact strong labels, split by recording family.

    earmark data soundscapes --scale demo
    earmark data soundscapes --scale study      five corpora, soundscapes/study-fold0 and on

Families are dealt to five folds, so that every recording is a test recording in one (``family_folds.py``); ``demo`` and
``full`` are fold 0. Clip k of a split is a pure function of (seed, split, k, fold) and of the soundbank, so the demo's
clips are the first of the full corpus. Train has weak labels; its strong ones stand in a file of their own, for the
upper-bound row alone.
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
from datamodules.corpora.sounds.family_folds import NUM_FOLDS, deal_fold
from datamodules.corpora.sounds.inventory import BACKGROUND
from datamodules.corpora.sounds.mixing import MixRecipe, SplitSounds, mix_clip
from datamodules.corpora.sounds.sound_classes import SOUND_CLASSES
from datamodules.corpora.whole_folder import locked, whole_folder
from datamodules.corpus_folder import CorpusCard, CorpusMissingError, corpus_name, data_root, read_card

_DEMO = {"train": 480, "validation": 120, "test": 160}
SCALES: dict[str, dict[str, int]] = {
    "demo": _DEMO,
    "full": {"train": 2000, "validation": 300, "test": 500},
    **{f"study-fold{fold}": _DEMO for fold in range(NUM_FOLDS)},
}
STUDY = "study"  # all its folds


def scales(scale: str | None) -> tuple[str, ...]:
    """The scales that a word stands for: ``study`` is its folds. Raises ``ValueError`` for an unknown one."""
    scale = "demo" if scale is None else scale
    if scale == STUDY:
        return tuple(name for name in SCALES if name.startswith(f"{STUDY}-"))
    if scale not in SCALES:
        raise ValueError(f"soundscapes: scale {scale!r}, allowed: {', '.join((*SCALES, STUDY))}")
    return (scale,)


def prepare(scale: str | None = None, *, seed: int = 0, rebuild: bool = False) -> CorpusCard:
    """Make ``soundscapes/SCALE`` under the data root unless it is there, and return its card.

    The soundbank is prepared first where it is missing. Raises ``ValueError`` for an unknown scale and for ``study``,
    which is several (``scales``), and what ``soundbank.prepare`` raises.
    """
    (scale,) = scales(scale)
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
            return _build(folder, name, SCALES[scale], seed, fold_of(scale), bank)


def fold_of(scale: str) -> int:
    """The fold whose deal a scale has: ``demo`` and ``full`` have that of fold 0."""
    return int(scale.removeprefix(f"{STUDY}-fold")) if scale.startswith(STUDY) else 0


def deal_families(fold: int) -> dict[str, dict[str, tuple[str, ...]]]:
    """Families of the prepared soundbank by class (and ``background``), then by split."""
    seconds: dict[str, dict[str, float]] = {}
    for recording in soundbank.read_recordings():
        families = seconds.setdefault(recording.label, {})
        families[recording.family] = families.get(recording.family, 0) + recording.num_samples / SAMPLE_RATE_HZ
    return {label: deal_fold(label, seconds[label], fold) for label in sorted(seconds)}


def load_split(split: str, fold: int) -> SplitSounds:
    """The recordings of the families that ``split`` may use in a fold."""
    dealt = deal_families(fold)
    folder = data_root() / soundbank.NAME
    sounds: dict[str, dict[str, list[np.ndarray[tuple[int], np.dtype[np.float32]]]]] = {}
    for recording in soundbank.read_recordings():
        if recording.family in dealt[recording.label][split]:
            families = sounds.setdefault(recording.label, {})
            families.setdefault(recording.family, []).append(read_bank_file(folder / recording.path))
    return SplitSounds(events={label: sounds[label] for label in SOUND_CLASSES}, backgrounds=sounds[BACKGROUND])


def _build(folder: Path, name: str, num_clips: dict[str, int], seed: int, fold: int, bank: CorpusCard) -> CorpusCard:
    dealt = deal_families(fold)
    return write_clip_corpus(
        folder,
        facts=CorpusFacts(
            name=name,
            classes=SOUND_CLASSES,
            sample_rate_hz=SAMPLE_RATE_HZ,
            synthetic=False,
            licences=bank.licences,
            description=f"10 s mixtures of soundbank {bank.digest[:12]}, fold {fold} of {NUM_FOLDS}, seed {seed}",
        ),
        clips={split: _clips(split, num_clips[split], seed, fold) for split in SPLITS},
        sources={split: {label: list(dealt[label][split]) for label in dealt} for split in SPLITS},
    )


def _clips(split: str, num_clips: int, seed: int, fold: int) -> Iterator[LabelledClip]:
    sounds = load_split(split, fold)
    # few families a class train; the tape-speed change gives each more than one voice, as in URBAN-SED
    recipe = MixRecipe(playback_speed=(0.85, 1.2)) if split == "train" else MixRecipe()
    for index in track(range(num_clips), description=f"soundscapes {split}", console=Console(stderr=True)):
        rng = np.random.default_rng((seed, SPLITS.index(split), index, fold))  # a last 0 changes nothing
        yield mix_clip(f"{split}-{index:04d}", sounds=sounds, recipe=recipe, rng=rng)
