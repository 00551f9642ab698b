"""Blocks on finished runs that take seconds: as they stand in their pages. The longer ones: test_every_use.py.

One row is trained, by its own name, on tones in the place of its corpus.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from .blocks import blocks, run_block, run_line
from .page_homes import put_clips, put_corpora, run_of

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With an epoch of a row of ``weak_sed``, trained by the line of docs/launching.md."""
    folder = tmp_path_factory.mktemp("home")
    put_corpora(folder)
    train = blocks("docs/launching.md", "sh")[0]
    small = "--rows glu_mil --seeds 0 --set trainer.max_epochs=1"
    run_block(train, folder, instead={"weak_sed --slots 4": f"weak_sed --slots 1 {small}"})
    return folder


def test_events_are_predicted(home: Path, tmp_path: Path) -> None:
    put_clips(home, tmp_path)
    predict, self_check = blocks("docs/predict.md", "sh")
    assert "1 file" in run_block(predict, tmp_path, home=home)
    assert (tmp_path / "garden" / "monday.tsv").read_text(encoding="utf-8").startswith("filename\tonset")
    assert "this installation predicts what it should" in run_block(self_check, tmp_path, home=home)


def test_what_a_launch_left_is_delivered_and_cleaned(home: Path, tmp_path: Path) -> None:
    _, _, sync, clean = blocks("docs/launching.md", "sh")
    run_block(sync, tmp_path, home=home)
    assert "free" in run_block(clean, tmp_path, home=home)


def test_a_run_is_reproduced_as_the_page_shows_it(home: Path, tmp_path: Path) -> None:
    """Nothing differs here; the lines before that are the page's, of another run, whose checkout had changes."""
    (shown,) = blocks("docs/tracking.md", "text")
    first, *said = [line for line in shown.splitlines() if line.strip()]
    command = first.removeprefix("$ ").replace("3f2a9c", run_of(home, "glu_mil").name[:8])
    printed = run_line(command, tmp_path, home=home)
    differs = said.index("what differs here:")
    for line in said[:differs]:
        line = line.replace(", git.diff", "").replace("mil ", "glu_mil ")
        pattern = re.sub(r"[0-9a-f]{4,}(…)?", "[0-9a-f]+…?", re.escape(line).replace("\\-", "-"))
        assert re.search(pattern, printed), f"{line}\n{printed}"


def test_stored_post_processing_is_read_back_and_curves_are_scored(home: Path, tmp_path: Path) -> None:
    for name in ("scores", "predictions"):
        shutil.copytree(run_of(home, "glu_mil") / name, tmp_path / name)
    (text,), (score,) = blocks("docs/sed.md", "python"), blocks("docs/sed.md", "sh")
    assert "events of 4 clips" in run_line(f'python -c \'{text}print("events of", len(events), "clips")\'', tmp_path)
    corpus = home / "data" / "soundscapes" / "demo"
    for split, name in (("test", "test"), ("validation", "val")):
        shutil.copy(corpus / f"{split}_strong.tsv", tmp_path / f"{name}.tsv")
    clips = {line.split("\t")[0] for line in (tmp_path / "test.tsv").read_text(encoding="utf-8").splitlines()[1:]}
    durations = "".join(f"{clip}\t2.0\n" for clip in sorted(clips))
    (tmp_path / "durations.tsv").write_text(f"filename\tduration\n{durations}", encoding="utf-8")
    assert run_block(score, tmp_path).count('"figures"') == 2
