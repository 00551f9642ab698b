"""A table that is trained in one home and packed, once for all files here, and another home."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.cli import main

from ....launches import TINY, earmark
from .packs import Report


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "tiny.yaml"
    text = TINY.read_text().replace("seeds: [0]", "seeds: [0, 1]\nbaseline: mil")
    path.write_text("".join(line for line in text.splitlines(keepends=True) if "broken" not in line))
    return path


@pytest.fixture(scope="session")
def home(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rows at two seeds, trained."""
    folder = tmp_path_factory.mktemp("first") / "home"
    assert earmark(folder, "data", "tones", "--scale", "tiny").returncode == 0
    done = earmark(folder, "run", str(table))
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def pack(home: Path, table: Path) -> Path:
    path = home.parent / "tiny.tar.xz"
    done = earmark(home, "results", "pack", str(table), "--output", str(path))
    assert done.returncode == 0, done.stderr
    assert "4 of 4 cells of tiny at scale demo, 4 runs" in done.stdout
    return path


@pytest.fixture
def other(earmark_home: Path) -> Path:
    """Another home, without runs and without corpora, for commands in this process."""
    return earmark_home


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Report:
    """What a command prints on standard output, and that it ends well."""

    def run(*arguments: object) -> str:
        assert main([str(argument) for argument in arguments]) == 0
        return capsys.readouterr().out

    return run
