"""Launchers of two homes that share a store: one of them has a run, whoever asks when."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path
from typing import cast

import pytest

from experiments.runs.journal import Journal
from experiments.tracking import claims, launcher_identity
from experiments.tracking.claims import CLAIM, claim
from experiments.tracking.delivery import deliver, track
from experiments.tracking.launcher_identity import HEARTBEAT, HOME, HOST, STALE_SECONDS, alive_elsewhere
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import TrackedRun

from ..fake_store import FakeStore


class Home(FakeStore):
    """A launcher's sight of a store that others share."""

    def __init__(self, root: Path, shared: FakeStore) -> None:
        super().__init__()
        self.root, self.runs = root, shared.runs
        self.run_dir = root / "runs" / "k"
        self.run_dir.mkdir(parents=True)
        tags = {"key": "k", **launcher_identity.tags(root)}
        track(self.run_dir, family="sed", name="a", tags=tags, params={}, datasets={})

    @property
    def tracker(self) -> Tracker:
        return cast(Tracker, self)

    def claim(self) -> str:
        return claim(self.run_dir, self.tracker)


@pytest.fixture
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Home, Home]:
    monkeypatch.setattr(claims, "LOOK_EVERY_SECONDS", 0.001)
    shared = FakeStore()
    return Home(tmp_path / "one", shared), Home(tmp_path / "two", shared)


def test_the_second_is_told_where_the_first_runs_and_leaves_nothing(homes: tuple[Home, Home]) -> None:
    one, two = homes
    assert one.claim() == ""
    assert two.claim().startswith("another launch is running it from another home on ")
    assert len(one.runs) == 1
    assert one.claim() == ""  # its own run, taken up again


@pytest.mark.parametrize("attempt", range(20))
def test_of_two_that_ask_at_one_moment_one_wins(homes: tuple[Home, Home], attempt: int) -> None:
    start, answers = threading.Barrier(2), {}

    def ask(home: Home) -> None:
        start.wait()
        answers[home.root.name] = home.claim()

    threads = [threading.Thread(target=ask, args=(home,)) for home in homes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(bool(answer) for answer in answers.values()) == [False, True]
    (run,) = homes[0].runs.values()
    assert run["tags"][CLAIM] == "0"


def test_the_earlier_one_waits_until_the_later_one_has_withdrawn(
    homes: tuple[Home, Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = homes
    later = two.create("sed", name="a", tags={"key": "k", **launcher_identity.tags(two.root)})
    two.tag(later, {CLAIM: str(time.time_ns() + 10**12), HEARTBEAT: f"{time.time()}"})
    threading.Timer(0.1, lambda: two.delete(later)).start()
    assert one.claim() == ""
    one.runs.clear()
    later = one.create("sed", name="a", tags={"key": "k", **launcher_identity.tags(one.root)})
    monkeypatch.setattr(claims, "PATIENCE_SECONDS", 0.05)
    one.tag(later, {CLAIM: str(time.time_ns() + 10**12), HEARTBEAT: f"{time.time()}"})
    assert two.claim().startswith("another launch is running it")  # one that asks for ever


def test_a_launcher_that_is_gone_holds_nothing_and_its_run_stays_as_it_was(homes: tuple[Home, Home]) -> None:
    one, two = homes
    assert one.claim() == ""
    (dead,) = one.runs
    one.tag(dead, {HEARTBEAT: f"{time.time() - STALE_SECONDS - 1}"})
    Journal(one.run_dir).metrics({"loss": 0.5}, step=0)
    deliver(one.run_dir, one.tracker)
    assert two.claim() == ""
    Journal(two.run_dir).metrics({"loss": 0.25}, step=0)
    deliver(two.run_dir, two.tracker)
    assert [run["points"] for run in one.runs.values()] == [[("loss", 0, 0.5)], [("loss", 0, 0.25)]]


def test_two_homes_that_trained_while_the_store_was_away_do_not_mix_their_points(homes: tuple[Home, Home]) -> None:
    for loss, home in zip((0.5, 0.25), homes, strict=True):
        Journal(home.run_dir).state("started")
        Journal(home.run_dir).metrics({"loss": loss}, step=0)
        deliver(home.run_dir, home.tracker)
    assert [run["points"] for run in homes[0].runs.values()] == [[("loss", 0, 0.5)], [("loss", 0, 0.25)]]


def test_a_run_that_finished_meanwhile_is_not_begun(homes: tuple[Home, Home]) -> None:
    one, two = homes
    one.claim()
    Journal(one.run_dir).state("finished")
    deliver(one.run_dir, one.tracker)
    assert two.claim() == "another launch has finished it meanwhile; the same command goes on"


def test_a_waiting_run_gives_signs_of_life(homes: tuple[Home, Home]) -> None:
    """As a job in a cluster's queue, which writes nothing for hours."""
    from experiments.runs.run_folder import LAUNCH_LOCK, locked

    one, _ = homes
    with locked(one.run_dir, LAUNCH_LOCK):
        deliver(one.run_dir, one.tracker)
    assert "beat" in one.calls


def test_a_home_keeps_its_id_and_a_copy_of_it_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    identity = launcher_identity.tags(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "copy")
    assert launcher_identity.tags(tmp_path / "copy")[HOME] != identity[HOME]
    (tmp_path / "one").rename(tmp_path / "moved")
    assert launcher_identity.tags(tmp_path / "moved") == identity


def test_signs_of_life_count_of_others_while_they_are_fresh() -> None:
    def run(**tags: str) -> TrackedRun:
        return TrackedRun("r", "running", {HEARTBEAT: f"{time.time()}", **tags}, {})

    me = {HOST: "here", HOME: "a"}
    assert alive_elsewhere(run(**{HOST: "here", HOME: "a"}), me) == ""
    assert alive_elsewhere(run(**{HOST: "here"}), me) == ""  # of before homes had ids
    assert alive_elsewhere(run(**{HOST: "here", HOME: "b"}), me) == "from another home on here"
    assert alive_elsewhere(run(**{HOST: "there", HOME: "c"}), me) == "on there"
    stale = str(time.time() - STALE_SECONDS)
    assert alive_elsewhere(run(**{HOST: "there", HOME: "c", HEARTBEAT: stale}), me) == ""
