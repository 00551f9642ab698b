"""Which channel of a recording is read, and what is said of its channels and rate: a reader that says what it hears."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from experiments.applying.transcribing.nemo_manifest import Line
from experiments.applying.transcribing.parts import Part
from experiments.applying.transcribing.recordings import Transcriber
from experiments.applying.transcribing.remarks import by_remark
from experiments.applying.transcribing.settings import Settings
from experiments.applying.transcribing.transcript import ReadPart, Times
from experiments.commands.using.transcribe import _of_line

RATE_HZ = 8000
LEVELS = (0.25, -0.5)  # of the two channels


@dataclass
class _Levels:
    """Its text is the mean of the samples."""

    times: Times = "parts"
    sample_rate_hz: int = RATE_HZ
    unaligned: int = 0
    system: Any = None

    def read(self, part: Part) -> ReadPart:
        return ReadPart(0.0, 1.0, f"{part.waveform_S.mean():.2f}")

    def close(self) -> None:
        pass


@pytest.fixture
def two(tmp_path: Path) -> Path:
    path = tmp_path / "two.wav"
    soundfile.write(path, np.tile(LEVELS, (RATE_HZ, 1)), RATE_HZ)
    return path


@pytest.mark.parametrize("duration", [None, 0.5])
@pytest.mark.parametrize(("channel", "text"), [(None, "-0.12"), (0, "0.25"), (1, "-0.50")])
def test_a_line_of_a_channel_is_read_from_that_channel(
    two: Path, duration: float | None, channel: int | None, text: str
) -> None:
    line = Line("m.jsonl, line 1", {}, two, 0.0, duration, channel)
    transcript = _of_line(line, Transcriber(_Levels(), Settings(cut="none")))
    assert transcript.text == text
    assert transcript.remarks == (("the mean of 2 channels",) if channel is None else ())


@pytest.mark.parametrize("duration", [None, 0.5])
def test_what_a_line_can_not_have_names_its_file(two: Path, duration: float | None) -> None:
    transcriber = Transcriber(_Levels(), Settings(cut="none"))
    line = Line("m.jsonl, line 1", {}, two, 0.0, duration, 2)
    with pytest.raises(ValueError, match=rf"^{two}: no channel 2, the file has 2 \(counted from 0\)$"):
        _of_line(line, transcriber)
    gone = Line("m.jsonl, line 2", {}, two.with_name("gone.wav"), 0.0, duration, None)
    with pytest.raises(ValueError, match=rf"^{gone.audio}: No such file or directory$"):
        _of_line(gone, transcriber)


@pytest.mark.parametrize(("heard_hz", "remarks"), [
    (8000, ()), (4000, ()), (16000, ("8000 Hz: nothing above 4000 Hz, where the recogniser of 16000 Hz listens too",)),
])  # fmt: skip
def test_a_recording_that_lacks_the_upper_band_is_said_to(two: Path, heard_hz: int, remarks: tuple[str, ...]) -> None:
    transcriber = Transcriber(_Levels(sample_rate_hz=heard_hz), Settings(cut="none"))
    assert transcriber.file(two, name="two", channel=0).remarks == remarks
    assert transcriber.stretch(two, name="two", start=0.0, duration=0.5, channel=0).remarks == remarks


def test_a_list_of_thousands_has_a_line_a_remark() -> None:
    named = [(f"line {number}", ["8000 Hz"] if number else ["no speech was found", "8000 Hz"]) for number in range(5)]
    assert list(by_remark(named)) == [
        "line 0: no speech was found", "line 0, line 1, line 2, … (5 in all): 8000 Hz",
    ]  # fmt: skip
