"""Many files, those that are one window of equal length heard together: the cost of a forward is partly a call's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from experiments.applying.predicting.file_events import FileEvents, FilePredictor, WholeClip
from experiments.errors import UserError

Advance = Callable[[Path, float], None]  # of a file, seconds that are done
Predicted = tuple[Path, FileEvents | OSError | ValueError]  # its events, or why it has none


def predict_files(predictor: FilePredictor, paths: Iterable[Path], *, advance: Advance) -> Iterator[Predicted]:
    """Each file's events; those that have some come in the order of ``paths``. Raises ``UserError`` for the system.

    Consecutive clips of equal length are a batch, so that none is padded and each has the curves that it has alone.
    """
    batch: list[WholeClip] = []
    for path in paths:
        heard = _read(predictor, path)
        if not isinstance(heard, WholeClip):
            yield from _together(predictor, batch, advance)
            batch = []
            yield path, _whole(predictor, path, advance) if heard is None else heard
            continue
        if batch and (len(batch) == predictor.batch_size or heard.length != batch[0].length):
            yield from _together(predictor, batch, advance)
            batch = []
        batch.append(heard)
    yield from _together(predictor, batch, advance)


def _read(predictor: FilePredictor, path: Path) -> WholeClip | OSError | ValueError | None:
    try:
        return predictor.whole_clip(path)
    except (OSError, ValueError) as error:
        return error


def _whole(predictor: FilePredictor, path: Path, advance: Advance) -> FileEvents | OSError | ValueError:
    try:
        return predictor(path, advance=partial(advance, path))
    except UserError:  # of the system, not of the file
        raise
    except (OSError, ValueError) as error:
        return error


def _together(predictor: FilePredictor, batch: list[WholeClip], advance: Advance) -> Iterator[Predicted]:
    curves = predictor.detect(tuple(clip.window for clip in batch)) if batch else []
    for clip, of_clip in zip(batch, curves, strict=True):
        advance(clip.file.audio, clip.file.end_seconds)
        yield clip.file.audio, predictor.events_of(clip.file, [of_clip])
