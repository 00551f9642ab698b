"""``earmark predict --self-check``: two shipped clips through everything that a prediction goes through.

The system is a small CRNN with weights that are written down as a rule (numpy's PCG64 of a fixed seed, not torch's
initialisation, which versions may change): it has learnt nothing, and its curves hang on every step of the features and
of the network. The clips are of another sample rate in stereo, and longer than a window. What came out of a sound
installation stands beside them; ``python -m experiments.applying.predicting.self_check`` writes it anew, which changes
what is expected: only after a change of the system's code that is meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

from datamodules.clips.dcase_tsv import AnnotationFileError, read_events
from experiments.applying.predicting.chosen_predictor import window_plan
from experiments.applying.predicting.decision import Decision
from experiments.applying.predicting.file_events import FileEvents, FilePredictor
from experiments.applying.predicting.formats.known import FORMATS
from experiments.applying.predicting.settings import Settings
from lightning_modules.decoding.sound_events.change_points import ChangePoints
from lightning_modules.decoding.sound_events.events import PostProcessing
from lightning_modules.layers.conv import ConvBlock
from lightning_modules.layers.crnn import CNN, CRNN
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.metrics.curves.score_files import read_scores
from lightning_modules.sed.mil import MIL

SHIPPED = Path(__file__).with_name("shipped")
CLASSES = ("first", "second", "third")
SAMPLE_RATE_HZ = 8000
CURVE_TOLERANCE = 1e-3  # of a probability: libraries and processors differ by 1e-5
TIME_TOLERANCE_SECONDS = 1e-3  # a frame is 40 times as long
SEED = 129  # of 150: every constant below changes events, and no curve is within 0.004 of a threshold
GAIN = 2.5  # of the weights, so that the curves move


@dataclass(frozen=True)
class SelfCheck:
    """A line for each clip, and whether all is as expected."""

    lines: tuple[str, ...]
    is_sound: bool


def self_check(folder: Path = SHIPPED) -> SelfCheck:
    """Predict the shipped clips and compare. Raises nothing for what differs: it is what is said."""
    predictor, lines, is_sound = fixed_predictor(), [], True
    expected_curves = read_scores(folder / "scores")
    for path in sorted(folder.glob("*.flac")):
        try:
            found = predictor(path)
            wrong = _differences(found, expected_curves.by_clip[path.stem].scores_TC, path.with_suffix(".tsv"))
        except (OSError, ValueError, KeyError) as error:
            wrong = [f"{type(error).__name__}: {error}"]
        is_sound = is_sound and not wrong
        as_expected = f"{len(found.events)} events and {len(found.curves_TC)} frames as expected" if not wrong else ""
        lines.append(f"{path.name}: {'; '.join(wrong) or as_expected}")
    lines.append("this installation predicts what it should" if is_sound else "this installation is NOT sound")
    return SelfCheck(tuple(lines), is_sound)


def fixed_predictor() -> FilePredictor:
    """The small system with its fixed weights, windows of 3 s and one post-processing of each kind."""
    system = fixed_system()
    thresholds = PostProcessing(
        median_seconds=0.12, window_seconds=0.12, high_threshold=0.5, low_threshold=0.4, rescaled=True,
        longest_gap_seconds=0.2, shortest_event_seconds=0.2,
    )  # fmt: skip
    settings = {"first": thresholds, "second": ChangePoints(rescaled=True, threshold=0.5), "third": thresholds}
    plan = window_plan(system, sample_rate_hz=SAMPLE_RATE_HZ, settings=Settings(window_seconds=3.0))
    decision = Decision(classes=CLASSES, settings=settings, gate={"first": 0.0, "second": 0.0, "third": 1.0})
    return FilePredictor(system=system, sample_rate_hz=SAMPLE_RATE_HZ, plan=plan, decision=decision, batch_size=2)


def fixed_system() -> MIL:
    """16 bands -> two convolutions, half of the time -> a bidirectional GRU -> three curves."""
    blocks = [
        ConvBlock(in_channels=1, out_channels=4, time_pooling=2, band_pooling=4, dropout=0.0),
        ConvBlock(in_channels=4, out_channels=8, time_pooling=1, band_pooling=4, dropout=0.0),
    ]
    cnn = CNN(num_mels=16, blocks=blocks, normalise_bands=True)
    system = MIL(
        classes=CLASSES, sample_rate_hz=SAMPLE_RATE_HZ,
        encoder=CRNN(cnn=cnn, cell="gru", hidden_units=8, dense_units=8),
        features=LogMelSettings(hop_seconds=0.02, window_seconds=0.064, num_mels=16),
    )  # fmt: skip
    rng = np.random.default_rng(SEED)
    with torch.no_grad():
        for _, parameter in sorted(system.named_parameters()):
            fan_in = parameter[0].numel() if parameter.dim() > 1 else 1
            drawn = rng.normal(0.0, GAIN / np.sqrt(fan_in), tuple(parameter.shape))
            parameter.copy_(torch.from_numpy(drawn if parameter.dim() > 1 else 0.1 * drawn))
    return system.eval()


def _differences(found: FileEvents, expected_TC: NDArray[np.floating], events_file: Path) -> list[str]:
    """What is not as it should be, in words; nothing where all is."""
    if found.curves_TC.shape != expected_TC.shape:
        return [f"{len(found.curves_TC)} frames instead of {len(expected_TC)}"]
    wrong = []
    apart = float(np.abs(found.curves_TC - expected_TC).max())
    if not apart <= CURVE_TOLERANCE:
        wrong.append(f"curves differ by {apart:.2g}, allowed: {CURVE_TOLERANCE:g}")
    try:
        expected = read_events(events_file)[found.audio.stem]
    except AnnotationFileError as error:
        return [*wrong, str(error)]
    same = [event.label for event in found.events] == [event.label for event in expected] and all(
        abs(ours - theirs) <= TIME_TOLERANCE_SECONDS
        for event, of in zip(found.events, expected, strict=True)
        for ours, theirs in zip(event[:2], of[:2], strict=True)
    )
    if not same:
        wrong.append(f"{len(found.events)} events instead of the {len(expected)} of {events_file.name}")
    return wrong


def write_shipped(folder: Path) -> None:
    """The clips, and what comes of them here."""
    (folder / "scores").mkdir(parents=True, exist_ok=True)
    stereo_S2 = np.stack([_tones(11025, 2.5, [(500.0, 0.4, 1.0)]), _tones(11025, 2.5, [(2500.0, 1.3, 2.1)])], axis=1)
    soundfile.write(folder / "stereo.flac", stereo_S2, 11025, subtype="PCM_16")
    long_S = _tones(SAMPLE_RATE_HZ, 7.3, [(400.0, 0.5, 1.2), (1500.0, 2.0, 3.1), (3000.0, 3.4, 3.8),
                                          (400.0, 4.9, 5.3), (1500.0, 5.1, 6.6)])  # fmt: skip
    soundfile.write(folder / "long.flac", long_S, SAMPLE_RATE_HZ, subtype="PCM_16")
    predictor = fixed_predictor()
    for path in sorted(folder.glob("*.flac")):
        found = predictor(path)
        for name in ("dcase", "scores"):
            FORMATS[name].beside(path.with_suffix("")).write_text(FORMATS[name].text(found, path.name), "utf-8")


def _tones(rate_hz: int, seconds: float, tones: Sequence[tuple[float, float, float]]) -> NDArray[np.float64]:
    """Silence with tones of (Hz, onset, offset), quiet so that FLAC makes a few kB of them."""
    time_S = np.arange(round(seconds * rate_hz)) / rate_hz
    sound_S = np.zeros(len(time_S))
    for hz, onset, offset in tones:
        sound_S += 0.01 * np.sin(2 * np.pi * hz * time_S) * ((time_S >= onset) & (time_S < offset))
    return sound_S


if __name__ == "__main__":
    write_shipped(SHIPPED)
