"""Shared by all tests: threads that fit two cores, and an earmark home of the test's own."""

from __future__ import annotations

import gc
import os
import shutil
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import experiments.lean_imports  # noqa: F401  before Lightning
from datamodules.corpora.sounds import tones
from datamodules.corpora.speech import spoken_tones

# A busy machine must not fail a property: no deadline an example, no complaint about slow ones.
settings.register_profile(
    "earmark", parent=settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("earmark")

# A background job of a shell is born with SIGINT ignored, and so are its children: tests that send it need the default.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with trainings first: at the end no process waits for another's."""
    with_trainings = {item.path for item in items if item.get_closest_marker("integration")}
    items.sort(key=lambda item: item.path not in with_trainings)


def pytest_collection_finish() -> None:
    """Modules stay: no collection of garbage looks through all of them again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def earmark_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh folder for ``data/`` and ``mlruns/``."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("EARMARK_HOME", str(home))
    monkeypatch.delenv("EARMARK_DATA", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return home


@pytest.fixture
def tiny_tones(earmark_home: Path) -> Path:
    """The folder of ``tones/tiny`` in that home."""
    tones.prepare("tiny")
    return earmark_home / "data" / "tones" / "tiny"


@pytest.fixture(scope="session")
def whole_spoken_tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of ``spoken_tones/tiny``, to read only."""
    home = tmp_path_factory.mktemp("spoken_tones")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARMARK_HOME", str(home))
        patch.delenv("EARMARK_DATA", raising=False)
        spoken_tones.prepare("tiny")
    return home / "data" / "spoken_tones" / "tiny"


@pytest.fixture
def tiny_speech(earmark_home: Path, whole_spoken_tones: Path) -> Path:
    """The folder of ``spoken_tones/tiny`` in the test's own home, which may damage it."""
    return Path(shutil.copytree(whole_spoken_tones, earmark_home / "data" / "spoken_tones" / "tiny"))
