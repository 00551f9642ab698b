"""What the tests of pages share: a folder of recordings as a user has it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

RATE_HZ = 44_100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with ``garden/``: six recordings of 12 to 22 s in stereo, two birds in each, labels as Audacity's."""
    rng = np.random.default_rng(0)
    for number in range(6):
        seconds = 12 + 2 * number
        samples_SC = rng.normal(0, 0.01, (seconds * RATE_HZ, 2))
        lines = ""
        for label, hz in (("blackbird", 2000.0), ("great tit", 5000.0)):
            for onset in rng.uniform(0, seconds - 1, 4):
                time_S = np.arange(round(onset * RATE_HZ), round((onset + 0.8) * RATE_HZ))
                samples_SC[time_S] += 0.3 * np.sin(2 * np.pi * hz * time_S / RATE_HZ)[:, None]
                lines += f"{onset:.6f}\t{onset + 0.8:.6f}\t{label}\n"
        path = tmp_path / "garden" / f"day {number}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, samples_SC, RATE_HZ)
        path.with_suffix(".txt").write_text(lines, encoding="utf-8")
    return tmp_path
