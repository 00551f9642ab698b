"""Blocks on data, texts and the command line itself, that need no finished run: as they stand in their pages."""

from __future__ import annotations

import ast
import gzip
import io
import itertools
import json
import re
import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from datamodules.corpora.speech.speech_splits import split_of_text
from experiments.cli import build_parser
from experiments.commands.shell.next_command import same_cells, say_next

from ..experiments.commands.data.published_folders import noise, write_all
from .blocks import blocks, run_block

RATE_HZ = 16_000
WORDS = ("dobrý", "den", "pane", "na", "shledanou", "kde", "je", "dům", "pes", "spí")


def table(path: Path, heading: list[str], rows: list[list[str]]) -> None:
    lines = [heading, *([*row, *[""] * (len(heading) - len(row))] for row in rows)]
    path.write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")


@pytest.mark.slow
def test_import_checks_and_imports_speech_and_events(tmp_path: Path) -> None:
    page = "docs/import.md"
    speech, events = blocks(page, "sh")
    heading, *shown = (re.split(" {2,}", line) for line in blocks(page, "text")[0].splitlines())
    noise(tmp_path / "clips" / "0001.flac")
    noise(tmp_path / "call.wav", 15.0, channels=2)
    told: dict[str, list[list[str]]] = {"train": shown, "test": []}
    texts = [" ".join(words) for words in itertools.permutations(WORDS, 3)]
    dealt = [text for text in texts if split_of_text(text) == "validation"]
    for number, text in enumerate([*texts[::50], *dealt[:2]]):
        name = f"clips/{number + 2:04d}.flac"
        noise(tmp_path / name)
        told["test" if number % 6 == 0 else "train"].append([name, text, "cs", "anna"])
    for split, rows in told.items():
        table(tmp_path / f"{split}.tsv", heading, rows)
    printed = run_block(speech, tmp_path)
    assert printed.count("no errors") == 2
    assert re.search(r"gru .*missing", printed)

    for split in ("train", "test"):
        rows = [[f"{split}{number}.wav", "0.5", "1.5", ("dog", "speech")[number % 2]] for number in range(4)]
        for name, *_ in rows:
            noise(tmp_path / "audio" / name)
        table(tmp_path / f"{split}.tsv", ["filename", "onset", "offset", "event_label"], rows)
    assert "no errors" in run_block(events, tmp_path)


@pytest.mark.integration
def test_sounds_of_ones_own_become_soundscapes(tmp_path: Path) -> None:
    (text,) = blocks("docs/data.md", "sh")
    rng = np.random.default_rng(0)
    lines = ["file,class"]
    for label in ("tap", "kettle", "fire", "alarm", "door", "background"):
        for number in range(6):
            path = tmp_path / ("kitchen" if label in ("tap", "kettle") else "sounds") / label / f"{number}.wav"
            if label == "background":
                path = tmp_path / "kitchen-noise" / f"{number}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            loud = 0.01 if label == "background" else 0.3
            soundfile.write(path, rng.normal(0, loud, 12 * RATE_HZ if loud < 0.1 else RATE_HZ).clip(-1, 1), RATE_HZ)
            lines.append(f"{path.relative_to(tmp_path)},{label}")
    (tmp_path / "sounds.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    printed = run_block(
        text,
        tmp_path,
        instead={"--name kitchen-scapes": "--name kitchen-scapes --clips 6 3 3", "2000 300 500": "6 3 3"},
    )
    assert "no errors" in printed


@pytest.mark.integration
def test_published_layouts_are_imported_by_the_lines_of_their_page(tmp_path: Path) -> None:
    """What the lines fetch is there, with seconds of noise."""
    write_all(tmp_path)
    (tmp_path / "ESC-50-master").rename(tmp_path / "ESC-50")
    (tmp_path / "URBAN-SED").rename(tmp_path / "URBAN-SED_v2.0.0")
    challenge = tmp_path / "dcase2018_baseline" / "task4" / "dataset"
    challenge.parent.mkdir(parents=True)
    (tmp_path / "task4").rename(challenge)
    (tmp_path / "audio").mkdir()
    for path in [*(tmp_path / "audioset").iterdir()]:
        path.rename((tmp_path / "audio" if path.is_dir() else tmp_path) / path.name)
    (tmp_path / "label_studio" / "export.json").rename(tmp_path / "project-1.json")
    (tmp_path / "label_studio" / "audio").rename(tmp_path / "media")
    with gzip.open(tmp_path / "lhotse" / "cuts.jsonl.gz", "rt", encoding="utf-8") as file:
        cuts = file.readlines()
    for split, lines in (("train", cuts[:10]), ("test", cuts[10:])):
        with gzip.open(tmp_path / f"cuts_{split}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(lines)

    esc, urban, dcase, lists, audioset, label_studio, lhotse = blocks("docs/sound_event_layouts.md", "sh")
    run_block(esc, tmp_path, without=("git clone",))
    run_block(urban, tmp_path, without=("curl",))
    run_block(dcase, tmp_path, without=("git clone",))
    run_block(audioset, tmp_path, without=("curl",))
    run_block(label_studio, tmp_path)
    run_block(lists, challenge, home=tmp_path / "lists")
    run_block(lhotse, tmp_path, home=tmp_path / "lhotse home")
    made = {path.parent.name for path in (tmp_path / "data").glob("*/corpus.json")}
    assert made == {"esc50", "esc10", "urban_sed", "dcase2018", "audioset", "yard"}


def test_decoding_says_what_its_lines_give() -> None:
    """A line with a remark that begins with a tuple has that value."""
    for text in blocks("docs/decoding.md", "python"):
        names: dict[str, object] = {}
        compared = 0
        exec(text, names)
        for line in text.splitlines():
            value, _, remark = line.partition("  # ")
            if said := re.match(r"\([\d, ]*\)", remark):
                assert tuple(eval(value, names)) == ast.literal_eval(said[0]), line
                compared += 1
        assert compared


def test_texts_of_files_are_scored(tmp_path: Path) -> None:
    (text,) = blocks("docs/scoring_text.md", "sh")
    utterances = {"ref": "dobrý den", "mine": "dobrý den", "old": "dobry", "new": "dobrý den pane"}
    for name, said in utterances.items():
        (tmp_path / f"{name}.txt").write_text(f"u1 {said}\nu2 ahoj\n", encoding="utf-8")
    (tmp_path / "utt2spk").write_text("u1 anna\nu2 jan\n", encoding="utf-8")
    without_jq = {"jq .wer": "python -c 'import json, sys; print(json.load(sys.stdin)[\"wer\"])'"}
    wer, _, document = run_block(text, tmp_path, instead={} if shutil.which("jq") else without_jq).partition("\n")
    assert float(wer) == 0.0
    assert "wer_difference" in json.loads(document)


@pytest.mark.slow  # each script reads every shipped table
def test_completion_scripts_are_written_where_shells_look(tmp_path: Path) -> None:
    (text,) = blocks("docs/commands.md", "sh")
    run_block(text, tmp_path)
    for name in (".local/share/bash-completion/completions/earmark", ".zsh/completions/_earmark",
                 ".config/fish/completions/earmark.fish"):  # fmt: skip
        assert "earmark" in (tmp_path / name).read_text(encoding="utf-8")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_next_command_is_said_as_the_page_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``earmark plan`` of the same cells says in a terminal."""
    (shown,) = blocks("docs/commands.md", "text")
    said = Terminal()
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setattr(sys, "stderr", said)
    _, _, _, *cells = shlex.split(shown)
    say_next("run", *same_cells(build_parser().parse_args(["plan", *cells])))
    assert said.getvalue() == shown


def test_models_are_listed(tmp_path: Path) -> None:
    """The lines that fetch are those of tests/experiments/pretrained/test_fetching.py, over wheels of its own."""
    listed = run_block(blocks("docs/pretrained.md", "sh")[0], tmp_path, without=("earmark models whisper",))
    assert [name for name in ("whisper-base", "whisper-tiny-en") if name not in listed] == []
