"""A PostgreSQL store (Debian's package, on the loopback): two launches at once, and a report from it."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..launches import TINY, command, earmark, environment

BINARIES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BINARIES is None, reason="needs PostgreSQL (Debian: apt-get install postgresql)"),
    pytest.mark.skipif(importlib.util.find_spec("psycopg") is None, reason="needs psycopg"),
]


@pytest.fixture
def uri(tmp_path: Path) -> Iterator[str]:
    """A fresh server in a folder of its own; PostgreSQL refuses to run as root, so then it is its own user's."""
    assert BINARIES is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path / "postgresql"
    folder.mkdir()
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
        for parent in (tmp_path, *tmp_path.parents[:2]):
            parent.chmod(parent.stat().st_mode | 0o055)

    def call(*arguments: str) -> None:
        subprocess.run(
            [str(BINARIES / arguments[0]), *arguments[1:]], user=user, check=True, capture_output=True, cwd="/"
        )

    call("initdb", "-D", str(folder / "data"), "-U", "earmark", "--auth=trust")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    call("pg_ctl", "-D", str(folder / "data"), "-o", options, "-l", str(folder / "log"), "-w", "start")
    call("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "earmark", "mlflow")
    yield f"postgresql://earmark:secret@127.0.0.1:{port}/mlflow"
    call("pg_ctl", "-D", str(folder / "data"), "-m", "immediate", "stop")
    shutil.rmtree(folder)


def test_two_launches_at_once_on_a_fresh_database(uri: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert earmark(home, "data", "tones", "--scale", "tiny").returncode == 0
    more = {"MLFLOW_TRACKING_URI": uri}
    launches = [
        subprocess.Popen(
            command("run", str(TINY), "--rows", "mil", "--seeds", str(seed), "--slots", "1"), text=True,
            stderr=subprocess.PIPE, env=environment(home, **more),
        )
        for seed in (0, 1)
    ]  # fmt: skip
    for launch in launches:
        _, errors = launch.communicate(timeout=600)
        assert launch.returncode == 0, errors
    plan = earmark(home, "plan", str(TINY), "--rows", "mil", "--seeds", "0,1", **more).stdout
    assert plan.count("finished") == 2
    assert "±" in earmark(home, "report", str(TINY), "--rows", "mil", "--seeds", "0,1", **more).stdout
    for path in (home / "mlruns").rglob("*"):
        assert not path.is_file() or b"secret" not in path.read_bytes(), path
