"""Packs into the store of an HTTP server, as into one on this disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..launches import TINY, earmark, runs
from .test_tracking_outage import Server

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    server.start()
    yield server
    server.stop()


def test_a_pack_is_merged_into_a_server_and_packed_again_from_there(tmp_path: Path, server: Server) -> None:
    first, second, pack = tmp_path / "first", tmp_path / "second", tmp_path / "pack.tar.xz"
    assert earmark(first, "data", "tones", "--scale", "tiny").returncode == 0
    assert earmark(first, "run", str(TINY), "--rows", "mil").returncode == 0
    assert earmark(first, "results", "pack", str(TINY), "--rows", "mil", "--output", str(pack)).returncode == 0
    there = {"MLFLOW_TRACKING_URI": server.uri}
    for says in ("1 runs merged, 0 were here", "0 runs merged, 1 were here"):
        done = earmark(second, "results", "merge", str(pack), **there)
        assert done.returncode == 0, done.stderr
        assert says in done.stdout
    for folder in runs(second):  # what is packed now comes from the server
        folder.rename(tmp_path / folder.name)
    done = earmark(second, "results", "pack", str(TINY), "--as-run", "--output", str(tmp_path / "b.tar.xz"), **there)
    assert done.returncode == 0, done.stderr
    one, other = (earmark(tmp_path, "report", "--results", str(path)).stdout for path in (pack, tmp_path / "b.tar.xz"))
    assert "| mil " in one
    assert "| mil " in other
