"""The tutorial and the pages of one's own speech and systems: every block runs as it stands, in its order."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import pytest
import soundfile

from datamodules.corpora.speech import spoken_tones
from datamodules.corpus_files import listed_cuts

from .blocks import all_blocks, blocks, run_line
from .page_homes import put_libraries

pytestmark = pytest.mark.integration


def run_page(page: str, folder: Path, files: dict[str, str], *, without: str | None = None) -> str:
    """Run a page's ``sh`` blocks; a block of another language is written to its file when it is reached.

    ``without`` is a command that this machine cannot run.
    """
    printed = ""
    for block in all_blocks(page):
        if block.language in files:
            (folder / files[block.language]).write_text(block.text, encoding="utf-8")
        elif block.language == "sh":
            for line in block.text.splitlines():
                if without is None or not line.startswith(f"earmark {without}"):
                    printed += run_line(line, folder)
    return printed


def test_a_pooling_of_ones_own_and_its_rows(tmp_path: Path) -> None:
    printed = run_page("docs/add_a_system.md", tmp_path, {"python": "top_frames.py", "yaml": "mine.yaml"})
    assert re.search(r"\| top\S*=3 +\|.*\d", printed)
    assert re.search(r"\| top\S*=10 +\|.*\d", printed)


@pytest.mark.slow
def test_speech_of_ones_own(tmp_path: Path, earmark_home: Path) -> None:
    """Synthetic speech as a user would have it: a list with tabs, and clips beside it."""
    heading, *shown = (line.split("\t") for line in blocks("docs/your_speech.md", "text")[0].splitlines())
    assert [len(line) for line in shown] == [len(heading)] * 2
    lines = [heading]
    (tmp_path / "clips").mkdir()
    spoken_tones.prepare("demo")  # tiny has too few texts to deal
    made = earmark_home / "data" / "spoken_tones" / "demo"
    for manifest in sorted((made / "manifests").glob("*.jsonl.gz")):
        for cut in listed_cuts(manifest):
            if cut["supervisions"][0]["language"] == "cs":
                source = made / cut["recording"]["sources"][0]["source"]
                samples_S, rate_hz = soundfile.read(source)
                first, length = (round(cut[key] * rate_hz) for key in ("start", "duration"))
                name = f"clips/{len(lines):03d}.wav"
                soundfile.write(tmp_path / name, samples_S[first : first + length], rate_hz)
                supervision = cut["supervisions"][0]
                lines.append([name, supervision["text"], supervision["speaker"]])
    with (tmp_path / "train.tsv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t", lineterminator="\n").writerows(lines)
    assert re.search(r"\| lstm +\|.*\d", run_page("docs/your_speech.md", tmp_path, {"yaml": "mine.yaml"}))


@pytest.mark.slow
def test_the_tutorial(folder: Path) -> None:
    has_demo = put_libraries(folder)
    shutil.copy(folder / "garden" / "day 0.wav", folder / "evening.wav")
    printed = run_page("docs/tutorial.md", folder, {"yaml": "garden.yaml"}, without=None if has_demo else "demo")
    assert re.search(r"\| strong +\|.*\d", printed)
    assert (folder / "predicted" / "evening.txt").is_file()
    assert "<html" in (folder / "garden.html").read_text(encoding="utf-8")
    assert (folder / "predicted" / "evening.tsv").read_text(encoding="utf-8").startswith("filename\tonset")
    if not has_demo:
        pytest.skip("all but the demo: no npm, and EARMARK_LIBRARIES names no folder with its two libraries")
    assert (folder / "page" / "index.html").is_file()
    systems = (folder / "page" / "data" / "systems.js").read_text(encoding="utf-8")
    assert re.findall(r'"title": "(\w+) seed \d"', systems) == ["weak", "strong"]
