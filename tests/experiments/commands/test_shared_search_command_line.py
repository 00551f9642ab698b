"""A table's own search, trained: equal draws, interrupted and gone on with, what waits, and the report of it all."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from ...launches import command, earmark, environment, hear_hang_ups, runs, wait_for

TABLE = """
title: Tiny
family: sed
base:
  data: {class_path: datamodules.sed.SoundEventClips, init_args: {corpus: tones/tiny, batch_size: 4}}
  model:
    class_path: lightning_modules.sed.mil.MIL
    init_args:
      encoder: lightning_modules.layers.crnn.demo_crnn
      features: {num_mels: 40}
      optimizer: {class_path: torch.optim.Adam, init_args: {lr: 0.001}}
  trainer: {max_epochs: 1}
  checkpoint: {monitor: validation/loss, mode: min}
  scoring: {class_path: lightning_modules.sed.detection_scoring.DetectionScoring, init_args: {num_pictures: 0}}
search:
  metric: validation/tagging_map
  budget: 3 trials
  space:
    model.optimizer.lr: {low: 0.0001, high: 0.1, log: true}
    data.batch_size: [2, 4]
rows:
  mil: {why: maximum over frames}
  mean: {why: mean over frames, set: {model: lightning_modules.sed.mean_pooling.MeanPooling}}
  mil_oracle: {why: true tags, stage: score, from: {own: mil}, set: {scoring.tags: oracle}}
seeds: [0, 1]
columns:
  test/tagging_f1_macro: {label: Tag F1}
"""


def _plan(home: Path, table: str) -> dict:
    done = earmark(home, "plan", table, "--json")
    assert done.returncode == 0, done.stderr
    document: dict = json.loads(done.stdout)
    return document


@pytest.mark.integration
@pytest.mark.slow  # a minute of small trainings
def test_two_rows_with_one_budget_from_the_first_trial_to_the_report(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(TABLE)
    table = str(tmp_path / "t.yaml")
    assert earmark(tmp_path, "data", "tones", "--scale", "tiny").returncode == 0
    planned = _plan(tmp_path, table)
    assert planned["would_run"] == 6  # three trials of two rows at one seed
    assert [cell["why"] for cell in planned["cells"] if cell["row"] == "mil_oracle"] == [
        "waits for the search of mil"
    ] * 2

    arguments = command("run", table, "--slots", "2")
    launched = subprocess.Popen(arguments, env=environment(tmp_path), stderr=subprocess.PIPE, preexec_fn=hear_hang_ups)
    wait_for(lambda: len(runs(tmp_path)) >= 4)  # in two slots: two have ended
    launched.send_signal(signal.SIGINT)
    launched.communicate(timeout=120)
    assert launched.returncode == 130
    before = {cell["cell"]: cell["key"] for cell in _plan(tmp_path, table)["cells"] if cell["state"] == "finished"}
    assert before

    done = earmark(tmp_path, "run", table, "--slots", "2")
    assert done.returncode == 0, done.stderr
    planned = _plan(tmp_path, table)
    assert planned["would_run"] == 0
    after = {cell["cell"]: cell["key"] for cell in planned["cells"]}
    assert before.items() <= after.items()  # the trials that were drawn before are the same
    assert len(after) == 6 + 2 + 2  # the best of each at the other seed, and the scoring row at both
    assert planned["searches"]["mil"] | {"winner": ""} == {
        "chosen": 3, "finished": 3, "failed": 0, "trials": 3, "winner": "",
    }  # fmt: skip

    document = json.loads(earmark(tmp_path, "report", table, "--format", "json").stdout)
    settings = [
        [trial["settings"] for trial in document["searches"][row]["trials"].values()] for row in ("mil", "mean")
    ]
    assert settings[0] == settings[1]
    assert set(document["rows"]) == {"mil", "mean", "mil_oracle"}
    assert [document["rows"][row]["test/tagging_f1_macro"]["n"] for row in document["rows"]] == [2, 2, 2]
    best = document["searches"]["mean"]
    figures = [trial["figure"] for trial in best["trials"].values()]
    assert best["expected_best"]["1"] == pytest.approx(sum(figures) / 3)
    assert best["trials"][best["winner"]]["figure"] == max(figures)
    charts = earmark(tmp_path, "report", table, "--charts", str(tmp_path / "charts")).stdout
    assert charts.strip().endswith("search_validation_tagging_map.png")


@pytest.mark.integration
def test_a_path_that_a_row_does_not_have_is_one_line_before_anything_runs(tmp_path: Path) -> None:
    text = TABLE.replace("data.batch_size: [2, 4]", "model.penalty_alpha: [0.0, 1.0]")
    (tmp_path / "t.yaml").write_text(text)
    done = earmark(tmp_path, "plan", str(tmp_path / "t.yaml"))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "rows.mean.trial=" in done.stderr
    assert "penalty_alpha" in done.stderr
