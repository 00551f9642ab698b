"""What the tests of this folder share: small systems, and noise whose loudness changes."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile


@pytest.fixture(scope="session")
def systems() -> ModuleType:
    """``systems.py`` beside this file, which pytest's importlib mode gives no package to import it from."""
    spec = importlib.util.spec_from_file_location("systems", Path(__file__).with_name("systems.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def noise_file(tmp_path: Path) -> Callable[..., Path]:
    """A WAV of noise that grows louder and quieter."""

    def write(seconds: float, *, rate_hz: int = 8000, name: str = "noise.wav") -> Path:
        rng = np.random.default_rng(1)
        num_samples = round(seconds * rate_hz)
        loudness_S = np.exp(2 * np.sin(np.arange(num_samples) / rate_hz * 2.1) - 4)
        path = tmp_path / name
        soundfile.write(path, loudness_S * rng.normal(0, 1, num_samples).clip(-3, 3), rate_hz)
        return path

    return write
