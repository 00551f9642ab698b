"""The commands of README.md, each as it stands there: those that train for long by three rows, on tones."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from datamodules.corpora.speech import spoken_tones
from datamodules.corpus_files import listed_cuts

from .blocks import blocks, run_block, run_line
from .page_homes import RATE_HZ, put_corpora, run_of

pytestmark = pytest.mark.slow
ROWS = "--rows fsl,mil,mil_penalty"
CORPORA = ("soundscapes/demo", *(f"soundscapes/study-fold{fold}" for fold in range(5)), "tones/demo", "prompts")
INSTEAD = {
    "run weak_sed --scale demo   ": f"run weak_sed --scale demo {ROWS} ",
    "--seeds 0,1,2 ": "--seeds 0 ",
    "--accept-code-change": f"{ROWS} --accept-code-change",
    "--rescore": f"{ROWS} --rescore",
    "run ctc_decoding ": "run ctc_decoding --rows greedy --seeds 0 ",
    **{
        f"earmark run {table} ": f"earmark plan {table} " for table in ("end_to_end", "pooling", "encoders", "transfer")
    },
}
WITHOUT = (
    "earmark run weak_sed --on slurm",  # test_slurm_lines.py
    "earmark models",  # tests/experiments/pretrained/test_fetching.py
    "earmark ui",  # test_every_use.py
)
CODES = {"earmark report weak_sed --scale demo --check": 1}  # most rows are missing, and tones are no rooms


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A home with three rows at two seeds, and the files that the commands name."""
    put_corpora(tmp_path, CORPORA)
    run_line(f"earmark run weak_sed {ROWS}", tmp_path)
    shutil.copy(run_of(tmp_path, "mil_penalty") / "config.yaml", tmp_path / "config.yaml")
    sounds = tmp_path / "data" / "soundscapes" / "demo"
    shutil.copy(sounds / "test_strong.tsv", tmp_path / "test.tsv")
    shutil.copy(sounds / "test_strong.tsv", tmp_path / "mine.tsv")
    curves = run_of(tmp_path, "mil") / "predictions" / "test.npz"
    run_line(f"earmark score events --scores {curves} --write-scores curves/", tmp_path)
    put_garden(tmp_path)
    put_soundbank(tmp_path)
    put_speech(tmp_path)
    for name, text in (("ref", "ahoj pane"), ("a", "ahoj"), ("b", "ahoj pane")):
        (tmp_path / f"{name}.txt").write_text(f"u1 {text}\nu2 {text}\n", encoding="utf-8")
    return tmp_path


def put_garden(folder: Path) -> None:
    """Six recordings with label tracks."""
    rng = np.random.default_rng(0)
    (folder / "garden").mkdir()
    for number in range(6):
        path = folder / "garden" / f"{number}.wav"
        soundfile.write(path, rng.normal(0, 0.1, 8 * RATE_HZ).clip(-1, 1), RATE_HZ)
        lines = "".join(f"{2 * k + 0.5}\t{2 * k + 1.25}\t{('wren', 'robin')[k % 2]}\n" for k in range(4))
        path.with_suffix(".txt").write_text(lines, encoding="utf-8")


def put_soundbank(folder: Path) -> None:
    """Three takes of two classes, and of backgrounds."""
    rng = np.random.default_rng(1)
    for label, seconds in (("tap", 1), ("bell", 1), ("background", 12)):
        for number in range(3):
            path = folder / "sounds" / label / f"{number}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, rng.normal(0, 0.1, seconds * RATE_HZ).clip(-1, 1), RATE_HZ)


def put_speech(folder: Path) -> None:
    """``my.tsv`` with spoken tones of a lexicon that is large enough to be dealt."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARMARK_HOME", str(folder / "elsewhere"))
        patch.delenv("EARMARK_DATA", raising=False)
        spoken_tones.prepare("demo")
    made = folder / "elsewhere" / "data" / "spoken_tones" / "demo"
    lines = [["audio", "text", "language", "start", "duration"]]
    for cut in listed_cuts(made / "manifests" / "train.jsonl.gz"):
        (spoken,) = cut["supervisions"]
        source = str(made / cut["recording"]["sources"][0]["source"])
        lines.append([source, spoken["text"], spoken["language"], str(cut["start"]), str(cut["duration"])])
    with (folder / "my.tsv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t", lineterminator="\n").writerows(lines[:160])


def test_every_command_does_what_its_line_says(place: Path) -> None:
    text = blocks("README.md", "sh")[2]
    instead = {
        **INSTEAD,
        "3f2a9c": run_of(place, "mil").name[:8],
        "--name scenes": "--name scenes --clips 6 3 3",
    }
    printed = run_block(text, place, instead=instead, without=WITHOUT, codes=CODES)
    assert printed.count("| mil_penalty ") >= 1
    for name in ("table.tex", "weak_sed.html", "weak_sed.tar.xz"):
        assert (place / name).is_file(), name
    made = {path.parent.name for path in (place / "data").glob("*/corpus.json")}
    assert made >= {"garden", "mine", "scenes"}
