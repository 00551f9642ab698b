"""Blocks on finished runs: predicted with, transcribed, exported, reported, packed, cleaned; as they stand in their pages.

Three rows are trained, by their own names, on tones in the place of their corpora.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from .blocks import blocks, run_block, run_line
from .shipped_corpora import put_corpora

RATE_HZ = 16_000
pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With two rows of ``weak_sed`` and two of the ladder; the line of docs/launching.md trains the first."""
    folder = tmp_path_factory.mktemp("home")
    put_corpora(folder)
    run_block(
        blocks("docs/launching.md", "sh")[0], folder,
        instead={"weak_sed --slots 4": "weak_sed --slots 2 --rows mil,glu_mil --seeds 0"},
    )  # fmt: skip
    run_line("earmark run ctc_decoding --rows greedy,wfst --seeds 0", folder)
    return folder


@pytest.fixture
def clip(home: Path, tmp_path: Path) -> Path:
    """A test clip under the names that pages use, in a folder of the test's own."""
    source = next((home / "data" / "soundscapes" / "demo" / "audio").rglob("*test*.*"))
    samples_S, rate_hz = soundfile.read(source)
    for name in ("clip.wav", "street.wav", "garden/monday.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / name, samples_S, rate_hz)
    return tmp_path / "clip.wav"


def talks(folder: Path) -> None:
    """Three seconds of noise under the names that pages use, with texts that the recogniser can write."""
    samples_S = np.random.default_rng(0).normal(0, 0.1, 3 * RATE_HZ).clip(-1, 1)
    for name in ("talk.wav", "one.flac", "two.flac", "call.mp3", "talks/a.wav", "talks/b.wav"):
        (folder / name).parent.mkdir(exist_ok=True)
        soundfile.write(folder / name, samples_S, RATE_HZ)
    lines = [{"audio_filepath": "talk.wav", "text": "cat sat", "lang": "en", "duration": 3.0}]
    (folder / "test.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    kaldi = folder / "data" / "test"
    kaldi.mkdir(parents=True)
    for name, of in (("wav.scp", folder / "talk.wav"), ("text", "dog ran"), ("utt2spk", "anna"), ("utt2lang", "en")):
        (kaldi / name).write_text(f"u1 {of}\n", encoding="utf-8")


def test_events_are_predicted(home: Path, clip: Path) -> None:
    predict, self_check = blocks("docs/predict.md", "sh")
    assert "1 files" in run_block(predict, clip.parent, home=home)
    assert (clip.parent / "garden" / "monday.tsv").read_text(encoding="utf-8").startswith("filename\tonset")
    assert "this installation predicts what it should" in run_block(self_check, clip.parent, home=home)


def test_recordings_are_transcribed_and_aligned(home: Path, tmp_path: Path) -> None:
    talks(tmp_path)
    transcribe, align = blocks("docs/transcribe.md", "sh")
    assert run_block(transcribe, tmp_path, home=home).count("WEBVTT") == 1
    for name in ("talk.txt", "texts/one.srt", "texts/two.ctm", "call.txt"):
        assert (tmp_path / name).is_file(), name
    (answer,) = (tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(answer).keys() >= {"text", "pred_text"}
    (tmp_path / "talk.txt").write_text("Hen, hid!\n", encoding="utf-8")
    run_block(align, tmp_path, home=home)
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("words.ctm")}
    assert len(found) == 3, found


def test_a_run_is_exported_run_without_earmark_and_imported(home: Path, clip: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    printed = run_block(blocks("docs/export.md", "sh")[0], tmp_path, home=home, without=("pip install",))
    assert "filename\tonset\toffset\tevent_label" in printed


def test_runs_are_used_as_the_readme_says(home: Path, clip: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    talks(tmp_path)
    use = blocks("README.md", "sh")[1]
    transcribed = next(line for line in use.splitlines() if " -f srt" in line)
    before, _, after = use.partition(transcribed)
    run_block(before + transcribed, tmp_path, home=home)
    (tmp_path / "talk.txt").write_text("cat ran\n", encoding="utf-8")
    printed = run_block(after, tmp_path, home=home, without=("earmark demo",))
    assert "this installation predicts what it should" in printed
    for name in ("street.txt", "street.tsv", "talk.srt", "talks/a.txt", "mil_model/README.md"):
        assert (tmp_path / name).is_file(), name


def test_runs_travel(home: Path, tmp_path: Path) -> None:
    for row, name in (("mil", "mine"), ("glu_mil", "theirs")):
        run_line(f"earmark results pack weak_sed --scale demo --rows {row} --output {name}.tar.xz", tmp_path, home=home)
    printed = run_block(blocks("docs/results.md", "sh")[0], tmp_path, home=home)
    assert printed.count("| glu_mil ") == 2
    assert "2 were here with the same figures" in printed


def test_tables_are_reported(home: Path, tmp_path: Path) -> None:
    """Expected figures go beside the test, not into the shipped tables' own."""
    run_line("earmark results pack weak_sed --output weak_sed.tar.xz", tmp_path, home=home)
    report, _ = blocks("docs/report.md", "sh")
    beside = " --expected expected.yaml"
    printed = run_block(
        report, tmp_path, home=home,
        instead={"--write-expected": f"--write-expected{beside}", "--check": f"--check{beside}"},
    )  # fmt: skip
    assert printed.count("| mil ") >= 3
    assert "\\toprule" in (tmp_path / "t.tex").read_text(encoding="utf-8")
    assert "<html" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "mil:" in (tmp_path / "expected.yaml").read_text(encoding="utf-8")
    assert (tmp_path / "charts" / "comparison.png").is_file()


def test_what_a_launch_left_is_delivered_and_cleaned(home: Path, tmp_path: Path) -> None:
    _, _, sync, clean = blocks("docs/launching.md", "sh")
    run_block(sync, tmp_path, home=home)
    assert "free" in run_block(clean, tmp_path, home=home)


def test_a_run_is_reproduced_as_the_page_shows_it(home: Path, tmp_path: Path) -> None:
    """What differs is nothing here; the lines before are those of the page."""
    (shown,) = blocks("docs/tracking.md", "text")
    first, *_ = shown.splitlines()
    key = next(path.name for path in (home / "mlruns" / "runs").iterdir() if is_of(path, "mil"))
    printed = run_line(first.removeprefix("$ ").replace("3f2a9c", key[:8]), tmp_path, home=home)
    for line in shown.splitlines()[2:6]:
        if line.strip():
            pattern = re.sub(r"reproduce-[0-9a-f]+", r"reproduce-[0-9a-f]+", re.sub(r"([().|])", r"\\\1", line))
            assert re.search(pattern, printed), f"{line}\n{printed}"


def test_stored_post_processing_is_read_back_and_curves_are_scored(home: Path, tmp_path: Path) -> None:
    run = next(path for path in (home / "mlruns" / "runs").iterdir() if is_of(path, "mil"))
    shutil.copytree(run / "scores", tmp_path / "scores")
    shutil.copytree(run / "predictions", tmp_path / "predictions")
    (text,), (score,) = blocks("docs/sed.md", "python"), blocks("docs/sed.md", "sh")
    assert "events of 4 clips" in run_line(f"python -c '{text}print(\"events of\", len(events), \"clips\")'", tmp_path)
    corpus = home / "data" / "soundscapes" / "demo"
    for split, name in (("test", "test"), ("validation", "val")):
        shutil.copy(corpus / f"{split}_strong.tsv", tmp_path / f"{name}.tsv")
    clips = {line.split("\t")[0] for line in (tmp_path / "test.tsv").read_text(encoding="utf-8").splitlines()[1:]}
    durations = "".join(f"{clip}\t2.0\n" for clip in sorted(clips))
    (tmp_path / "durations.tsv").write_text(f"filename\tduration\n{durations}", encoding="utf-8")
    assert run_block(score, tmp_path).count('"psds1"') == 2


def is_of(run: Path, row: str) -> bool:
    provenance = json.loads((run / "provenance.json").read_text(encoding="utf-8"))
    return bool(provenance.get("row") == row)
