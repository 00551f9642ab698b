"""Score curves as sed_scores_eval keeps them: a folder with one tab-separated file a clip, ``CLIP.tsv``.

A file has the heading ``onset offset CLASS …`` and a row an interval, each beginning where the one before ended.
Numbers are written so that they are read back to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_modules.metrics.curves.score_curves import ClipCurves, CurveError, ScoreCurves

TIMES = ("onset", "offset")
SUFFIX = ".tsv"
GAP_SECONDS = 1e-6  # times that differ by no more are one edge: a microsecond is where scoring rounds


def read_scores(folder: Path) -> ScoreCurves:
    """The curves of every file in a folder, classes in the order of the first.

    Raises ``CurveError`` naming file, line and value for anything else in the folder, headings that differ, what is no
    number, and intervals with a gap or an overlap between them; ``OSError`` where a file can't be read.
    """
    paths = sorted(folder.iterdir())
    if not paths:
        raise CurveError(f"{folder}: holds no file, allowed: one CLIP{SUFFIX} a clip")
    classes: tuple[str, ...] | None = None
    by_clip = {}
    for path in paths:
        if path.suffix != SUFFIX or not path.is_file():
            raise CurveError(f"{folder}: holds {path.name}, allowed: CLIP{SUFFIX} files alone")
        own, curves = _read_clip(path)
        if classes is not None and own != classes:
            raise CurveError(
                f"{path}, line 1: classes {', '.join(own)}, allowed: those of {paths[0].name}: {', '.join(classes)}"
            )
        classes = own
        by_clip[path.name.removesuffix(SUFFIX)] = curves
    assert classes is not None
    try:
        return ScoreCurves(classes, by_clip)
    except CurveError as error:
        raise CurveError(f"{folder}: {error}") from None


def _read_clip(path: Path) -> tuple[tuple[str, ...], ClipCurves]:
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    heading = lines[0].split("\t") if lines else []
    if tuple(heading[:2]) != TIMES or len(heading) < 3:
        raise CurveError(f"{path}, line 1: heading {' '.join(heading)!r}, allowed: onset offset CLASS …, with tabs")
    rows_TX = np.array(list(_numbers(path, lines[1:], heading)), dtype=np.float64).reshape(-1, len(heading))
    _refuse_gaps(path, rows_TX)
    edges = np.append(rows_TX[:, 0], rows_TX[-1:, 1] if len(rows_TX) else 0.0)
    return tuple(heading[2:]), ClipCurves(edges, rows_TX[:, 2:])


def _numbers(path: Path, lines: list[str], heading: list[str]) -> Iterator[list[float]]:
    for number, line in enumerate(lines, start=2):
        fields = line.split("\t")
        if len(fields) != len(heading):
            raise CurveError(f"{path}, line {number}: {len(fields)} columns, allowed: the heading's {len(heading)}")
        try:
            values = [float(field) for field in fields]
        except ValueError:
            values = [math.nan]
        if any(map(math.isnan, values)):
            wrong = next(at for at, field in enumerate(fields) if not _is_number(field))
            raise CurveError(f"{path}, line {number}: {heading[wrong]} {fields[wrong]!r}, allowed: a number")
        yield values


def _is_number(field: str) -> bool:
    try:
        return not math.isnan(float(field))
    except ValueError:
        return False


def _refuse_gaps(path: Path, rows_TX: NDArray[np.float64]) -> None:
    apart = np.abs(rows_TX[1:, 0] - rows_TX[:-1, 1]) > GAP_SECONDS
    if apart.any():
        row = int(np.argmax(apart)) + 1
        onset, before = rows_TX[row, 0], rows_TX[row - 1, 1]
        raise CurveError(
            f"{path}, line {row + 2}: onset {onset:g} after an interval that ends at {before:g}, allowed: {before:g}, "
            "as intervals leave no gap and do not overlap"
        )


def write_scores(folder: Path, curves: ScoreCurves) -> None:
    """Write a folder that ``read_scores`` and sed_scores_eval read; it must not exist, or be empty.

    Raises ``CurveError`` for names of clips and classes that such files can't hold, and a folder with files in it.
    """
    for kind, names, refused in (("clip", curves.by_clip, "/\\"), ("class", curves.classes, "\t\r\n")):
        wrong = next((name for name in names if not name or any(mark in name for mark in refused)), None)
        if wrong is not None:
            raise CurveError(f"{kind} {wrong!r}, allowed: a name without {', '.join(map(repr, refused))}")
    if folder.exists() and any(folder.iterdir()):
        raise CurveError(f"{folder}: has files already, allowed: a new or empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    heading = "\t".join((*TIMES, *curves.classes))
    for clip, (edges, scores_TC) in curves.by_clip.items():
        rows = np.column_stack([edges[:-1], edges[1:], scores_TC.astype(np.float64)]).tolist()
        lines = [heading, *("\t".join(map(repr, row)) for row in rows)]
        (folder / f"{clip}{SUFFIX}").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
