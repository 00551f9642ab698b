"""The folder of synthetic speech that the tests of recognisers read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from datamodules import spoken_tones


@pytest.fixture(scope="session")
def whole_spoken_tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("spoken_tones")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARMARK_HOME", str(home))
        patch.delenv("EARMARK_DATA", raising=False)
        spoken_tones.prepare("tiny")
    return home / "data" / "spoken_tones" / "tiny"


@pytest.fixture
def tiny_speech(earmark_home: Path, whole_spoken_tones: Path) -> Path:
    """The folder of ``spoken_tones/tiny``, for a test to damage."""
    return Path(shutil.copytree(whole_spoken_tones, earmark_home / "data" / "spoken_tones" / "tiny"))
