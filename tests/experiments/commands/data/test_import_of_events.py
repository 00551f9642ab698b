"""``earmark data import --task events`` through the command line, from labels in their own layout to a report."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from experiments.cli import main

from ....launches import TINY, earmark

RATE_HZ = 22_050
EVENTS = {"dog": (0.5, 1.25, 400.0), "great tit": (1.5, 2.0, 4000.0)}
RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tSpecies\n"
BIRDNET = "Start (s),End (s),Scientific name,Common name,Confidence\n"


def record(path: Path, *, seconds: float = 2.5) -> Path:
    """A recording of two tones over noise, in stereo and at no rate of ours."""
    rng = np.random.default_rng(len(str(path)))
    samples_SC = rng.normal(0, 0.01, (round(seconds * RATE_HZ), 2))
    for onset, offset, hz in EVENTS.values():
        time_S = np.arange(round(onset * RATE_HZ), round(offset * RATE_HZ))
        samples_SC[time_S] += 0.3 * np.sin(2 * np.pi * hz * time_S / RATE_HZ)[:, None]
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples_SC, RATE_HZ)
    return path


def dcase(folder: Path) -> list[str]:
    """DESED's folders: weak, unlabelled and strong lists apart from their audio, and a list of durations."""
    lists = {"weak": "filename\tevent_labels\n", "unlabel": "filename\n", "val": "", "eval": ""}
    for number in range(4):
        lists["weak"] += f"w{number}.wav\tdog,great tit\n"
        record(folder / "audio" / "weak" / f"w{number}.wav")
    lists["unlabel"] += "u0.wav\n"
    record(folder / "audio" / "unlabel" / "u0.wav")
    for part in ("val", "eval"):
        record(folder / "audio" / part / f"{part}0.wav")
        record(folder / "audio" / part / f"{part}1.wav")
        events = "".join(f"{part}0.wav\t{on}\t{off}\t{label}\n" for label, (on, off, _) in EVENTS.items())
        lists[part] = f"filename\tonset\toffset\tevent_label\n{events}"
        lists[f"{part}_durations"] = f"filename\tduration\n{part}0.wav\t2.5\n{part}1.wav\t2.5\n"
    for name, text in lists.items():
        (folder / f"{name}.tsv").write_text(text, encoding="utf-8")
    paths = {name: str(folder / f"{name}.tsv") for name in lists}
    return ["--train", paths["weak"], paths["unlabel"], "--validation", paths["val"], paths["val_durations"],
            "--test", paths["eval"], paths["eval_durations"], "--audio-root", str(folder / "audio")]  # fmt: skip


def label_files(folder: Path, text: str, suffix: str) -> list[str]:
    for number in range(4):
        record(folder / f"rec {number}.wav", seconds=5.0)
        (folder / f"rec {number}{suffix}").write_text(text, encoding="utf-8")
    return ["--train", str(folder), "--clip-seconds", "2.5"]


def audacity(folder: Path) -> list[str]:
    return label_files(folder, "".join(f"{on}\t{off}\t{label}\n" for label, (on, off, _) in EVENTS.items()), ".txt")


def raven(folder: Path) -> list[str]:
    rows = [f"{n}\tS 1\t1\t{on}\t{off}\t0\t9\t{label}\n" for n, (label, (on, off, _)) in enumerate(EVENTS.items())]
    return label_files(folder, RAVEN + "".join(rows), ".Table.1.selections.txt")


def birdnet(folder: Path) -> list[str]:
    rows = [f"{start},{start + 3},Parus major,{label},0.9\n" for label in EVENTS for start in (0.0, 3.0)]
    return label_files(folder, BIRDNET + "".join(rows), ".BirdNET.results.csv")


def sounds(folder: Path) -> list[str]:
    return [*class_folders(folder), "--whole-clip-events"]


def class_folders(folder: Path) -> list[str]:
    for label in EVENTS:
        for number in range(4):
            record(folder / label / f"{number}.flac")
    return ["--train", str(folder)]


LAYOUTS: tuple[Callable[[Path], list[str]], ...] = (dcase, audacity, raven, birdnet, sounds, class_folders)


@pytest.mark.integration
def test_every_layout_goes_from_import_to_report(tmp_path: Path) -> None:
    home, table, text = tmp_path / "home", tmp_path / "mine.yaml", TINY.read_text(encoding="utf-8")
    for layout in LAYOUTS:
        folder = tmp_path / layout.__name__
        imported = earmark(home, "data", "import", layout.__name__, "--task", "events", *layout(folder))
        assert imported.returncode == 0, imported.stderr
        assert "great tit" in imported.stdout
    rows = "".join(
        f"  {layout.__name__}: {{why: its layout, set: {{data.corpus: {layout.__name__}}}}}\n" for layout in LAYOUTS
    )
    table.write_text(f"{text.partition('rows:')[0]}rows:\n{rows}{text[text.index('seeds:') :]}", encoding="utf-8")
    run = earmark(home, "run", str(table))
    assert run.returncode == 0, run.stdout + run.stderr
    report = earmark(home, "report", str(table), "--format", "csv")
    assert report.returncode == 0, report.stderr
    scored = {(line["row"], line["metric"]) for line in csv.DictReader(io.StringIO(report.stdout)) if line["mean"]}
    for layout in LAYOUTS:
        assert (layout.__name__, "test/tagging_f1_macro") in scored
        has_events = layout is not class_folders  # tags alone: nothing to match
        assert ((layout.__name__, "test/event_f1_macro") in scored) == has_events


def test_the_summary_names_every_kind_of_clip_and_what_is_served(tmp_path, earmark_home, capsys):
    assert main(["data", "import", "mine", "--task", "events", *dcase(tmp_path), "--sample-rate-hz", "8000"]) == 0
    printed = capsys.readouterr().out
    assert "unlabelled clips      1           0      0" in printed
    assert "weak clips            4           0      0" in printed
    assert "great tit         0 + 4       1 + 0  1 + 0" in printed
    assert "served at 8000 Hz: 9 clips of 22050 Hz" in printed
    assert "now: earmark data check mine" in printed
    card = json.loads((earmark_home / "data" / "mine" / "corpus.json").read_text())
    assert (card["sample_rate_hz"], card["classes"]) == (8000, ["dog", "great tit"])
    assert main(["data", "check", "mine", "--digest"]) == 0


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (["--format", "audacity"], "--format audacity: allowed with --task speech: auto, tsv, csv"),
        (["--task", "events", "--format", "kaldi"], "--format kaldi: allowed with --task events: auto, dcase, "),
        (["--task", "events", "--language", "cs"], "--language cs: allowed with --task speech"),
        (["--clip-seconds", "10"], "--clip-seconds: allowed with --task events"),
        (["--task", "events", "--clip-seconds", "0"], "argument --clip-seconds: '0', allowed: a number of seconds, 1"),
        (
            ["--task", "events", "--sample-rate-hz", "44.1"],
            "--sample-rate-hz: '44.1', allowed: a whole number",
        ),
        (["--task", "events"], "nowhere: no such file or folder"),
    ],
)
def test_options_of_the_other_task_are_refused_in_one_line(tmp_path, earmark_home, capsys, arguments, refusal):
    code = 0
    try:
        code = main(["data", "import", "mine", "--train", str(tmp_path / "nowhere"), *arguments])
    except SystemExit as error:
        code = int(str(error.code))
    said = capsys.readouterr().err
    assert (code, said.count("\n")) == (2, 1), said
    assert refusal in said


def test_lines_of_speech_are_not_taken_for_labels_of_sounds(tmp_path, earmark_home, capsys):
    (tmp_path / "a.jsonl").write_text('{"audio": "1.wav", "text": 5, "language": "it"}\n', encoding="utf-8")
    assert main(["data", "import", "mine", "--train", str(tmp_path / "a.jsonl")]) == 2
    assert "sound events" not in capsys.readouterr().err


def test_labels_that_are_read_as_transcripts_are_pointed_to_the_task(tmp_path, earmark_home, capsys):
    (tmp_path / "a.txt").write_text("0.5\t1.25\tdog\n", encoding="utf-8")
    (tmp_path / "b.tsv").write_text("filename\tonset\toffset\tevent_label\na.wav\t0\t1\tdog\n", encoding="utf-8")
    for path in (tmp_path / "a.txt", tmp_path / "b.tsv", tmp_path):
        assert main(["data", "import", "mine", "--train", str(path)]) == 2
        said = capsys.readouterr().err
        assert (said.count("\n"), said.endswith("; labels of sound events? --task events\n")) == (1, True), said
