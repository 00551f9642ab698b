"""``curve_statistics.npz`` in a run's scores: the clip statistics behind its curve metrics.

A report draws clips anew from it without looking at a curve again, and the metrics computed from it are those that were
logged, to the last digit. Criteria of the same curves change at the same scores of the same clips, so these are stored
once for all of them, with a table of deltas a criterion: a file of about the size of the curves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_modules.metrics.curves.clip_statistics import Changes, ClipStatistics
from lightning_modules.sed.curve_scores.statistics import CurveScores

FILE = "curve_statistics.npz"
TABLES = ("num_reference_NC", "num_negative_NC", "reference_seconds_NC", "duration_seconds_N")
SEGMENT_ERRORS, FITTED = "segment_errors_N2", "fitted:"

Arrays = Mapping[str, NDArray[Any]]


def save(scores: CurveScores, path: Path) -> None:
    """Write the file."""
    arrays: dict[str, Any] = {f"{FITTED}{name}": of for name, of in scores.fitted.items()}
    if scores.segment_errors_N2 is not None:
        arrays[SEGMENT_ERRORS] = scores.segment_errors_N2
    for curves in dict.fromkeys(_curves(name) for name in scores.statistics):
        group = {name: of for name, of in scores.statistics.items() if _curves(name) == curves}
        first = next(iter(group.values()))
        arrays[f"{curves}:classes"], arrays[f"{curves}:clips"] = np.array(first.classes), np.array(first.clips)
        arrays |= {f"{name}:{table}": getattr(of, table) for name, of in group.items() for table in TABLES}
        arrays |= _changes(curves, group)
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _curves(name: str) -> str:
    """Of which curves statistics are: ``raw`` of ``raw/psds1``."""
    return name.partition("/")[0]


def _changes(curves: str, group: Mapping[str, ClipStatistics]) -> dict[str, Any]:
    """All classes one after the other: scores and clips of the union of changes, and each criterion's deltas."""
    merged = [_union([of.changes[column] for of in group.values()]) for column in range(len(_first(group).classes))]
    deltas = {
        f"{name}:deltas_KS": _narrow(np.concatenate([tables[number] for _, _, tables in merged]), np.int8)
        for number, name in enumerate(group)
    }
    return {
        f"{curves}:ends_C": np.cumsum([len(scores_K) for scores_K, _, _ in merged]),
        f"{curves}:scores_K": _narrow(np.concatenate([scores_K for scores_K, _, _ in merged]), np.float32),
        f"{curves}:clips_K": _narrow(np.concatenate([clips_K for _, clips_K, _ in merged]), np.uint16),
        **deltas,
    }


def _first(group: Mapping[str, ClipStatistics]) -> ClipStatistics:
    return next(iter(group.values()))


def _union(
    criteria: Sequence[Changes],
) -> tuple[NDArray[np.float64], NDArray[np.int64], list[NDArray[np.int32]]]:
    """Falling scores, their clips, and the deltas of each criterion there, 0 where it has no change."""
    scores_A = np.concatenate([changes.scores_K for changes in criteria])
    clips_A = np.concatenate([changes.clips_K for changes in criteria])
    order_A = np.lexsort((clips_A, -scores_A))
    scores_A, clips_A = scores_A[order_A], clips_A[order_A]
    is_new_A = np.ones(len(order_A), dtype=bool)
    is_new_A[1:] = (scores_A[1:] != scores_A[:-1]) | (clips_A[1:] != clips_A[:-1])
    place_A = np.empty(len(order_A), dtype=np.int64)
    place_A[order_A] = np.cumsum(is_new_A) - 1
    tables, start = [], 0
    for changes in criteria:
        deltas_KS = np.zeros((int(is_new_A.sum()), changes.deltas_KS.shape[1]), dtype=np.int32)
        end = start + len(changes.scores_K)
        np.add.at(deltas_KS, place_A[start:end], changes.deltas_KS)
        tables.append(deltas_KS)
        start = end
    return scores_A[is_new_A], clips_A[is_new_A], tables


def load(path: Path, names: Collection[str] | None = None) -> CurveScores:
    """Read the named statistics of a file that ``save`` wrote, those of them that are there; None: all (no pickles)."""
    with np.load(path, allow_pickle=False) as file:
        there = [name.removesuffix(":deltas_KS") for name in file.files if name.endswith(":deltas_KS")]
        wanted = [name for name in there if names is None or name in names]
        used = {_curves(name) for name in wanted}
        common = {f"{of}:{array}": file[f"{of}:{array}"] for of in used for array in SHARED}
        fitted = {name.removeprefix(FITTED): file[name] for name in file.files if name.startswith(FITTED)}
        errors_N2 = file[SEGMENT_ERRORS] if SEGMENT_ERRORS in file.files else None
        return CurveScores({name: _read(file, common, name) for name in wanted}, fitted, errors_N2)


SHARED = ("classes", "clips", "ends_C", "scores_K", "clips_K")


def _read(file: Arrays, common: Arrays, name: str) -> ClipStatistics:
    classes, clips, ends_C, scores_K, clips_K = (common[f"{_curves(name)}:{array}"] for array in SHARED)
    deltas_KS = file[f"{name}:deltas_KS"]
    changes = []
    for start, end in zip((0, *ends_C), ends_C, strict=False):
        own_K = start + np.flatnonzero(deltas_KS[start:end].any(axis=1))
        scores, of_clips, deltas = scores_K[own_K], clips_K[own_K], deltas_KS[own_K]
        changes.append(Changes(scores.astype(np.float64), of_clips.astype(np.int64), deltas.astype(np.int32)))
    reference_NC, negative_NC, seconds_NC, duration_N = (file[f"{name}:{table}"] for table in TABLES)
    return ClipStatistics(
        tuple(classes.tolist()),
        tuple(clips.tolist()),
        tuple(changes),
        reference_NC,
        negative_NC,
        seconds_NC,
        duration_N,
    )


def _narrow(values: NDArray[Any], dtype: type) -> NDArray[Any]:
    """In fewer bytes, where that changes no value."""
    with np.errstate(over="ignore"):
        narrow: NDArray[Any] = values.astype(dtype)
    return narrow if np.array_equal(narrow.astype(values.dtype), values) else values
