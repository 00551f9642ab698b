"""Which classes a clip is taken to contain, and where scoring reads it from.

Weak labels suffice for all of it: thresholds of the clip probabilities are fitted on the tags of the validation split.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from datamodules.annotations import ClipReferences
from lightning_modules.decoding.sound_events.class_thresholds import fit_class_thresholds
from lightning_modules.sed.fitting.fitted import Tags, tags_above
from lightning_modules.sed.fitting.validation_split import ValidationSplit
from lightning_modules.sed.predictions import DetectionPredictions


@dataclass(frozen=True)
class FittedTags:
    """Tags of both splits and the thresholds by class that gave them (empty where nothing was fitted)."""

    validation: Tags
    test: Tags
    thresholds: dict[str, float]


def load_split(
    predictions: Mapping[str, Path], source: str, split: str, references: ClipReferences
) -> DetectionPredictions:
    """One split's predictions of ``own``, ``tagger`` …

    A test split without any strong clip has nothing to score events by: its curves are left out, as those of a system
    that only tags. Raises ``ValueError`` if they aren't of these clips and classes, or hold NaN.
    """
    if source not in predictions:
        raise ValueError(f"scoring needs the predictions {source!r}, but from: names only {sorted(predictions)}")
    path = predictions[source] / f"{split}.npz"
    loaded = DetectionPredictions.load(path)
    if loaded.classes != references.classes:
        raise ValueError(f"{path}: predictions of classes {loaded.classes}, but the data have {references.classes}")
    strange = set(loaded.clip_ids) ^ set(references.tags)
    if strange or len(set(loaded.clip_ids)) < len(loaded.clip_ids):
        some = ", ".join(sorted(strange)[:3]) or "some twice"
        raise ValueError(
            f"{path}: predictions of {len(loaded.clip_ids)} clips, but the {split} split has {len(references.tags)};"
            f" they differ in {some}"
        )
    curves_NTC = loaded.frame_probabilities_NTC
    if not (np.isfinite(loaded.clip_probabilities_NC).all() and (curves_NTC is None or np.isfinite(curves_NTC).all())):
        raise ValueError(f"{path}: probabilities that are no finite numbers: the training diverged")
    return replace(loaded, frame_probabilities_NTC=None) if split == "test" and references.events is None else loaded


def fitted_tags(
    predictions: Mapping[str, Path], source: str, *, validation: ClipReferences, test: ClipReferences
) -> FittedTags:
    """Tags by the clip probabilities of ``source``, thresholds fitted on the validation tags.

    Raises ``ValueError`` where ``validation`` are the references of another split.
    """
    validation = ValidationSplit(validation).references
    fitted_on = load_split(predictions, source, "validation", validation)
    true_NC = np.array(
        [[label in validation.tags[clip] for label in validation.classes] for clip in fitted_on.clip_ids],
        dtype=np.float32,
    ).reshape(fitted_on.clip_probabilities_NC.shape)
    thresholds_C = fit_class_thresholds(fitted_on.clip_probabilities_NC, true_NC)
    thresholds = dict(zip(validation.classes, thresholds_C.tolist(), strict=True))
    return tags_by(predictions, source, thresholds, validation=validation, test=test)


def tags_by(
    predictions: Mapping[str, Path],
    source: str,
    thresholds: Mapping[str, float],
    *,
    validation: ClipReferences,
    test: ClipReferences,
) -> FittedTags:
    """Tags by the clip probabilities of ``source`` and given thresholds by class."""
    thresholds_C = np.array([thresholds[label] for label in validation.classes])
    return FittedTags(
        validation=tags_above(load_split(predictions, source, "validation", validation), thresholds_C),
        test=tags_above(load_split(predictions, source, "test", test), thresholds_C),
        thresholds=dict(thresholds),
    )


def oracle_tags(*, validation: ClipReferences, test: ClipReferences) -> FittedTags:
    """The true tags: what a perfect tagger would give."""
    return FittedTags(validation=validation.tags, test=test.tags, thresholds={})


def constant_tags(*, validation: ClipReferences, test: ClipReferences) -> FittedTags:
    """The same classes in every clip, those that give the best macro F1 on validation tags: all of them.

    Always predicting a class of prevalence p scores ``2p / (1 + p)``, never predicting it 0, and classes do not
    interact in macro F1, so no constant does better than every class.
    """
    everything = frozenset(validation.classes)
    return FittedTags(
        validation=dict.fromkeys(validation.tags, everything),
        test=dict.fromkeys(test.tags, everything),
        thresholds={},
    )
