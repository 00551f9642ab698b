"""A run's code beside it: patches that apply whatever a user's git is set to, and an archive of the files."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from experiments.runs import provenance, repositories
from experiments.runs.code_record import ARCHIVE, code_now, write_code

LATIN = "# h\xf6rt\n".encode("latin-1")
SETTINGS = {
    "as it comes": {},
    "colours": {"color.ui": "always"},
    "no prefixes": {"diff.noprefix": "true"},
    "other prefixes": {"diff.mnemonicPrefix": "true"},
    "a program of their own": {"diff.external": "/bin/true"},
    "quoted paths": {"core.quotepath": "true"},
    "texts instead of bytes": {"diff.bin.textconv": "cat"},
    "no context": {"diff.context": "0"},
    "new files are not shown": {"status.showUntrackedFiles": "no"},
}


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=n", "-c", "user.email=n@example.org")
    done = subprocess.run(["git", *identity, "-C", str(folder), *arguments], check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A commit of three files, all changed since, one to bytes that are no UTF-8, and two that git does not know."""
    folder = tmp_path / "mine"
    (folder / "pkg").mkdir(parents=True)
    git(folder, "init", "-q")
    (folder / ".gitattributes").write_text("*.bin diff=bin\n")
    for name in ("pkg/model.py", "pkg/table.bin", "gone.py"):
        (folder / name).write_bytes(b"one\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    (folder / "pkg/model.py").write_bytes(LATIN)
    (folder / "pkg/table.bin").write_bytes(bytes(range(256)))
    (folder / "gone.py").unlink()
    (folder / "pkg/l\xf6ss.py").write_bytes(LATIN)
    (folder / "notes.txt").write_text("not code")
    return folder


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_a_patch_brings_the_files_back(checkout: Path, tmp_path: Path, settings: dict[str, str]) -> None:
    for key, value in settings.items():
        git(checkout, "config", key, value)
    code = [checkout / "pkg/model.py", checkout / "pkg/l\xf6ss.py", tmp_path / "elsewhere.py"]
    (tmp_path / "git.diff").write_bytes(repositories.patch(checkout, code))
    git(tmp_path, "clone", "-q", str(checkout), "again")
    git(tmp_path / "again", "apply", str(tmp_path / "git.diff"))
    for name in ("pkg/model.py", "pkg/table.bin", "pkg/l\xf6ss.py"):
        assert (tmp_path / "again" / name).read_bytes() == (checkout / name).read_bytes()
    assert not (tmp_path / "again" / "gone.py").exists()
    assert not (tmp_path / "again" / "notes.txt").exists()


def test_a_hooks_repository_is_not_taken_for_it(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``earmark run`` from a hook of git, which tells all that it starts where its own repository is."""
    code, expected = [checkout / "pkg/model.py"], repositories.state(checkout)
    patch = repositories.patch(checkout, code)
    git(tmp_path, "init", "-q", "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_DIFF_OPTS", "--unified=0")
    assert repositories.state(checkout) == expected
    assert repositories.patch(checkout, code) == patch


def test_a_new_file_makes_a_checkout_dirty_whatever_status_shows(checkout: Path) -> None:
    git(checkout, "stash", "-q")
    git(checkout, "config", "status.showUntrackedFiles", "no")
    assert repositories.state(checkout)["git.dirty"] == "true"


def test_the_archive_has_the_files_and_a_users_patch(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = tmp_path / "ours"
    shutil.copytree(checkout, ours)
    monkeypatch.setattr(provenance, "SOURCE", ours)
    files = {"pkg.l\xf6ss": checkout / "pkg/l\xf6ss.py", "theirs.model": ours / "pkg/model.py"}
    states = write_code(tmp_path, code_now(files, git=provenance.git_state()))
    assert states == {"mine": {"git.sha": git(checkout, "rev-parse", "HEAD").strip(), "git.dirty": "true"}}
    assert b"h\xf6rt" in (tmp_path / "git.diff").read_bytes()
    with zipfile.ZipFile(tmp_path / ARCHIVE) as archive:
        assert set(archive.namelist()) == {"pkg/l\xf6ss.py", "theirs/model.py", "mine.diff"}
        assert archive.read("pkg/l\xf6ss.py") == LATIN
        assert b"l\\303\\266ss" in archive.read("mine.diff")
    before = (tmp_path / ARCHIVE).read_bytes()
    write_code(tmp_path, code_now(files, git=provenance.git_state()))
    assert (tmp_path / ARCHIVE).read_bytes() == before


def test_what_git_cannot_say_is_named(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "SOURCE", tmp_path / "nowhere")
    (checkout / ".git" / "index").write_bytes(b"torn")
    states = write_code(tmp_path, code_now({"pkg.model": checkout / "pkg/model.py"}, git={}))
    assert states["mine"]["git.dirty"] == "true"
    assert states["mine"]["problem"] == "git could not say what was changed in mine"
