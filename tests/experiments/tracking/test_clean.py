"""Disk: artifacts are links where they can be, and ``earmark clean`` frees what nobody needs, and nothing else."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.cli import main
from experiments.commands.clean import readable
from experiments.runs.journal import Journal
from experiments.runs.run_folder import BEST, CONFIG, FEATURES, LAST, LOCK, artifacts, locked
from experiments.tracking import artifact_files, delivery
from experiments.tracking.artifact_files import artifact_folder, link
from experiments.tracking.clean import ALIVE, CHECKPOINT, HEARD, LACKED, LOST, STOOD_ON, UNDELIVERED, UNFINISHED, find
from experiments.tracking.mlflow_store import Tracker


def test_a_link_is_the_same_file_in_the_place_of_what_was_there(tmp_path: Path) -> None:
    path, target = tmp_path / "a", tmp_path / "there" / "b"
    path.write_text("new")
    target.parent.mkdir()
    target.write_text("old")
    assert link(path, target)
    assert link(path, target)  # again: rename() of one file onto itself does nothing
    assert target.samefile(path)
    assert [item.name for item in target.parent.iterdir()] == ["b"]


def test_a_symbolic_link_and_another_file_system_are_not_linked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "pointer").symlink_to("a")
    assert not link(tmp_path / "pointer", tmp_path / "there" / "b")

    def other(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(artifact_files.os, "link", other)
    assert not link(tmp_path / "a", tmp_path / "there" / "b")
    assert not (tmp_path / "there" / "b").exists()


@pytest.mark.parametrize("uri", ["mlflow-artifacts:/1/r/artifacts", "s3://b/r", "file://server/x", "", "./mlruns/1"])
def test_what_is_no_path_of_this_machine_is_none(uri: str, tmp_path: Path) -> None:
    assert artifact_folder(uri, moved_to=tmp_path) is None


def test_artifacts_of_a_moved_home_are_found_in_it(tmp_path: Path) -> None:
    old, new = (tmp_path / name / "mlruns" / "artifacts" / "sed" / "r" / "artifacts" for name in ("old%20?", "new"))
    moved_to = new.parents[2]
    assert artifact_folder(old.as_uri(), moved_to=moved_to) == old
    assert artifact_folder(str(old), moved_to=moved_to) == old
    new.mkdir(parents=True)
    assert artifact_folder(old.as_uri(), moved_to=moved_to) == new
    old.mkdir(parents=True)
    assert artifact_folder(old.as_uri(), moved_to=moved_to) == old


@pytest.fixture
def tracker(earmark_home: Path) -> Tracker:
    return Tracker(earmark_home)


def _folder(tracker: Tracker, name: str, *, state: str) -> Path:
    """A run folder as training leaves it."""
    run_dir = tracker.run_dir(name)
    for file in (BEST, LAST, "predictions/test.npz", "log.txt"):
        (run_dir / file).parent.mkdir(parents=True, exist_ok=True)
        (run_dir / file).write_text(f"{file} of {name} " * 100)
    Journal(run_dir).metrics({"epoch": 0.0, "loss": 1.0}, step=1)
    Journal(run_dir).state("started")
    if state:
        Journal(run_dir).state(state)
    delivery.track(run_dir, family="sed", name=name, tags={"key": name, "seed": "0"}, params={}, datasets={})
    return run_dir


def _artifact(tracker: Tracker, run_dir: Path, name: str) -> Path:
    stored = tracker.stored_at("sed", delivery.delivered_run(run_dir, tracker))
    assert stored is not None
    return stored / name


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in (".db", ".lock"):
            yield str(path.relative_to(folder)), path.stat().st_ino


def test_artifacts_of_a_finished_run_are_links_that_mlflow_lists_and_gives(tracker: Tracker, tmp_path: Path) -> None:
    run_dir = _folder(tracker, "k1", state="finished")
    assert delivery.deliver(run_dir, tracker)
    (run,) = tracker.find("sed", tags={"key": "k1"})
    for path in artifacts(run_dir):
        assert _artifact(tracker, run_dir, str(path.relative_to(run_dir))).samefile(path)
    assert not (run_dir / LAST).exists()
    listed = {item.path: item.file_size for item in tracker._client.list_artifacts(run.run_id, "checkpoints")}
    assert listed == {BEST: (run_dir / BEST).stat().st_size}
    tracker.download(run.run_id, BEST, tmp_path / "fetched")
    assert (tmp_path / "fetched" / BEST).read_bytes() == (run_dir / BEST).read_bytes()
    tracker._client.delete_run(run.run_id)  # and what is delivered anew is linked anew
    assert delivery.deliver(run_dir, tracker)
    assert (run_dir / BEST).stat().st_nlink == 3


def test_where_nothing_can_be_linked_artifacts_are_copied(tracker: Tracker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.tracking.mlflow_store.link", lambda *_: False)
    run_dir = _folder(tracker, "k1", state="finished")
    assert delivery.deliver(run_dir, tracker)
    copy = _artifact(tracker, run_dir, BEST)
    assert not copy.samefile(run_dir / BEST)
    assert copy.read_bytes() == (run_dir / BEST).read_bytes()


def _old_folder(tracker: Tracker, name: str, monkeypatch: pytest.MonkeyPatch, *, state: str = "finished") -> Path:
    """Delivered as versions before this one did it: copied, and with the checkpoint of a resume."""
    with monkeypatch.context() as patch:
        patch.setattr("experiments.tracking.mlflow_store.link", lambda *_: False)
        run_dir = _folder(tracker, name, state=state)
        delivery.deliver(run_dir, tracker)
    (run_dir / LAST).write_text("last")
    return run_dir


def test_clean_says_what_it_would_free_and_frees_it_with_yes(
    tracker: Tracker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = _old_folder(tracker, "k1", monkeypatch)
    resumable, alive = (_old_folder(tracker, name, monkeypatch, state="stopped") for name in ("k2", "k3"))
    undelivered = _folder(tracker, "k4", state="finished")
    known = artifacts(old)[0].relative_to(old)
    lacked = delivery.delivered_run(resumable, tracker)
    for file, run_id in ((known, "0" * 32), (known, delivery.delivered_run(old, tracker)), ("lacked.tsv", lacked)):
        fetched = tracker.root / "fetched" / run_id / file
        fetched.parent.mkdir(parents=True)
        fetched.write_text("0123456789")
    before = dict(_files(tracker.root))
    with locked(alive, LOCK):
        assert main(["clean"]) == 0
        out = capsys.readouterr().out
        assert dict(_files(tracker.root)) == before | {k: v for k, v in _files(tracker.root) if k.endswith(LOCK)}
        assert main(["clean", "--yes"]) == 0
    done = capsys.readouterr().out
    copied = sum(path.stat().st_size for path in artifacts(old))
    assert f"{readable(copied + 4 + 10)}  would be freed" in out
    assert f"{readable(copied + 4 + 10)}  freed" in done
    for text in (out, done):
        for reason in (ALIVE, UNFINISHED, UNDELIVERED):
            assert f"kept as they are, runs {reason}: 1\n" in text
        assert f"kept as they are, runs {LOST}: 2\n" in text
    assert not (old / LAST).exists()
    assert all(_artifact(tracker, old, str(path.relative_to(old))).samefile(path) for path in artifacts(old))
    assert all((run_dir / LAST).exists() for run_dir in (resumable, alive, undelivered))
    assert {path.name for path in (tracker.root / "fetched").glob("*")} == {"0" * 32, lacked}
    assert main(["clean", "--yes"]) == 0
    assert "0 B  freed" in capsys.readouterr().out


def test_features_of_clips_are_named_with_their_size_and_freed(
    tracker: Tracker, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tracker.root / FEATURES / "a0" / "a0b1.npy"
    file.parent.mkdir(parents=True)
    file.write_bytes(bytes(1500))
    assert main(["clean"]) == 0
    assert f"1.5 kB  {HEARD}: 1\n" in capsys.readouterr().out
    assert file.is_file()
    assert main(["clean", "--yes"]) == 0
    assert "1.5 kB  freed" in capsys.readouterr().out
    assert not (tracker.root / FEATURES).exists()


def test_a_copy_whose_bytes_differ_is_kept(
    tracker: Tracker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = _old_folder(tracker, "k1", monkeypatch)
    copy = _artifact(tracker, run_dir, BEST)
    damaged = copy.read_bytes()[::-1]
    copy.write_bytes(damaged)
    assert main(["clean", "--yes"]) == 0
    assert f"kept: {copy} is no copy" in capsys.readouterr().err
    assert copy.read_bytes() == damaged


def test_nothing_is_freed_while_the_store_is_away(
    tracker: Tracker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = _old_folder(tracker, "k1", monkeypatch)

    def away(_: Tracker) -> set[str]:
        raise OSError("connection refused")

    monkeypatch.setattr(Tracker, "run_ids", away)
    assert main(["clean", "--yes"]) == 1
    assert "nothing freed" in capsys.readouterr().err
    assert (run_dir / LAST).exists()


def test_a_run_deleted_from_the_store_keeps_its_folder_whole(
    tracker: Tracker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = _old_folder(tracker, "k1", monkeypatch)
    tracker._client.delete_run(delivery.delivered_run(run_dir, tracker))
    assert main(["clean", "--yes"]) == 0
    assert f"{UNDELIVERED}: 1" in capsys.readouterr().out
    assert (run_dir / LAST).exists()


def test_whole_folders_go_by_their_users_word_where_the_store_has_every_file(
    tracker: Tracker, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, lacking, seed, waiting = (_folder(tracker, name, state="finished") for name in ("k1", "k2", "k3", "k4"))
    for run_dir in (whole, lacking, seed):
        assert delivery.deliver(run_dir, tracker)
    _artifact(tracker, lacking, BEST).unlink()
    (waiting / CONFIG).write_text("from: {seed: ../k3}\n")
    assert main(["clean", "--yes"]) == 0
    assert whole.exists()
    assert main(["clean", "--folders"]) == 0
    assert whole.exists()
    capsys.readouterr()
    assert main(["clean", "--folders", "--yes"]) == 0
    out = capsys.readouterr().out
    assert all(f"{reason}: 1\n" in out for reason in (LACKED, STOOD_ON, UNDELIVERED))
    assert not whole.exists()
    assert all((run_dir / BEST).exists() for run_dir in (lacking, seed, waiting))
    (run,) = tracker.find("sed", tags={"key": "k1"})
    tracker.download(run.run_id, BEST, whole)  # as a row does that stands on it
    assert (whole / BEST).read_text().startswith(f"{BEST} of k1")


def test_a_checkpoint_with_another_name_frees_nothing(tracker: Tracker, monkeypatch: pytest.MonkeyPatch) -> None:
    run_dir = _old_folder(tracker, "k1", monkeypatch)
    os.link(run_dir / LAST, tracker.root / "kept by its user")
    (checkpoint,) = [item for item in find(tracker).items if item.kind == CHECKPOINT]
    assert checkpoint.num_bytes == 0
