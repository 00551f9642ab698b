"""Clips of equal length are heard together, and each has what it has alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from experiments.applying.predicting.clip_batches import predict_files
from experiments.applying.predicting.file_events import FileEvents, FilePredictor, WholeClip
from experiments.applying.predicting.joining import WindowCurves
from experiments.applying.predicting.windows import Window

SECONDS = (2.0, 2.0, 2.0, 2.0, 1.0, 2.0, 7.0, 2.0, 3.0, 3.0)  # a window is 3 s, a batch three of them


class Counting(FilePredictor):
    """How many windows each forward had."""

    batches: list[int]

    def detect(self, windows: tuple[Window, ...]) -> list[WindowCurves]:
        self.batches.append(len(windows))
        return super().detect(windows)


@pytest.fixture(params=[False, True], ids=["convolutions", "recurrent"])
def predictor(request: pytest.FixtureRequest, systems: ModuleType) -> Counting:
    made = systems.predictor(systems.system(recurrent=request.param), window_frames=75)
    counting = Counting(**vars(made))
    object.__setattr__(counting, "batches", [])
    return counting


@pytest.fixture
def files(tmp_path: Path, noise_file: Callable[..., Path]) -> list[Path]:
    return [noise_file(seconds, name=f"{number}.wav") for number, seconds in enumerate(SECONDS)]


def test_each_clip_has_what_it_has_alone(predictor: Counting, files: list[Path]) -> None:
    done: list[tuple[Path, float]] = []
    together = list(predict_files(predictor, files, advance=lambda path, seconds: done.append((path, seconds))))
    assert [path for path, _ in together] == files
    assert predictor.batches[:4] == [3, 1, 1, 1]  # 2 2 2, 2, 1, 2, then the long one in windows
    assert predictor.batches[-2:] == [1, 2]
    for path, events in together:
        assert isinstance(events, FileEvents)
        alone = predictor(path)
        assert events.events == alone.events
        assert events.events
        np.testing.assert_allclose(events.curves_TC, alone.curves_TC, atol=2e-6)
        same = {"curves_TC": alone.curves_TC, "confidences": alone.confidences}
        assert replace(events, **same) == alone  # type: ignore[arg-type]
        assert sum(seconds for of, seconds in done if of == path) == pytest.approx(events.duration_seconds)


def test_a_broken_file_fails_alone(predictor: Counting, files: list[Path]) -> None:
    files[1].write_bytes(b"RIFF")
    files[2].unlink()
    outcome = dict(predict_files(predictor, files[:4], advance=lambda path, seconds: None))
    assert [isinstance(outcome[path], FileEvents) for path in files[:4]] == [True, False, False, True]
    assert isinstance(outcome[files[2]], OSError)


def test_only_a_file_of_one_window_is_a_whole_clip(predictor: Counting, files: list[Path]) -> None:
    assert isinstance(predictor.whole_clip(files[8]), WholeClip)  # as long as a window
    assert predictor.whole_clip(files[6]) is None
