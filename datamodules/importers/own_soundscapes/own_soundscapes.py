"""A user's isolated sounds become a corpus of soundscapes, mixed by the code that mixes ours.

Clip k of a split is a pure function of (seed, split, k), the settings and the recordings. The manifests say the family
of every event and that of the background, so that deals keep recordings apart; ``settings.json`` beside the card says
how it was mixed, in the form that ``--settings`` takes.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from datamodules.corpora.clip_corpus import SPLITS, CorpusFacts, LabelledClip, write_clip_corpus
from datamodules.corpora.sound_files import SAMPLE_RATE_HZ
from datamodules.corpora.sounds.family_splits import split_shared_families
from datamodules.corpora.sounds.inventory import BACKGROUND
from datamodules.corpora.sounds.mixing import SplitSounds, mix_clip
from datamodules.corpora.whole_folder import whole_folder
from datamodules.corpus_folder import CorpusCard
from datamodules.importers.entry import ManifestError
from datamodules.importers.new_corpus import new_corpus
from datamodules.importers.own_soundscapes.bank import OwnRecording, read_bank
from datamodules.importers.own_soundscapes.heard import Heard, Recordings, listen
from datamodules.importers.own_soundscapes.settings import SoundscapeSettings
from datamodules.run_warning import RunWarning, first_names

SETTINGS = "settings.json"


def mix_soundscapes(
    name: str,
    bank: Path,
    settings: SoundscapeSettings,
    *,
    background: str = BACKGROUND,
    licence: str = "not stated",
    rebuild: bool = False,
) -> CorpusCard:
    """Write ``DATA_ROOT/NAME`` and return its card.

    Raises ``ManifestError`` for a bank that cannot be read or dealt, ``ValueError`` for settings that name a class that
    it lacks and for a name that is taken or none.
    """
    with new_corpus(name, rebuild=rebuild) as target:
        recordings = read_bank(bank, background=background)
        labels = {one.label for one in recordings} - {BACKGROUND}
        settings.check_classes(labels)
        classes = settings.classes or tuple(sorted(labels))
        used = [one for one in recordings if one.label in (*classes, BACKGROUND)]
        heard = listen(track(used, f"{name}: listening", console=Console(stderr=True)))
        _say_left_out(bank, heard)
        dealt = _deal(bank, heard.recordings, classes)
        crowded_out: list[int] = []
        with whole_folder(target) as folder:
            (folder / SETTINGS).write_text(json.dumps(asdict(settings), indent=1) + "\n", encoding="utf-8")
            card = write_clip_corpus(
                folder,
                facts=CorpusFacts(
                    name=name,
                    classes=classes,
                    sample_rate_hz=SAMPLE_RATE_HZ,
                    synthetic=False,
                    licences={str(bank): licence},
                    description=f"mixtures of {bank} ({heard.digest[:12]}): {settings.says()}",
                ),
                clips={
                    split: _clips(split, settings, _sounds(heard.recordings, dealt, classes, split), crowded_out)
                    for split in SPLITS
                },
                sources={split: {label: list(dealt[label][split]) for label in dealt} for split in SPLITS},
            )
    if any(crowded_out):
        said = f"{name}: {sum(crowded_out)} events found no room beside others of their class and are not there"
        warnings.warn(said, category=RunWarning, stacklevel=2)
    return card


def _say_left_out(bank: Path, heard: Heard) -> None:
    for reason, places in heard.left_out.items():
        said = f"{bank}: left out {len(places)} recordings, {reason} ({first_names(places)})"
        warnings.warn(said, category=RunWarning, stacklevel=3)


def _deal(
    bank: Path, recordings: Sequence[OwnRecording], classes: Sequence[str]
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Families of each class, and of the backgrounds, by split."""
    families: dict[str, set[str]] = {label: set() for label in (*classes, BACKGROUND)}
    for one in recordings:
        families[one.label].add(one.family)
    try:
        return split_shared_families(families)
    except ValueError as error:
        raise ManifestError(f"{bank}: {error} (a family is a folder in the class's, or a name before __)") from error


def _sounds(
    recordings: Sequence[OwnRecording], dealt: dict[str, dict[str, tuple[str, ...]]], classes: Sequence[str], split: str
) -> SplitSounds:
    """The recordings that a split may use."""
    paths: dict[str, dict[str, list[Path]]] = {label: {} for label in dealt}
    for one in recordings:
        if one.family in dealt[one.label][split]:
            paths[one.label].setdefault(one.family, []).append(one.audio)
    sounds = {
        label: {family: Recordings(of_family) for family, of_family in of_label.items()}
        for label, of_label in paths.items()
    }
    return SplitSounds(events={label: sounds[label] for label in classes}, backgrounds=sounds[BACKGROUND])


def _clips(
    split: str, settings: SoundscapeSettings, sounds: SplitSounds, crowded_out: list[int]
) -> Iterator[LabelledClip]:
    recipe, num_clips = settings.recipe(split), settings.num_clips[split]
    for index in track(range(num_clips), description=f"soundscapes {split}", console=Console(stderr=True)):
        rng = np.random.default_rng((settings.seed, SPLITS.index(split), index))
        clip = mix_clip(f"{split}-{index:04d}", sounds=sounds, recipe=recipe, rng=rng)
        crowded_out.append(clip.num_crowded_out)
        yield clip
