"""A disk that is full in the middle of training: the run fails, the plan says so, and with room it goes on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..launches import TINY, command, earmark, environment, epochs, wait_for

pytestmark = pytest.mark.slow
LONG = ("--rows", "mil", "--set", "trainer.max_epochs=40")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(place)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount a file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_fails_the_run_and_with_room_it_goes_on(small_disk: Path) -> None:
    home = small_disk
    assert earmark(home, "data", "tones", "--scale", "tiny").returncode == 0
    launcher = subprocess.Popen(
        command("run", str(TINY), *LONG, "--retries", "0"), stderr=subprocess.PIPE, text=True, env=environment(home)
    )
    wait_for(lambda: epochs(home) > 2)
    filler = home / "filler"
    with filler.open("wb") as file:
        while True:
            try:
                os.write(file.fileno(), bytes(65536))
            except OSError:
                break
    _, errors = launcher.communicate(timeout=300)
    assert launcher.returncode == 1, errors
    assert "not finished: tiny/mil seed 0" in errors
    filler.unlink()
    assert "failed" in earmark(home, "plan", str(TINY), *LONG).stdout
    again = earmark(home, "run", str(TINY), *LONG)
    assert again.returncode == 0, again.stderr
    assert "0 of 1 cells would run" in earmark(home, "plan", str(TINY), *LONG).stdout
    assert epochs(home) >= 40
