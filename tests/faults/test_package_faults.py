"""Downloads that break: nothing half-fetched is taken for whole, every message says what to do."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from datamodules.corpora import debian
from datamodules.corpus_folder import data_root

FILES = {"usr/share/a/one.txt": b"1" * 3000, "usr/share/a/two.txt": b"2"}


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


@pytest.fixture
def archive(package_archive: Any, earmark_home: Path) -> Any:
    package_archive.add("alpha", FILES)
    return package_archive


def test_a_package_is_fetched_verified_and_read(archive: Any) -> None:
    deb = debian.fetch(["alpha"])["alpha"]
    assert deb.parent == data_root() / "packages" / "alpha"
    assert dict(debian.members(deb, lambda path: path.endswith(".txt"))) == FILES
    assert dict(debian.members(deb, lambda path: path.endswith("two.txt"))) == {"usr/share/a/two.txt": b"2"}


def test_what_is_there_and_whole_is_not_fetched_again(archive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    debian.fetch(["alpha"])
    monkeypatch.setenv("PATH", "")  # no apt-get, no apt-cache: the stored copy is enough
    assert debian.fetch(["alpha"])["alpha"].is_file()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("truncate", r"package alpha: the download is damaged \(500 of \d+ bytes.*run the command again"),
        ("fail", r"package alpha: apt-get download failed \(E: Connection failed\); check the network"),
    ],
)
def test_a_broken_download_leaves_nothing(
    archive: Any, monkeypatch: pytest.MonkeyPatch, fault: str, message: str
) -> None:
    monkeypatch.setenv("FAKE_APT", fault)
    with pytest.raises(debian.PackageError, match=message) as raised:
        debian.fetch(["alpha"])
    assert "\n" not in str(raised.value)
    assert list((data_root() / "packages").iterdir()) == []
    monkeypatch.delenv("FAKE_APT")
    assert debian.fetch(["alpha"])["alpha"].is_file()  # the next try heals


def test_what_a_killed_download_left_is_swept_away(archive: Any) -> None:
    left = data_root() / "packages" / ".alpha.partial"
    left.mkdir(parents=True)
    (left / "alpha_1.0-1_all.deb").write_bytes(b"half")
    deb = debian.fetch(["alpha"])["alpha"]
    assert deb.stat().st_size > 500
    assert not left.exists()


@pytest.mark.parametrize("harm", ["truncated", "flipped", "no record", "no package"])
def test_a_stored_package_that_was_harmed_is_fetched_again(
    archive: Any, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    deb = debian.fetch(["alpha"])["alpha"]
    whole = deb.read_bytes()
    if harm == "truncated":
        deb.write_bytes(whole[:-10])
    elif harm == "flipped":
        deb.write_bytes(whole[:-10] + bytes(10))
    elif harm == "no record":
        (deb.parent / "package.json").unlink()
    else:
        deb.unlink()
    assert debian.fetch(["alpha"])["alpha"].read_bytes() == whole
    assert "package alpha" in capsys.readouterr().err


def test_a_package_that_is_damaged_though_recorded_is_told_with_what_to_do(archive: Any) -> None:
    deb = debian.fetch(["alpha"])["alpha"]
    deb.write_bytes(deb.read_bytes()[:-40])
    with pytest.raises(debian.PackageError, match=rf"damaged package .*remove {deb.parent} and run the command again"):
        list(debian.members(deb, lambda path: True))


def test_no_apt_get_is_an_error_of_its_own(earmark_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(debian.NoPackageManagerError, match=r"no apt-get .* alpha .* earmark data tones"):
        debian.fetch(["alpha"])


def test_empty_lists_are_filled_once_by_root(archive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_LISTS", "empty")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(debian.PackageError, match="not in apt's package lists; run: sudo apt-get update"):
        debian.fetch(["alpha"])
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert debian.fetch(["alpha"])["alpha"].is_file()


def test_a_package_that_the_archive_lacks_is_named(archive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(debian.PackageError, match="package omega: not in apt's package lists"):
        debian.fetch(["omega"])


@pytest.mark.integration
@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGKILL])
def test_a_download_that_is_stopped_leaves_nothing_that_looks_whole(archive: Any, signal_number: int) -> None:
    code = "from datamodules.corpora import debian; debian.fetch(['alpha'])"
    environment = os.environ | {"FAKE_APT": "hang"}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (archive.folder / "hanging").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)
    process.send_signal(signal_number)
    assert process.wait(timeout=30) != 0
    assert visible(data_root() / "packages") == []
    if signal_number == signal.SIGINT:
        assert list((data_root() / "packages").iterdir()) == []
    assert debian.fetch(["alpha"])["alpha"].is_file()
    shutil.rmtree(data_root())
