"""Shared by all tests: threads that fit two cores, and an earmark home of the test's own."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

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


@pytest.fixture
def earmark_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh folder for ``data/`` and ``mlruns/``."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("EARMARK_HOME", str(home))
    monkeypatch.delenv("EARMARK_DATA", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return home
