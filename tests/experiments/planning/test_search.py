"""``search:``: trials are a function of the table and of what finished, so a search goes on after an interruption."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from experiments.errors import UserError
from experiments.planning import search
from experiments.planning.cell import Cell
from experiments.runs.keys import RunKey
from experiments.table_files.merge import get_path
from experiments.table_files.spec import Table, read_table
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import TrackedRun

TEXT = """
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
  scoring: lightning_modules.sed.detection_scoring.DetectionScoring
rows:
  mil: {why: none}
  tuned: {why: tuned, search: SEARCH}
seeds: [0]
columns: {validation/tagging_map: {label: mAP}}
"""
SEARCH = """{metric: validation/tagging_map, trials: 30, parallel: 3,
  space: {model.penalty_alpha: {low: 0.0, high: 1.0}, trainer.max_epochs: {low: 1, high: 8},
    model.encoder.cell: [lstm, gru]}}"""


def _table(folder: Path, text: str = SEARCH) -> Table:
    path = folder / "t.yaml"
    path.write_text(TEXT.replace("SEARCH", text))
    return read_table(str(path))


def _goodness(config: Any) -> float:
    """Best at a penalty of 0.3."""
    return 1 - abs(float(get_path(config, "model.penalty_alpha")) - 0.3)


def _pretend(
    monkeypatch: pytest.MonkeyPatch, *, num_finished: int, failed: Collection[int] = (), why: str = "failed: no memory"
) -> None:
    """A store in which the first so many trials are finished, but for those that failed."""

    def plan(table: Table, tracker: Tracker, *, rows: Sequence[str], **more: Any) -> list[Cell]:
        cells = []
        for name in rows:
            row, number = table.rows[name], int(name.rpartition("=")[2])
            done = number < num_finished and number not in failed
            run = TrackedRun("id", "finished", {}, {"validation/tagging_map": _goodness(row.config)})
            key = RunKey(repr(row.config), "", "", 0, "")
            state, says = ("failed", why) if number in failed else ("finished" if done else "missing", "")
            cells.append(Cell(table, row, 0, key, {}, state, says, run if done else None))
        return cells

    monkeypatch.setattr(search, "make_plan", plan)


def _trials(table: Table) -> dict[str, Any]:
    found = search.with_trials(table, cast(Tracker, None))
    assert "tuned" not in found.rows
    assert next(iter(found.rows)) == "mil"
    return {name: found.rows[name].config for name in found.grids["tuned"]}


def test_trials_come_in_waves_and_the_same_again_after_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, known = _table(tmp_path), {}
    for num_finished, expected in ((0, 3), (2, 3), (3, 6), (29, 30), (30, 30)):
        _pretend(monkeypatch, num_finished=num_finished)
        trials = _trials(table)
        assert len(trials) == expected
        assert list(trials.items())[: len(known)] == list(known.items())  # what was chosen stays chosen
        known = trials
    assert list(known)[:2] == ["tuned.trial=000", "tuned.trial=001"]


def test_a_failed_trial_is_gone_past_and_the_same_trials_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = _table(tmp_path)
    _pretend(monkeypatch, num_finished=3, failed=[1])
    found = search.with_trials(table, cast(Tracker, None))
    assert len(found.grids["tuned"]) == 6
    assert found.given_up == {"tuned.trial=001"}
    _pretend(monkeypatch, num_finished=30, failed=[1, 12])
    first, second = (search.with_trials(table, cast(Tracker, None)) for _ in range(2))
    assert first.rows == second.rows
    assert len(first.grids["tuned"]) == 30
    assert list(first.grids["tuned"])[:6] == list(found.grids["tuned"])
    named = search.with_trials(table, cast(Tracker, None), again=["tuned.trial=012"])
    assert named.given_up == {"tuned.trial=001"}


@pytest.mark.parametrize("why", ["stopped: asked to stop", "its process is gone"])
def test_a_trial_that_was_stopped_or_killed_goes_on_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    _pretend(monkeypatch, num_finished=3, failed=[1], why=why)
    found = search.with_trials(_table(tmp_path), cast(Tracker, None))
    assert len(found.grids["tuned"]) == 3
    assert not found.given_up


def test_a_point_that_failed_is_not_tried_again_under_another_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = "{metric: validation/tagging_map, trials: 4, parallel: 2, space: {model.penalty_alpha: [0.1]}}"
    _pretend(monkeypatch, num_finished=0, failed=[0, 1, 2])
    found = search.with_trials(_table(tmp_path, space), cast(Tracker, None))
    assert found.given_up == {f"tuned.trial=00{k}" for k in range(3)}
    assert "tuned" not in found.winners


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_the_winner_is_the_best_finished_trial_of_a_search_that_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, better: str
) -> None:
    table = _table(tmp_path, SEARCH.replace("trials: 30", f"trials: 12, better: {better}"))
    _pretend(monkeypatch, num_finished=11)
    assert not search.with_trials(table, cast(Tracker, None)).winners
    _pretend(monkeypatch, num_finished=12, failed=[5])
    found = search.with_trials(table, cast(Tracker, None))
    good = {name: _goodness(found.rows[name].config) for name in found.grids["tuned"] if name != "tuned.trial=005"}
    best = (max if better == "higher" else min)(good.values())
    assert good[found.winners["tuned"]] == best


def test_what_a_search_chooses_is_a_param_of_its_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, num_finished=0)
    text = TEXT.replace("rows:\n", "rows:\n  long: {why: more epochs, set: {trainer.max_epochs: 2}}\n")
    path = tmp_path / "t.yaml"
    path.write_text(text.replace("SEARCH", SEARCH.replace("parallel: 3", "parallel: 1")))
    found = search.with_trials(read_table(str(path)), cast(Tracker, None))
    assert list(found.grids["tuned"]) == ["tuned.trial=000"]
    assert found.varied == ("model.encoder.cell", "model.penalty_alpha", "trainer.max_epochs")


def test_trials_stay_in_their_space_and_get_better(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, num_finished=30)
    trials = list(_trials(_table(tmp_path)).values())
    for config in trials:
        assert 0 <= get_path(config, "model.penalty_alpha") <= 1
        assert get_path(config, "trainer.max_epochs") in range(1, 9)
        assert get_path(config, "model.encoder.cell") in ("lstm", "gru")
    first, last = ([_goodness(config) for config in part] for part in (trials[:10], trials[-10:]))
    assert sum(last) > sum(first)  # the first ten are drawn blindly


def test_other_values_choose_other_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, num_finished=30)
    higher = _trials(_table(tmp_path))
    lower = _trials(_table(tmp_path, SEARCH.replace("trials: 30", "trials: 30, better: lower")))
    assert list(higher.values())[:10] == list(lower.values())[:10]
    assert list(higher.values())[12:] != list(lower.values())[12:]


def test_a_metric_that_runs_do_not_have_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, num_finished=3)
    with pytest.raises(UserError, match=r"rows\.tuned\.search\.metric: unknown metric 'validation/map'"):
        _trials(_table(tmp_path, SEARCH.replace("tagging_map", "map")))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("metric: validation/tagging_map,", "", "rows.tuned.search.metric: expected the name of a metric"),
        ("validation/tagging_map", "test/wer", "test/wer is of the test split, which chooses nothing"),
        ("validation/tagging_map", "wer_test", "wer_test is of the test split, which chooses nothing"),
        ("trials: 30", "trials: 0", "rows.tuned.search.trials: expected an integer >= 1, got 0"),
        ("low: 0.0, high: 1.0", "low: 1.0, high: 0.5", "low 1.0 is not below high 0.5"),
        ("low: 0.0, high: 1.0", "low: 0.0, high: 1.0, log: true", "penalty_alpha.low: 0.0 has no logarithm"),
        ("low: 1,", "", "rows.tuned.search.space.trainer.max_epochs.low: expected a number, got None"),
        ("[lstm, gru]", "[]", "model.encoder.cell: expected numbers, texts or classes"),
        ("parallel", "paralel", "unknown key 'paralel' (did you mean 'parallel'?)"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in SEARCH
    with pytest.raises(UserError) as caught:
        _table(tmp_path, SEARCH.replace(old, new))
    assert says in str(caught.value)
    assert str(caught.value).startswith("t.yaml: rows.tuned.search")


@pytest.mark.slow  # two trainings; the tests above have the rest
def test_run_goes_on_until_every_trial_is_finished(tmp_path: Path) -> None:
    space = "{model.penalty_alpha: [0.1, 0.5]}"
    _table(tmp_path, f"{{metric: validation/tagging_map, trials: 2, parallel: 1, space: {space}}}")
    environment = {**os.environ, "EARMARK_HOME": str(tmp_path), "COLUMNS": "200"}
    environment.pop("EARMARK_DATA", None)

    def earmark(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "experiments", *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=300)

    assert earmark("data", "tones", "--scale", "tiny").returncode == 0
    table = str(tmp_path / "t.yaml")
    assert "tuned: 1 of 2 trials are chosen so far" in earmark("plan", table).stdout
    done = earmark("run", table, "--rows", "tuned", "--slots", "1")
    assert done.returncode == 0, done.stderr
    plan = earmark("plan", table, "--rows", "tuned").stdout
    assert plan.count("│ finished │") == 2
    assert "tuned: 2 of 2 trials are chosen so far" in plan
    assert "tuned.trial=001" in earmark("report", table, "--rows", "tuned").stdout
