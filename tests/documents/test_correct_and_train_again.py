"""docs/correct_and_train_again.md: its blocks are run as they stand, with a person's corrections between them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile

from .blocks import blocks, run_block

PAGE, FIRST_PAGE = "docs/correct_and_train_again.md", "docs/bring_your_sounds.md"
RATE_HZ = 16_000


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
    table = blocks(FIRST_PAGE, "yaml")[0]
    for said, small in (("max_epochs: 5", "max_epochs: 1"), ("seeds: [0, 1]", "seeds: [0]"), ("size: 8", "size: 4")):
        assert said in table
        table = table.replace(said, small)
    (tmp_path / "garden.yaml").write_text(table, encoding="utf-8")
    run_block(blocks(FIRST_PAGE, "sh")[1], tmp_path)
    return tmp_path


def imported_events(folder: Path, corpus: str) -> str:
    """What the strong lists of a corpus say."""
    lists = (folder / "data" / corpus).glob("*_strong.tsv")
    return "".join(path.read_text(encoding="utf-8") for path in lists)


@pytest.mark.integration
def test_predictions_are_corrected_imported_and_trained_on(folder: Path) -> None:
    predict, take, again, next_ones, tasks, take_tasks = blocks(PAGE, "sh")
    assert "2 files, 0.7 minutes" in run_block(predict, folder)

    corrected = folder / "new" / "monday.txt"
    corrected.write_text("1.234000\t2.345000\tblackbird\n", encoding="utf-8")  # a person's
    (folder / "new" / "tuesday.txt").write_text("", encoding="utf-8")

    run_block(take, folder)
    assert "1.234\t2.345\tblackbird" in imported_events(folder, "garden-2")
    assert re.search(r"\| strong +\|.*\d", run_block(again, folder))

    run_block(next_ones, folder)
    assert (folder / "predicted" / "friday.txt").is_file()

    run_block(tasks, folder)
    listed = json.loads((folder / "tasks" / "predictions.json").read_text(encoding="utf-8"))
    assert [task["data"]["audio"] for task in listed] == [
        f"/data/local-files/?d=new/{name}.wav" for name in ("monday", "tuesday")
    ]
    (shown,) = blocks(PAGE, "xml")  # what Label Studio shows them with: the controls and labels that the tasks name
    labels, audio = ElementTree.fromstring(shown)
    told = [result for task in listed for of in task["predictions"] for result in of["result"]]
    assert {(result["from_name"], result["to_name"]) for result in told} <= {(labels.get("name"), labels.get("toName"))}
    assert {label for result in told for label in result["value"]["labels"]} <= {of.get("value") for of in labels}
    assert (audio.get("name"), audio.get("value")) == (labels.get("toName"), "$audio")
    region = {"type": "labels", "value": {"start": 3.25, "end": 4.5, "channel": 0, "labels": ["great tit"]}}
    listed[0]["annotations"] = [{"result": [region], "was_cancelled": False}]  # one is submitted, one is not
    (folder / "new" / "corrected.json").write_text(json.dumps(listed), encoding="utf-8")
    run_block(take_tasks, folder)
    assert "3.25\t4.5\tgreat tit" in imported_events(folder, "garden-3")
