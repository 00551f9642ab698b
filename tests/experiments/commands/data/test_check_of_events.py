"""``earmark data check`` of sound events through the command line: every fault named, exit codes, JSON."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from experiments.cli import main

CLASSES = ("dog", "speech")


def write(path: Path, *rows: str, heading: str = "filename\tonset\toffset\tevent_label") -> None:
    path.write_text("\n".join([heading, *rows]) + "\n", encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, earmark_home: Path) -> Path:
    """Lists without fault, in DCASE's form: 16 training clips, two to validate and two to test, a second each."""
    rng = np.random.default_rng(0)
    root = tmp_path / "mine"
    for split, number in (("train", 16), ("validation", 2), ("test", 2)):
        (root / split).mkdir(parents=True)
        for index in range(number):
            soundfile.write(root / split / f"{split}{index}.wav", rng.uniform(-0.3, 0.3, 16_000), 16_000)
        rows = [f"{split}/{split}{index}.wav\t0.1\t0.6\t{CLASSES[index % 2]}" for index in range(number)]
        write(root / f"{split}.tsv", *rows)
    return root


def check(folder: Path, *options: str, more: tuple[Path, ...] = ()) -> list[str]:
    held_out = ("--validation", str(folder / "validation.tsv"), "--test", str(folder / "test.tsv"))
    return ["data", "check", *map(str, (folder / "train.tsv", *more)), "--task", "events", *held_out, *options]


def findings(folder: Path, capsys, *options: str) -> tuple[int, dict[str, dict]]:
    code = main(check(folder, "--json", *options))
    document = json.loads(capsys.readouterr().out)
    return code, {finding["check"]: finding for finding in document["findings"]}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def one_sound(path: Path, seconds: float = 1.0, *, rate_hz: int = 16_000, channels: int = 1) -> None:
    samples_SC = np.random.default_rng(9).uniform(-0.3, 0.3, (round(seconds * rate_hz), channels))
    soundfile.write(path, samples_SC, rate_hz)


@pytest.mark.parametrize(
    ("task", "options", "says"),
    [
        ("events", ("--alphabet", "abc"), "--alphabet abc: allowed with --task speech, here it is events"),
        ("events", ("--speed", "1.2"), "--speed 1.2: allowed with --task speech"),
        ("speech", ("--classes", "dog,cat"), "--classes dog,cat: allowed with --task events, here it is speech"),
        ("speech", ("--batch-size", "4"), "--batch-size 4: allowed with --task events"),
    ],
)
def test_an_option_of_the_other_task_is_refused(folder, capsys, task, options, says):
    assert main(["data", "check", str(folder / "train.tsv"), "--task", task, *options]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert says in line


@pytest.mark.integration
def test_labels_without_fault_are_checked_imported_and_checked_again(folder, capsys):
    assert findings(folder, capsys, "--classes", "dog,speech") == (0, {})
    lists = [word for split in ("train", "validation", "test") for word in (f"--{split}", str(folder / f"{split}.tsv"))]
    assert main(["data", "import", "mine", "--task", "events", *lists]) == 0
    capsys.readouterr()
    assert main(["data", "check", "mine"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("train 16 clips, 0.3 min; validation 2 clips")
    assert "labels of train: 16 strong" in printed
    assert "one training step of the demo detector" in printed
    assert printed.endswith("no errors, no warnings\n")
    assert main(["data", "check", "mine", "--digest"]) == 0
    assert "all as it was prepared" in capsys.readouterr().out
    one_sound(folder / "train" / "train3.wav")
    assert main(["data", "check", "mine", "--digest"]) == 1
    assert "1 changed since it was made" in capsys.readouterr().out


@pytest.mark.integration
def test_a_folder_with_files_missing_overlapping_events_and_another_heading_loses_nothing_in_silence(folder, capsys):
    for number in (3, 7):
        (folder / "train" / f"train{number}.wav").unlink()
    edit(
        folder / "train.tsv", "train4.wav\t0.1\t0.6\tdog", "train4.wav\t0.1\t0.6\tdog\ntrain/train4.wav\t0.4\t0.9\tdog"
    )
    rows = [f"0.1\t0.6\ttest/test{index}.wav\t{CLASSES[index]}" for index in range(2)]
    write(folder / "test.tsv", *rows, heading="onset\toffset\tfilename\tevent_label")
    code, found = findings(folder, capsys)
    assert code == 1
    assert {name: finding["count"] for name, finding in found.items()} == {
        "missing_audio": 2, "overlapping_events": 1, "heading_order": 1,
    }  # fmt: skip
    missing = found["missing_audio"]
    assert missing["severity"] == "error"
    assert missing["what"] == "audio file is missing: 2 of 20 (10 %)"
    assert missing["examples"][0].startswith(f"{folder / 'train.tsv'}, line 5: train-train3: ")
    assert found["overlapping_events"]["examples"] == [
        f"{folder / 'train.tsv'}, line 7: train-train4: dog 0.4-0.9 s and 0.1-0.6 s"
    ]
    assert found["heading_order"]["examples"] == [
        f"{folder / 'test.tsv'}, line 1: onset offset filename event_label, not filename onset offset event_label"
    ]
    assert main(check(folder)) == 1
    printed = capsys.readouterr().out
    assert "(left out: 2 unreadable)" in printed
    assert printed.endswith("1 kind of error (2 cases), 2 kinds of warning (2 cases)\n")


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


FAULTS: list[tuple[Callable[[Path], object], str, str]] = [
    (lambda c: cut_in_half(c / "train/train3.wav"), "unreadable_audio", "error"),
    (lambda c: shutil.copy(c / "train/train3.wav", c / "test/test1.wav"), "shared_audio", "error"),
    (lambda c: shutil.copy(c / "train/train3.wav", c / "train/train4.wav"), "repeated_audio", "warning"),
    (lambda c: soundfile.write(c / "train/train3.wav", np.zeros(16_000), 16_000), "silent_audio", "warning"),
    (lambda c: soundfile.write(c / "train/train3.wav", np.ones(16_000), 16_000), "full_scale_audio", "warning"),
    (lambda c: one_sound(c / "train/train3.wav", rate_hz=8000), "mixed_sample_rates", "warning"),
    (lambda c: one_sound(c / "train/train3.wav", channels=2), "several_channels", "warning"),
    (lambda c: one_sound(c / "train/train3.wav", 3.0), "mixed_lengths", "warning"),
    (lambda c: one_sound(c / "train/more.wav"), "unlisted_audio", "warning"),
    (lambda c: edit(c / "train.tsv", "train3.wav\t0.1\t0.6", "train3.wav\t0.6\t0.1"), "reversed_events", "error"),
    (lambda c: edit(c / "train.tsv", "train3.wav\t0.1\t0.6", "train3.wav\t0.6\t0.6"), "zero_length_events", "error"),
    (lambda c: edit(c / "train.tsv", "train3.wav\t0.1\t0.6", "train3.wav\t0.1\t2"), "outside_events", "error"),
    (lambda c: edit(c / "train.tsv", "train3.wav\t0.1\t0.6", "train3.wav\t0.1\t0.15"), "short_events", "warning"),
    (lambda c: edit(c / "train.tsv", "\tspeech", "\tspeach"), "misspelt_labels", "warning"),
    (lambda c: write(c / "test.tsv", "test/test0.wav\t0.1\t0.6\tdog", "test/test1.wav"), "absent_classes", "warning"),
    (
        lambda c: edit(c / "test.tsv", "test/test1", "train/train3"), "shared_audio", "error",
    ),
    (
        lambda c: edit(c / "test.tsv", "test/test1.wav", "test/test0.wav\t0.1\t0.6\tdog\ntest/test1.wav"),
        "duplicate_events", "warning",
    ),
]  # fmt: skip


@pytest.mark.integration
@pytest.mark.parametrize(("fault", "name", "severity"), FAULTS)
def test_each_fault_is_found_and_errors_alone_fail(folder, capsys, fault, name, severity):
    fault(folder)
    code, found = findings(folder, capsys)
    assert (found[name]["severity"], found[name]["count"]) == (severity, 1)
    assert code == any(finding["severity"] == "error" for finding in found.values())
    assert code == (severity == "error")


@pytest.mark.integration
def test_tags_that_contradict_events_and_labels_outside_the_classes(folder, capsys):
    weak = folder / "weak.tsv"
    write(weak, "train/train0.wav\tspeech", "train/train1.wav\tspeech", heading="filename\tevent_labels")
    code = main(check(folder, "--json", "--classes", "dog,car", more=(weak,)))
    found = {finding["check"]: finding for finding in json.loads(capsys.readouterr().out)["findings"]}
    assert code == 1
    assert found["contradicting_tags"]["examples"] == [
        f"{folder / 'train.tsv'}, line 2: train-train0: tagged without an event: speech; events without a tag: dog"
    ]
    assert found["unknown_labels"]["what"].startswith("labels that are no class: 'speech' (")


@pytest.mark.integration
def test_an_imported_corpus_of_all_kinds_of_label_is_clean_and_its_kinds_are_counted(folder, capsys):
    lists = folder / "train.tsv", folder / "weak.tsv", folder / "unlabelled.tsv"
    names = [f"train/train{number}.wav" for number in range(16)]
    write(lists[0], *(f"{name}\t0.1\t0.6\t{CLASSES[index % 2]}" for index, name in enumerate(names[:10])))
    write(lists[1], *(f"{name}\tdog,speech" for name in names[10:13]), heading="filename\tevent_labels")
    write(lists[2], *names[13:], heading="filename")
    held_out = ("--validation", str(folder / "validation.tsv"), "--test", str(folder / "test.tsv"))
    assert main(["data", "import", "mine", "--task", "events", "--train", *map(str, lists), *held_out]) == 0
    capsys.readouterr()
    assert main(["data", "check", "mine", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["findings"] == []
    assert document["labels"]["train"] == {"strong": 10, "weak": 3, "unlabelled": 3}


@pytest.mark.integration
def test_a_built_corpus_is_clean_and_says_its_labels(tiny_tones, capsys):
    assert main(["data", "check", "tones/tiny", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["errors"]["kinds"] == 0
    assert document["clips"] == {"train": 8, "validation": 4, "test": 4}
    assert document["labels"]["train"]["strong"] == 8
    assert document["longest_batch"]["num_clips"] == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.tsv", "--task", "events"], "absent.tsv: no corpus in"),
        (["bad.tsv", "--task", "events"], "bad.tsv, line 2: onset 'soon', allowed: a time in seconds"),
        (["tones/tiny", "--task", "speech"], "--task speech: tones/tiny is a corpus of events, allowed: events"),
        (["bad.tsv"], "labels of sound events? --task events"),
        (["bad.tsv", "--task", "events", "--format", "kaldi"], "--format kaldi: allowed with --task events: auto"),
    ],
)
def test_what_cannot_be_read_is_one_line_and_exit_code_2(tmp_path, tiny_tones, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "bad.tsv", "a.wav\tsoon\t1\tdog")
    assert main(["data", "check", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert len(printed.err.splitlines()) == 1
