"""docs/correct_and_train_again.md: its blocks are run as they stand, with a person's corrections between them."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from .. import warm_commands
from ..launches import environment

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
RATE_HZ = 16_000


def blocks(document: str, language: str) -> list[str]:
    text = (DOCS / document).read_text(encoding="utf-8")
    return [block for name, block in BLOCK.findall(text) if name == language]


def recording(path: Path, seed: int, *, labelled: bool) -> None:
    """20 s of noise with four tones of each of two birds, and their label track."""
    rng = np.random.default_rng(seed)
    samples_S = rng.normal(0, 0.01, 20 * RATE_HZ)
    lines = ""
    for label, hz in (("blackbird", 1500.0), ("great tit", 5000.0)):
        for onset in rng.uniform(0, 19, 4):
            time_S = np.arange(round(onset * RATE_HZ), round((onset + 0.8) * RATE_HZ))
            samples_S[time_S] += 0.3 * np.sin(2 * np.pi * hz * time_S / RATE_HZ)
            lines += f"{onset:.6f}\t{onset + 0.8:.6f}\t{label}\n"
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, samples_S, RATE_HZ)
    if labelled:
        path.with_suffix(".txt").write_text(lines, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """``garden/`` and ``garden.yaml`` of bring_your_sounds.md, imported; ``new/`` and ``newer/`` without labels."""
    for number in range(5):
        recording(tmp_path / "garden" / f"day {number}.wav", number, labelled=True)
    for number, name in enumerate(("new/monday.wav", "new/tuesday.wav", "newer/friday.wav"), start=10):
        recording(tmp_path / name, number, labelled=False)
    table = blocks("bring_your_sounds.md", "yaml")[0]
    for said, small in (("max_epochs: 5", "max_epochs: 1"), ("seeds: [0, 1]", "seeds: [0]"), ("size: 8", "size: 4")):
        assert said in table
        table = table.replace(said, small)
    (tmp_path / "garden.yaml").write_text(table, encoding="utf-8")
    run(tmp_path, blocks("bring_your_sounds.md", "sh")[1])
    return tmp_path


def earmark(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    name, *arguments = shlex.split(line)
    assert name == "earmark", line
    return warm_commands.run(arguments, environment=environment(folder), cwd=folder)


def run(folder: Path, text: str) -> str:
    printed = ""
    for line in text.splitlines():
        done = earmark(folder, line)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        printed += done.stdout
    return printed


def imported_events(folder: Path, corpus: str) -> str:
    """What the strong lists of a corpus say."""
    lists = (folder / "data" / corpus).glob("*_strong.tsv")
    return "".join(path.read_text(encoding="utf-8") for path in lists)


@pytest.mark.integration
def test_predictions_are_corrected_imported_and_trained_on(folder: Path) -> None:
    predict, take, again, next_ones, tasks, take_tasks = blocks("correct_and_train_again.md", "sh")
    assert "2 files, 0.7 minutes" in run(folder, predict)

    corrected = folder / "new" / "monday.txt"
    corrected.write_text("1.234000\t2.345000\tblackbird\n", encoding="utf-8")  # a person's
    (folder / "new" / "tuesday.txt").write_text("", encoding="utf-8")
    refused = earmark(folder, predict.splitlines()[1])
    assert refused.returncode == 2
    assert "2 output files are there already" in refused.stderr
    assert "Traceback" not in refused.stderr

    run(folder, take)
    assert "1.234\t2.345\tblackbird" in imported_events(folder, "garden-2")
    assert re.search(r"\| strong +\|.*\d", run(folder, again))

    run(folder, next_ones)
    assert (folder / "predicted" / "friday.txt").is_file()

    run(folder, tasks)
    listed = json.loads((folder / "tasks" / "predictions.json").read_text(encoding="utf-8"))
    assert [task["data"]["audio"] for task in listed] == [
        f"/data/local-files/?d=new/{name}.wav" for name in ("monday", "tuesday")
    ]
    region = {"type": "labels", "value": {"start": 3.25, "end": 4.5, "channel": 0, "labels": ["great tit"]}}
    listed[0]["annotations"] = [{"result": [region], "was_cancelled": False}]  # one is submitted, one is not
    (folder / "corrected.json").write_text(json.dumps(listed), encoding="utf-8")
    run(folder, take_tasks)
    assert "3.25\t4.5\tgreat tit" in imported_events(folder, "garden-3")
