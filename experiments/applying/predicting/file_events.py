"""One audio file -> its curves and events, window by window, by a system with its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.annotations import Event, FrameGrid
from experiments.applying.predicting.decision import Decision
from experiments.applying.predicting.joining import WindowCurves, join
from experiments.applying.predicting.mono_stream import MonoStream, mono_stream
from experiments.applying.predicting.windows import Window, WindowPlan, cut_windows
from experiments.errors import UserError
from lightning_modules.sed.detector import SoundEventDetector

NO_SAMPLES = "no samples at the system's sample rate"


@dataclass(frozen=True, kw_only=True)
class FileEvents:
    """What a system says of a file. ``curves_TC`` are its joined probabilities as they come, before any threshold.

    ``confidences`` are the events' mean probabilities, one each; ``num_file_samples`` are at the file's own rate.
    """

    audio: Path
    sample_rate_hz: int
    num_channels: int
    num_file_samples: int
    num_windows: int
    classes: tuple[str, ...]
    hop_seconds: float
    curves_TC: NDArray[np.float32]
    events: tuple[Event, ...]
    confidences: tuple[float, ...]

    @property
    def duration_seconds(self) -> float:
        """Length of the file."""
        return self.num_file_samples / self.sample_rate_hz


class HeardFile(NamedTuple):
    """What is known of a file that was read to its end; ``end_seconds`` is where its samples end."""

    audio: Path
    sample_rate_hz: int
    num_channels: int
    num_file_samples: int
    end_seconds: float


class WholeClip(NamedTuple):
    """A file that is one window."""

    file: HeardFile
    window: Window

    @property
    def length(self) -> int:
        """In samples at the system's rate."""
        return len(self.window.samples_S)


@dataclass(frozen=True, kw_only=True)
class FilePredictor:
    """A system on its device with its windows, ``batch_size`` of them at a time, and its decision."""

    system: SoundEventDetector
    sample_rate_hz: int
    plan: WindowPlan
    decision: Decision
    batch_size: int = 8

    @property
    def grid(self) -> FrameGrid:
        """The frames of the curves."""
        return FrameGrid(hop_seconds=self.system.hop_seconds)

    def __call__(self, audio: Path, *, advance: Callable[[float], None] = lambda seconds: None) -> FileEvents:
        """Events of a file; ``advance`` is told of the seconds that are done.

        Raises ``ValueError`` with the reason alone for audio that cannot be read, ``OSError``.
        """
        with mono_stream(audio, sample_rate_hz=self.sample_rate_hz) as stream:
            windows = list(self._detected(cut_windows(stream.blocks(), self.plan), advance))
            if not windows:
                raise ValueError(NO_SAMPLES)
            file = _heard_file(audio, stream)
        return self.events_of(file, windows)

    def whole_clip(self, audio: Path) -> WholeClip | None:
        """The file's only window; None where it has more. Raises as a call does."""
        with mono_stream(audio, sample_rate_hz=self.sample_rate_hz) as stream:
            first_two = list(islice(cut_windows(stream.blocks(), self.plan), 2))
            if not first_two:
                raise ValueError(NO_SAMPLES)
            return WholeClip(_heard_file(audio, stream), first_two[0]) if len(first_two) == 1 else None

    def events_of(self, file: HeardFile, windows: list[WindowCurves]) -> FileEvents:
        """The decision on a file's windows."""
        grid, overlap = self.grid, self.plan.overlap_frames
        events = self.decision.events(windows, overlap_frames=overlap, grid=grid, end_seconds=file.end_seconds)
        curves_TC = join(windows, overlap_frames=overlap)
        return FileEvents(
            audio=file.audio,
            sample_rate_hz=file.sample_rate_hz,
            num_channels=file.num_channels,
            num_file_samples=file.num_file_samples,
            num_windows=len(windows),
            classes=self.decision.classes,
            hop_seconds=grid.hop_seconds,
            curves_TC=curves_TC,
            events=events,
            confidences=tuple(_mean(curves_TC, event, self.decision.classes, grid) for event in events),
        )

    def _detected(self, windows: Iterable[Window], advance: Callable[[float], None]) -> Iterator[WindowCurves]:
        done_seconds, left = 0.0, iter(windows)
        while some := tuple(islice(left, self.batch_size)):
            yield from self.detect(some)
            end = some[-1].first_frame * self.plan.frame_samples + len(some[-1].samples_S)
            advance(end / self.sample_rate_hz - done_seconds)
            done_seconds = end / self.sample_rate_hz

    @torch.inference_mode()
    def detect(self, windows: tuple[Window, ...]) -> list[WindowCurves]:
        """Curves of a batch. Raises ``UserError`` for a system that has none and for what is no number."""
        num_samples_B = torch.tensor([len(window.samples_S) for window in windows])
        waveforms_BS = torch.zeros(len(windows), int(num_samples_B.max()))
        for row, window in enumerate(windows):
            waveforms_BS[row, : len(window.samples_S)] = torch.from_numpy(window.samples_S.copy())
        device = self.system.device
        detection = self.system(waveforms_BS.to(device), num_samples_B.to(device))
        if detection.frame_probabilities_BTC is None:
            raise UserError(
                f"{type(self.system).__name__} says which classes a clip has and not when: it has no events; choose a "
                "system with frame curves"
            )
        curves_BTC = detection.frame_probabilities_BTC.float().cpu().numpy()
        tags_BC = detection.clip_probabilities_BC.float().cpu().numpy()
        num_frames_B = detection.mask_BT.sum(1).tolist()
        if not (np.isfinite(curves_BTC).all() and np.isfinite(tags_BC).all()):
            raise UserError("the system's probabilities are no finite numbers: its training diverged")
        return [
            WindowCurves(window.first_frame, curves_BTC[row, : num_frames_B[row]], tags_BC[row])
            for row, window in enumerate(windows)
        ]


def _heard_file(audio: Path, stream: MonoStream) -> HeardFile:
    sound = stream.sound
    return HeardFile(audio, sound.sample_rate_hz, sound.num_channels, stream.num_file_samples, stream.duration_seconds)


def _mean(curves_TC: NDArray[np.float32], event: Event, classes: tuple[str, ...], grid: FrameGrid) -> float:
    first, last = grid.nearest_edge(event.onset_seconds), grid.num_frames(event.offset_seconds)
    return float(curves_TC[first : max(last, first + 1), classes.index(event.label)].mean())
