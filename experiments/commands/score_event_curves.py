"""The curves of ``earmark score events --scores``: read, scored, and written in sed_scores_eval's form.

Curves are a folder of sed_scores_eval's files or the ``.npz`` of a run (``predictions/test.npz``), whose clip
probabilities are then the scores of tagging.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import Event
from datamodules.clips.dcase_tsv import clip_id
from experiments.errors import UserError
from lightning_modules.metrics.curves.curve_scores import CurveSettings, CurveStatistics
from lightning_modules.metrics.curves.curve_summary import summary_json
from lightning_modules.metrics.curves.one_to_one import CollarCriterion
from lightning_modules.metrics.curves.score_curves import ClipCurves, CurveError, ScoreCurves
from lightning_modules.metrics.curves.score_files import read_scores, write_scores
from lightning_modules.metrics.curves.scored_clips import ScoredClips
from lightning_modules.sed.predictions import DetectionPredictions

Events = Mapping[str, Sequence[Event]]


@dataclass(frozen=True)
class StoredCurves:
    """Curves of a file or folder, and clip scores where it has them."""

    path: str
    curves: ScoreCurves
    clip_scores: dict[str, NDArray[np.float32]] | None  # (C,) by clip


def curves_json(
    arguments: argparse.Namespace, reference: Events, validation_reference: Events | None
) -> dict[str, Any]:
    """The document of ``curve_summary.py`` with where tagging's scores come from and earmark's version."""
    stored = read_stored(arguments.scores, durations=read_durations(arguments.durations))
    settings = CurveSettings(
        threshold=arguments.threshold,
        collar=CollarCriterion(arguments.collar_seconds, arguments.offset_fraction, arguments.unrounded_collars),
        segment_seconds=arguments.segment_seconds,
    )
    durations = read_durations(arguments.durations)
    statistics, num_left_out = _statistics(stored, reference, settings, arguments.classes, durations=durations)
    fitted = None
    if arguments.thresholds_from is not None and validation_reference is not None:
        fitted_on = read_stored(arguments.thresholds_from)
        if set(fitted_on.curves.classes) != set(stored.curves.classes):
            raise UserError(
                f"{fitted_on.path}: classes {', '.join(fitted_on.curves.classes)}, allowed: those of {stored.path}: "
                f"{', '.join(stored.curves.classes)}"
            )
        classes = arguments.classes or stored.curves.classes
        fitted = _statistics(fitted_on, validation_reference, settings, list(classes))[0].fitted()
    document = summary_json(statistics, fitted=fitted)
    if num_left_out:
        document["warnings"].append(f"{num_left_out} reference events are outside the given classes and not scored")
    document["clip_scores"] = "highest of each curve" if stored.clip_scores is None else "clip probabilities"
    document["version"] = importlib.metadata.version("earmark")
    return document


def write_stored(source: str, folder: str) -> int:
    """Write curves in sed_scores_eval's form; the number of clips."""
    stored = read_stored(source)
    try:
        write_scores(Path(folder), stored.curves)
    except CurveError as error:
        raise UserError(f"--write-scores {folder}: {error}") from error
    return len(stored.curves.by_clip)


def _statistics(
    stored: StoredCurves,
    reference: Events,
    settings: CurveSettings,
    classes: Sequence[str] | None,
    *,
    durations: Mapping[str, float] | None = None,
) -> tuple[CurveStatistics, int]:
    """Of these classes, and how many reference events are of others."""
    curves, kept = stored.curves, reference
    columns = list(range(len(curves.classes)))
    if classes is not None:
        columns = [_column(stored, label) for label in classes]
        curves = _with_columns(curves, columns)
        kept = {clip: [event for event in events if event.label in classes] for clip, events in reference.items()}
    try:
        scored = ScoredClips(curves, kept, duration_seconds=durations)
    except CurveError as error:
        raise UserError(f"{stored.path}: {error}") from error
    clip_scores_NC = None
    if stored.clip_scores is not None:
        clip_scores_NC = np.stack([stored.clip_scores[clip][columns] for clip in scored.clips])
    num_left_out = sum(map(len, reference.values())) - sum(map(len, kept.values()))
    return CurveStatistics.of(scored, settings, clip_scores_NC=clip_scores_NC), num_left_out


def _column(stored: StoredCurves, label: str) -> int:
    if label not in stored.curves.classes:
        raise UserError(f"{stored.path}: no curve of class {label!r}, allowed: {', '.join(stored.curves.classes)}")
    return stored.curves.classes.index(label)


def _with_columns(curves: ScoreCurves, columns: list[int]) -> ScoreCurves:
    by_clip = {clip: ClipCurves(edges, scores_TC[:, columns]) for clip, (edges, scores_TC) in curves.by_clip.items()}
    return ScoreCurves(tuple(curves.classes[column] for column in columns), by_clip)


def read_stored(source: str, *, durations: Mapping[str, float] | None = None) -> StoredCurves:
    """Curves of a folder or an ``.npz``, whose last frame ends with its clip where ``durations`` say when."""
    path = Path(source)
    try:
        if path.is_dir():
            curves, clip_scores = read_scores(path), None
        else:
            predictions = DetectionPredictions.load(path)
            curves = _frame_curves(predictions, durations)
            clip_scores = dict(zip(predictions.clip_ids, predictions.clip_probabilities_NC, strict=True))
    except CurveError as error:
        raise UserError(str(error) if path.is_dir() else f"{source}: {error}") from error
    except OSError as error:
        raise UserError(f"{source}: {error.strerror or error}") from error
    except (ValueError, KeyError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise UserError(
            f"{source}: {error}, allowed: a run's predictions (.npz), or a folder of sed_scores_eval's files"
        ) from error
    named = {clip: clip_id(clip) for clip in curves.by_clip}
    if len(set(named.values())) < len(named):
        raise UserError(f"{source}: two files are the same clip without folder and audio extension")
    renamed = {named[clip]: of for clip, of in curves.by_clip.items()}
    scores = None if clip_scores is None else {named[clip]: of for clip, of in clip_scores.items()}
    return StoredCurves(source, replace(curves, by_clip=renamed), scores)


def _frame_curves(predictions: DetectionPredictions, durations: Mapping[str, float] | None) -> ScoreCurves:
    curves_NTC = predictions.frame_probabilities_NTC
    if curves_NTC is None:
        raise CurveError("holds no frame curves (a tagger's predictions), allowed: a detection system's")
    by_clip = {}
    for clip, curves_TC, num_frames in zip(predictions.clip_ids, curves_NTC, predictions.num_frames_N, strict=True):
        edges = np.arange(int(num_frames) + 1, dtype=np.float64) * predictions.hop_seconds
        end = (durations or {}).get(clip_id(clip))
        if end is not None and num_frames and edges[-2] < end < edges[-1]:
            edges[-1] = end
        by_clip[clip] = ClipCurves(edges, curves_TC[: int(num_frames)])
    return ScoreCurves(predictions.classes, by_clip)


def read_durations(source: str | None) -> dict[str, float] | None:
    """Seconds by clip id of a list with the columns ``filename duration``, separated by tabs; None without a list."""
    if source is None:
        return None
    try:
        lines = Path(source).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{source}: {getattr(error, 'strerror', None) or error}") from error
    durations: dict[str, float] = {}
    for number, line in enumerate(lines, start=1):
        fields = line.split("\t")
        if not line.strip() or (number == 1 and fields[:2] == ["filename", "duration"]):
            continue
        try:
            name, seconds = fields[0], float(fields[1])
        except (ValueError, IndexError):
            raise UserError(f"{source}, line {number}: {line!r}, allowed: filename, tab, seconds") from None
        if not (np.isfinite(seconds) and seconds > 0):
            raise UserError(f"{source}, line {number}: duration {fields[1]!r}, allowed: seconds above 0")
        if durations.setdefault(clip_id(name), seconds) != seconds:
            raise UserError(
                f"{source}, line {number}: {name} is {seconds:g} s here and was {durations[clip_id(name)]:g}"
            )
    return durations
