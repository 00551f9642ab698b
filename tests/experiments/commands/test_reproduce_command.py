"""``earmark reproduce`` on a real one-epoch run: following what it prints gives the same key and the same scores."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from ... import warm_commands

TINY = Path(__file__).parents[1] / "tiny.yaml"
pytestmark = pytest.mark.integration


def earmark(home: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).resolve().parents[3]
    environment = {**os.environ, "EARMARK_HOME": str(home), "COLUMNS": "200", "PYTHONPATH": str(root)}
    environment.pop("EARMARK_DATA", None)
    return warm_commands.run(arguments, environment=environment, cwd=cwd)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one launch of two cells of the tiny table."""
    home = tmp_path_factory.mktemp("home")
    assert earmark(home, "data", "tones", "--scale", "tiny").returncode == 0
    done = earmark(home, "run", str(TINY), "--rows", "mil,mil_oracle", "--slots", "1")
    assert done.returncode == 0, done.stderr
    return home


def _folder(home: Path, *, stage: str) -> Path:
    (folder,) = [path for path in (home / "mlruns" / "runs").iterdir()
                 if f"stage: {stage}" in (path / "config.yaml").read_text()]  # fmt: skip
    return folder


def _commands(text: str) -> list[list[str]]:
    return [shlex.split(line)[1:] for line in text.splitlines() if line.startswith("  earmark ")]


def _without_times(scores: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in scores.items() if "seconds" not in name and value == value}


def test_a_run_knows_where_it_comes_from(home: Path) -> None:
    from experiments.tracking.mlflow_store import Tracker

    folder = _folder(home, stage="fit")
    record = json.loads((folder / "provenance.json").read_text())
    (attempt,) = record["attempts"]
    assert (record["row"], record["seed"], record["scale"]) == ("mil", 0, "demo")
    assert list(record["data"]) == ["tones/tiny"]
    assert attempt["hardware"]["cores"] >= 1
    (run,) = Tracker(home).beginning_with(folder.name)
    assert run.metrics["run/wall_seconds"] == pytest.approx(attempt["wall_seconds"])
    assert run.metrics["run/wall_seconds"] > run.metrics["run/seconds"]
    assert str(attempt["hardware"]["cores"]) in run.tags["hardware"]
    assert ("run/energy_joules" in run.metrics) == ("energy_joules" in attempt)  # not counted: not there, never 0


@pytest.mark.slow  # two trainings
def test_the_printed_commands_give_the_same_key_and_scores(home: Path, tmp_path: Path) -> None:
    folder = _folder(home, stage="fit")
    done = earmark(home, "reproduce", folder.name[:8], cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / f"reproduce-{folder.name[:8]}" / "config.yaml").read_bytes() == (
        folder / "config.yaml"
    ).read_bytes()
    fit, table = _commands(done.stdout)
    assert table == ["run", str(TINY), "--scale", "demo", "--rows", "mil", "--seeds", "0"]
    again = tmp_path / "again"
    shutil.copytree(home / "data", again / "data")
    fresh = earmark(again, *fit, cwd=tmp_path)
    assert fresh.returncode == 0, fresh.stderr
    scores = [json.loads((root / "mlruns" / "runs" / folder.name / "metrics.json").read_text())
              for root in (home, again)]  # fmt: skip
    assert _without_times(scores[0]) == _without_times(scores[1])
    known = earmark(again, *table, cwd=tmp_path)  # the same cell by its table: nothing to do
    assert "1 of 1 cells are finished" in known.stderr


def test_a_run_on_another_is_rebuilt_by_its_table_and_names_what_it_stands_on(home: Path, tmp_path: Path) -> None:
    below, folder = _folder(home, stage="fit"), _folder(home, stage="score")
    done = earmark(home, "reproduce", folder.name, "--output", "again", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert _commands(done.stdout) == [["run", str(TINY), "--scale", "demo", "--rows", "mil_oracle", "--seeds", "0"]]
    refused = earmark(home, "reproduce", folder.name, "--output", "again", cwd=tmp_path)
    assert refused.returncode == 2
    assert "again: is there already" in refused.stderr
    key = below / "key.json"
    text = key.read_text()
    key.write_text(text.replace('"lightning_modules.sed.mil": "', '"lightning_modules.sed.mil": "0'))
    try:
        changed = earmark(home, "reproduce", folder.name, "--output", "changed", cwd=tmp_path)
    finally:
        key.write_text(text)
    assert changed.returncode == 1
    assert "! stands on mil seed 0 (own)" in changed.stdout
    assert "code: lightning_modules.sed.mil" in changed.stdout


def test_as_json_it_says_the_same(home: Path, tmp_path: Path) -> None:
    folder = _folder(home, stage="score")
    text = earmark(home, "reproduce", folder.name, "--output", "text", cwd=tmp_path)
    done = earmark(home, "reproduce", folder.name, "--output", "again", "--json", cwd=tmp_path)
    answer = json.loads(done.stdout)
    assert (answer["key"], answer["folder"]) == (folder.name, "again")
    assert [shlex.split(command)[1:] for command in answer["commands"]] == _commands(text.stdout)
    assert answer["same_key_here"] == (text.returncode == done.returncode == 0)
    assert (tmp_path / "again" / "config.yaml").read_bytes() == (folder / "config.yaml").read_bytes()


def test_what_differs_is_named(home: Path, tmp_path: Path) -> None:
    folder = _folder(home, stage="fit")
    for name in ("environment.txt", "provenance.json"):
        shutil.copy(folder / name, tmp_path / name)
    try:
        environment = (folder / "environment.txt").read_text().splitlines()
        lines = ["torch==1.0" if line.startswith("torch==") else line for line in environment]
        (folder / "environment.txt").write_text("\n".join([lines[0].replace("# python 3", "# python 2"), *lines[1:]]))
        record = json.loads((folder / "provenance.json").read_text())
        record["attempts"][-1]["hardware"]["cpu"] = "Made-up 9000"
        (folder / "provenance.json").write_text(json.dumps(record))
        done = earmark(home, "reproduce", folder.name, "--output", "differs", cwd=tmp_path)
        card = home / "data" / "tones" / "tiny" / "corpus.json"
        text = card.read_text()
        card.write_text(text.replace('"digest": "', '"digest": "0'))
        other_data = earmark(home, "reproduce", folder.name, "--output", "data", cwd=tmp_path)
        card.write_text(text)
    finally:
        for name in ("environment.txt", "provenance.json"):
            shutil.copy(tmp_path / name, folder / name)
    assert done.returncode == 0  # none of it is in the key
    assert "  torch: 1.0 -> " in done.stdout
    assert "  python: 2" in done.stdout
    assert "  hardware: Made-up 9000" in done.stdout
    assert other_data.returncode == 1
    assert "! data: tones/tiny" in other_data.stdout


def test_a_run_whose_folder_is_gone_comes_from_its_artifacts(home: Path, tmp_path: Path) -> None:
    folder = _folder(home, stage="fit")
    folder.rename(tmp_path / "aside")
    try:
        done = earmark(home, "reproduce", folder.name, "--output", "gone", cwd=tmp_path)
    finally:
        (tmp_path / "aside").rename(folder)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "gone" / "config.yaml").read_bytes() == (folder / "config.yaml").read_bytes()


@pytest.mark.parametrize(
    ("run", "says"), [("ffffffffffff", "no run in"), ("x", "hexadecimal"), ("../etc", "hexadecimal")]
)
def test_a_run_that_is_not_there_is_one_line(home: Path, run: str, says: str) -> None:
    done = earmark(home, "reproduce", run)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
