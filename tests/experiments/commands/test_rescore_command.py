"""``--rescore`` through the real command line: an edit of scoring trains nothing, and what stands on a row stays."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from ...launches import earmark

TESTS = Path(__file__).parents[1]
SED_SCORES = """
from lightning_modules.sed.detection_scoring import DetectionScoring


class Scores(DetectionScoring):
    def score(self, *, predictions, references, output_dir):
        found = super().score(predictions=predictions, references=references, output_dir=output_dir)
        return {**found, "test/version": VERSION}


VERSION = 1.0
"""
ASR_SCORES = """
from lightning_modules.asr.scoring.constant_scoring import ConstantScoring


class Scores(ConstantScoring):
    pass
"""
MODEL = "from lightning_modules.sed.mil import MIL\n\n\nclass Mine(MIL):\n    pass\n"
pytestmark = pytest.mark.slow


class Project:
    """A user's table with scoring and model of their own, in a home."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.table = folder, folder / "t.yaml"
        self.scores, self.model = folder / "mine" / "scores.py", folder / "mine" / "model.py"
        (folder / "mine").mkdir()
        (folder / "mine" / "__init__.py").touch()

    def earmark(self, *arguments: str, code: int = 0) -> str:
        root = Path(__file__).resolve().parents[3]
        done = earmark(self.folder, *arguments, PYTHONPATH=f"{root}{os.pathsep}{self.folder}", COLUMNS="400")
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    def on(self, command: str, *arguments: str, code: int = 0) -> str:
        slots = ("--slots", "1") if command == "run" else ()
        return self.earmark(command, str(self.table), *arguments, *slots, code=code)

    def runs(self, row: str) -> list[tuple[Path, Any]]:
        """(folder, run of the store) of a row, newest first."""
        from experiments.tracking.mlflow_store import Tracker

        tracker = Tracker(self.folder)
        family = "asr" if "family: asr" in self.table.read_text() else "sed"
        found = tracker.find(family, tags={f"row.{self.table.stem}": row})
        return [(tracker.run_dir(run.tags["key"]), run) for run in found]


def _sed(folder: Path, rows: str = "mil,mil_oracle", scores: str = SED_SCORES, code: int = 0) -> Project:
    project = Project(folder)
    project.scores.write_text(scores)
    project.model.write_text(MODEL)
    text = (TESTS / "tiny.yaml").read_text().replace("lightning_modules.sed.mil.MIL", "mine.model.Mine")
    text = text.replace("lightning_modules.sed.detection_scoring.DetectionScoring", "mine.scores.Scores")
    project.table.write_text(text + "imports: [mine]\n")
    project.earmark("data", "tones", "--scale", "tiny")
    project.on("run", "--rows", rows, "--retries", "0", code=code)
    return project


def test_a_scoring_that_failed_is_mended_without_a_training(tmp_path: Path) -> None:
    project = _sed(tmp_path, "mil", SED_SCORES.replace('"test/version": VERSION', '"test/version": 1 / 0'), code=1)
    ((failed, _),) = project.runs("mil")
    lines = _journal(failed)
    assert [line["kind"] for line in lines[-2:]] == ["fitted", "state"]
    project.scores.write_text(SED_SCORES)
    assert "that run failed in its scoring" in project.on("plan", "--rows", "mil")
    project.on("run", "--rows", "mil", "--rescore")
    (scored, run), _ = project.runs("mil")
    assert run.state == "finished"
    assert run.tags["trained_as"] == run.tags["predicted_as"] == failed.name
    assert {"test/version", "model/parameters", "run/seconds"} <= run.metrics.keys()
    trained = {(line["step"], *line["values"]) for line in lines if line["kind"] == "metrics"}
    assert trained <= {(line["step"], *line["values"]) for line in _journal(scored) if line["kind"] == "metrics"}
    assert all(line["kind"] != "progress" for line in _journal(scored))


def _journal(run_dir: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run_dir / "journal.jsonl").read_text().splitlines()]


def _curves(run_dir: Path) -> list[dict[str, Any]]:
    return [line for line in _journal(run_dir) if "epoch" in line.get("values", {})]


def _same_file(name: str, *folders: Path) -> bool:
    first, second = folders
    return (first / name).samefile(second / name)


def test_an_edited_metric_scores_again_and_trains_nothing(tmp_path: Path) -> None:
    project = _sed(tmp_path)
    ((old, old_run),) = project.runs("mil")
    project.scores.write_text(SED_SCORES.replace("VERSION = 1.0", "VERSION = 2.0"))
    plan = project.on("plan", "--rows", "mil,mil_oracle")
    assert "unscored" in plan
    assert "trained, not scored so: code changed: mine.scores" in plan
    assert "1 of these are trained and only scored" in plan
    said = project.on("run", "--rows", "mil,mil_oracle", "--rescore")
    assert "left" not in said
    (new, run), (_, kept) = project.runs("mil")
    assert kept.tags == {name: value for name, value in old_run.tags.items() if name != "row.t/demo"}  # it left views
    assert run.state == "finished"
    assert (run.tags["trained_as"], run.tags["predicted_as"]) == (old.name, old.name)
    assert run.metrics["test/version"] == 2.0
    same = set(old_run.metrics) - {"test/version"}
    assert {name: run.metrics[name] for name in same} == {name: old_run.metrics[name] for name in same}
    assert "run/scoring_seconds" in run.metrics
    for name in ("checkpoints/best.ckpt", "predictions/test.npz", "predictions/validation.npz"):
        assert _same_file(name, old, new), name
    assert not (new / "checkpoints" / "last.ckpt").exists()
    assert _curves(new) == _curves(old)  # with their times: none is of a training since
    assert (new / "learning_curves.png").exists() == (old / "learning_curves.png").exists()
    _store_has_the_curves(tmp_path, run.run_id, old_run.run_id)
    assert "0 of 2 cells would run" in project.on("plan", "--rows", "mil,mil_oracle")
    project.on("report", "--rows", "mil", "--output", str(tmp_path / "r.json"))
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["rows"]["mil"]["test/tagging_f1_macro"]["seeds"]["0"]["run_id"] == run.run_id

    # Other settings of the scoring; what would have to train is left, and named.
    say = project.on("plan", "--rows", "mil", "--set", "scoring.high_threshold=0.6")
    assert "trained, not scored so: config changed: scoring.high_threshold unset -> 0.6" in say
    project.model.write_text(MODEL + "# edited\n")
    said = project.on("run", "--rows", "mil,mil_oracle", "--rescore")
    assert "left, 2 cells that need training or data: t/mil seed 0, t/mil_oracle seed 0" in said
    assert len(project.runs("mil")) == 2

    # The edit is accepted; scoring that changes after that is done on the training that was kept, and marked.
    project.on("run", "--rows", "mil", "--accept-code-change")
    project.scores.write_text(SED_SCORES.replace("VERSION = 1.0", "VERSION = 3.0"))
    assert "trained, not scored so" in project.on("plan", "--rows", "mil")
    project.on("run", "--rows", "mil")
    (_, third), *_ = project.runs("mil")
    assert third.tags["trained_as"] == old.name
    assert third.metrics["test/version"] == 3.0
    assert "made before code changes that were accepted: t/mil seed 0 (mine.model)" in project.on(
        "report", "--rows", "mil"
    )


def _store_has_the_curves(home: Path, *run_ids: str) -> None:
    from mlflow import MlflowClient

    from experiments.tracking.mlflow_store import Tracker

    client = MlflowClient(tracking_uri=Tracker(home).uri)
    new, old = (
        [(point.step, point.value, point.timestamp) for point in client.get_metric_history(run_id, "train/loss")]
        for run_id in run_ids
    )
    assert new == old != []


@pytest.mark.parametrize("lost", ["tags", "folder", "predictions"])
def test_runs_of_before_and_what_is_gone_from_this_disk(tmp_path: Path, lost: str) -> None:
    project = _sed(tmp_path, "mil")
    ((old, old_run),) = project.runs("mil")
    if lost == "tags":
        _forget_phases(tmp_path, old_run)
    else:
        shutil.rmtree(old if lost == "folder" else old / "predictions")
        if lost == "predictions":
            shutil.rmtree(next((tmp_path / "mlruns" / "artifacts").glob(f"*/{old_run.run_id}/artifacts/predictions")))
    project.scores.write_text(SED_SCORES.replace("VERSION = 1.0", "VERSION = 2.0"))
    plan = project.on("plan", "--rows", "mil")
    assert ("unpredicted" if lost == "predictions" else "unscored") in plan
    assert ("its predictions are gone" in plan) == (lost == "predictions")
    project.on("run", "--rows", "mil", "--rescore")
    (new, run), _ = project.runs("mil")
    assert run.tags["trained_as"] == old_run.tags["key"]
    assert run.tags.get("predicted_as", "") == ("" if lost == "predictions" else old_run.tags["key"])
    same = set(old_run.metrics) - {"test/version"}
    assert {name: run.metrics[name] for name in same} == {name: old_run.metrics[name] for name in same}
    assert _curves(new)
    assert not any(line["t"] > run.start_ms for line in _curves(new))


def _forget_phases(home: Path, run: Any) -> None:
    """The store's run as one of before phase keys."""
    from experiments.tracking.mlflow_store import Tracker

    tracker = Tracker(home)
    for name in [tag for tag in run.tags if tag in ("key.predict", "key.score") or tag.startswith("key.fit")]:
        tracker.untag(run.run_id, name)


def test_what_starts_from_weights_stands_when_they_are_scored_again(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.scores.write_text(ASR_SCORES)
    text = (TESTS / "tiny_transfer.yaml").read_text()
    text = text.replace("lightning_modules.asr.scoring.constant_scoring.ConstantScoring", "mine.scores.Scores")
    project.table.write_text(text.replace("tiny_transfer/", "") + "imports: [mine]\n")
    project.earmark("data", "spoken_tones", "--scale", "tiny")
    cells = ("--rows", "frozen", "--seeds", "1")
    project.on("run", *cells)
    ((_, tuned),) = project.runs("frozen")
    ((_, seed),) = project.runs("seed_model")
    project.scores.write_text(ASR_SCORES + "# drawn otherwise\n")
    assert project.on("plan", *cells).count("trained, not scored so") == 2
    project.on("run", "--rows", "seed_model", "--rescore")  # the seed alone
    plan = project.on("plan", *cells)
    assert plan.count("trained, not scored so") == 1
    assert "upstream" not in plan
    project.on("run", *cells, "--rescore")
    (_, again), _ = project.runs("frozen")
    assert again.tags["trained_as"] == tuned.tags["key"]
    (_, new_seed), _ = project.runs("seed_model")
    assert new_seed.tags["trained_as"] == seed.tags["key"]
    assert again.tags["key.upstream"] == tuned.tags["key.upstream"]
