"""The real command line in its own processes, on real one-epoch trainings of the tiny tones corpus."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ... import warm_commands
from ...launches import TINY, earmark, environment

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the tiny corpus and one launch of the tiny table."""
    home = tmp_path_factory.mktemp("home")
    assert earmark(home, "data", "tones", "--scale", "tiny").returncode == 0
    return home


@pytest.fixture(scope="module")
def launched(home: Path) -> subprocess.CompletedProcess[str]:
    return earmark(home, "run", str(TINY), "--slots", "2")


def test_a_failed_row_leaves_the_others_running_and_is_named(launched: subprocess.CompletedProcess[str]) -> None:
    assert launched.returncode == 1
    assert "tiny/mil_oracle seed 0: finished" in launched.stderr
    assert "not finished: tiny/broken seed 0" in launched.stderr
    assert "validation/nothing" in launched.stderr
    assert "not finished: tiny/on_broken seed 0: stands on tiny/broken seed 0" in launched.stderr


def test_plan_and_report_know_what_is_there(home: Path, launched: subprocess.CompletedProcess[str]) -> None:
    plan = earmark(home, "plan", str(TINY)).stdout
    states = {line.split("│")[1].strip(): line.split("│")[2].strip() for line in plan.splitlines() if "seed 0" in line}
    assert states["tiny/mil seed 0"] == "finished"
    assert states["tiny/mil_oracle seed 0"] == "finished"
    assert states["tiny/broken seed 0"] == "failed"
    assert states["tiny/on_broken seed 0"] == "missing"
    report = earmark(home, "report", str(TINY))
    assert report.returncode == 0
    assert "SYNTHETIC TONES" in report.stdout
    assert "2 cells without a finished run" in report.stdout


def test_plan_and_report_as_json_say_what_they_print(home: Path, launched: subprocess.CompletedProcess[str]) -> None:
    plan = json.loads(earmark(home, "plan", str(TINY), "--json").stdout)
    cells = {cell["cell"]: cell for cell in plan["cells"]}
    assert {name: cell["state"] for name, cell in cells.items()} == {
        "tiny/mil seed 0": "finished",
        "tiny/mil_oracle seed 0": "finished",
        "tiny/broken seed 0": "failed",
        "tiny/on_broken seed 0": "missing",
    }
    assert cells["tiny/mil_oracle seed 0"]["from"] == {"own": "tiny/mil seed 0"}
    assert (home / "mlruns" / "runs" / cells["tiny/mil seed 0"]["key"] / "key.json").is_file()
    assert plan["would_run"] == sum(cell["would_run"] for cell in plan["cells"]) == 2
    report = json.loads(earmark(home, "report", str(TINY), "--json").stdout)
    seeds = report["rows"]["mil"]["test/tagging_f1_macro"]["seeds"]
    assert seeds["0"]["run_id"] == cells["tiny/mil seed 0"]["run_id"]


def test_finished_runs_are_not_run_again(home: Path, launched: subprocess.CompletedProcess[str]) -> None:
    before = sorted((home / "mlruns" / "runs").iterdir())
    since = time.time()
    again = earmark(home, "run", str(TINY), "--rows", "mil,mil_oracle")
    assert again.returncode == 0
    assert "2 of 2 cells are finished" in again.stderr
    assert sorted((home / "mlruns" / "runs").iterdir()) == before
    assert not [path for path in (home / "mlruns" / "runs").rglob("*") if path.stat().st_mtime > since]


def test_mlflow_has_metrics_params_artifacts_and_the_key(
    home: Path, launched: subprocess.CompletedProcess[str]
) -> None:
    from experiments.tracking.mlflow_store import Tracker
    from experiments.tracking.tracked_run import STATE

    tracker = Tracker(home)
    (run,) = tracker.find("sed", tags={"row.tiny": "mil"})
    folder = tracker.run_dir(run.tags["key"])
    scores = json.loads((folder / "metrics.json").read_text())
    finite = {name: value for name, value in scores.items() if value == value}
    assert {name: run.metrics[name] for name in finite} == finite
    assert run.tags[STATE] == "finished"
    assert {"seed", "scale", "corpus", "key.config", "key.code", "key.data"} <= set(run.tags)
    artifacts = {path.relative_to(folder) for path in folder.rglob("*")}
    for name in ("config.yaml", "predictions/test.npz", "scores/per_class.csv", "pictures/learning_curves.png"):
        assert Path(name) in artifacts
        tracker.download(run.run_id, name, home / "fetched")
        assert (home / "fetched" / name).read_bytes() == (folder / name).read_bytes()


def test_a_changed_row_is_stale_and_says_why(home: Path, launched: subprocess.CompletedProcess[str]) -> None:
    changed = home / "tiny.yaml"
    changed.write_text(TINY.read_text().replace("lr: 0.001", "lr: 0.002"))
    plan = earmark(home, "plan", str(changed), "--rows", "mil").stdout
    assert "stale" in plan
    assert "model.optimizer.lr 0.001 -> 0.002" in plan


def test_two_rows_of_one_configuration_are_one_run(home: Path, launched: subprocess.CompletedProcess[str]) -> None:
    """``mil`` and its twin differ in nothing: the second counts as finished with the first."""
    twin = home / "twin.yaml"
    twin.write_text(
        TINY.read_text().replace("lr: 0.001", "lr: 0.003").replace("rows:\n", "rows:\n  twin: {why: same}\n")
    )
    done = earmark(home, "run", str(twin), "--rows", "twin,mil", "--slots", "2")
    assert done.returncode == 0, done.stderr
    assert "twin/twin seed 0: finished" in done.stderr
    assert "twin/mil seed 0: finished" in done.stderr


def test_code_that_changed_since_the_plan_is_refused(home: Path, launched: subprocess.CompletedProcess[str]) -> None:
    (folder,) = [path.parents[1] for path in (home / "mlruns" / "runs").glob("*/checkpoints/best.ckpt")
                 if "0.001" in (path.parents[1] / "config.yaml").read_text()][:1]  # fmt: skip
    copy = home / "edited"
    shutil.copytree(folder, copy)
    planned = json.loads((copy / "key.json").read_text())
    planned["code"]["lightning_modules.losses.mil"] = "another digest"
    (copy / "key.json").write_text(json.dumps(planned))
    done = warm_commands.train(copy, environment=environment(home))
    assert done.returncode == 1
    assert "code changed since this run was planned (lightning_modules.losses.mil)" in done.stderr


def test_two_processes_score_as_one(home: Path, tmp_path: Path) -> None:
    config = tmp_path / "ddp.yaml"
    text = TINY.read_text()
    base = text[text.index("base:\n") + 6 : text.index("rows:")]
    sections = "".join(line[2:] for line in base.splitlines(keepends=True))
    sections = sections.replace("lr: 0.001", "lr: 0.005")  # the machine is no part of a key: else it were finished
    config.write_text(sections + "family: sed\nmachine: {devices: 2, accelerator: cpu}\n")
    done = earmark(home, "fit", str(config))
    assert done.returncode == 0, done.stderr
    folder = Path(done.stdout.splitlines()[-1].removeprefix("run folder: "))
    assert "GLOBAL_RANK: 1, MEMBER: 2/2" in (folder / "log.txt").read_text()
    single = tmp_path / "single"
    shutil.copytree(folder, single)
    (single / "metrics.json").unlink()
    shutil.rmtree(single / "predictions")
    record = (single / "config.yaml").read_text()
    assert "devices: 2" in record
    (single / "config.yaml").write_text(record.replace("devices: 2", "devices: 1"))
    # Its last checkpoint says that all epochs are done, so one process only predicts and scores.
    alone = warm_commands.train(single, environment=environment(home))
    assert alone.returncode == 0, alone.stderr
    two, one = (json.loads((path / "metrics.json").read_text()) for path in (folder, single))
    assert two.keys() == one.keys()
    for name, value in one.items():
        assert two[name] == pytest.approx(value, abs=1e-6, nan_ok=True), name
    (stored,) = _stored_runs(home, key=folder.name)  # of two processes one wrote
    assert stored.info.status == "FINISHED"
    for name, value in two.items():
        assert stored.data.metrics[name] == pytest.approx(value, nan_ok=True), name


def _stored_runs(home: Path, *, key: str) -> list[Any]:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{home / 'mlruns' / 'mlflow.db'}")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return list(client.search_runs(experiments, filter_string=f"tags.key = '{key}'"))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("lr: 0.001", "lrr: 0.001", ["base", "model.optimizer", "'lrr'", "weight_decay", "in every row that trains"]),
        ("batch_size: 4", "batch_size: four", ["base", "data.batch_size", "'four'", "int", "in every row that trains"]),
        ("batch_size: 4", "batch_size: 0", ["rows.mil", "batch_size", "0", "1 or more"]),
        ("{own: mil}", "{own: mill}", ["rows.mil_oracle.from.own", "'mill'", "mil_oracle"]),
    ],
)
def test_a_mistake_in_the_file_is_one_line(home: Path, tmp_path: Path, old: str, new: str, says: list[str]) -> None:
    path = tmp_path / "wrong.yaml"
    text = TINY.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    _refused(earmark(home, "run", str(path)), ["wrong.yaml", *says])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--rows", "mill"], ["unknown row 'mill'", "mil_oracle"]),
        (["--scale", "huge"], ["unknown scale 'huge'", "demo"]),
        (["--seeds", "one"], ["--seeds", "'one'"]),
        (["--slots", "0"], ["--slots 0"]),
        (["--slots", "two"], ["--slots", "'two'"]),
        (["--set", "model.penalty_alhpa=0.1"], ["model", "'penalty_alhpa'", "penalty_alpha"]),
        (["--set", "model.penalty_alpha=high"], ["model.penalty_alpha", "'high'", "float"]),
        (["--set", "modle.penalty_alpha=1"], ["'modle'", "model"]),
        (["--set", "data.corpus=nowhere/x"], ["nowhere/x", "earmark data import nowhere/x"]),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line(home: Path, arguments: list[str], says: list[str]) -> None:
    _refused(earmark(home, "run", str(TINY), *arguments), says)


def _refused(done: subprocess.CompletedProcess[str], says: list[str]) -> None:
    assert done.returncode not in (0, 1)
    lines = [line for line in done.stderr.splitlines() if line and "cells are finished" not in line]
    assert len(lines) == 1, done.stderr
    for text in says:
        assert text in lines[0]


def test_help_starts_at_once_and_every_command_has_an_example() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "experiments", "--help"], capture_output=True, text=True, check=True
    )
    assert "examples:" in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not imported & {"torch", "mlflow", "numpy", "lhotse", "rich", "jsonargparse", "pytorch_lightning"}
    for command in ("data", "plan", "run", "report", "fit", "score", "reproduce", "ui"):
        text = subprocess.run(
            [sys.executable, "-m", "experiments", command, "--help"], capture_output=True, text=True, check=True
        ).stdout
        assert "example" in text, command
