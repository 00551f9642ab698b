"""Two hours of audio: memory grows by the curves alone, not by the audio."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

MEASURED = """
import json, resource, sys
from pathlib import Path
from experiments.applying.predicting.self_check import fixed_predictor
found = fixed_predictor()(Path(sys.argv[1]))
peak_kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"megabytes": peak_kilobytes / 1024, "seconds": found.duration_seconds, "windows": found.num_windows}))
"""


def measured(path: Path) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", MEASURED, str(path)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def write(path: Path, *, minutes: int) -> Path:
    """Stereo at 44.1 kHz, a noise a minute in digital silence."""
    noise_SC = np.random.default_rng(0).normal(0, 0.05, (44100, 2))
    minute_SC = np.concatenate([np.zeros((44100 * 59, 2)), noise_SC])
    with soundfile.SoundFile(path, "w", 44100, 2) as file:
        for _ in range(minutes):
            file.write(minute_SC)
    return path


@pytest.mark.slow
def test_two_hours_take_little_more_than_a_minute(tmp_path: Path) -> None:
    short = measured(write(tmp_path / "minute.flac", minutes=1))
    long = measured(write(tmp_path / "hours.flac", minutes=120))
    print(short, long)
    assert long["seconds"] == 7200
    assert long["windows"] > 3000
    assert long["megabytes"] < short["megabytes"] + 150  # decoded, it is 2.5 GB; at the system's rate 0.23 GB
