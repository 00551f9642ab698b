"""Corpora that are made half: an error, Ctrl-C or a kill leaves nothing that is taken for whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from datamodules.corpora.sound_files import write_flac
from datamodules.corpora.sounds import tones
from datamodules.corpora.whole_folder import locked, whole_folder
from datamodules.corpus_folder import CorpusMissingError, data_root, read_card


def test_a_folder_without_a_card_is_not_a_corpus_and_is_made_anew(earmark_home: Path) -> None:
    half = data_root() / "tones" / "tiny"
    (half / "audio").mkdir(parents=True)
    (half / "leftover.tsv").write_text("half")
    with pytest.raises(CorpusMissingError, match=r"run: earmark data tones --scale tiny$"):
        read_card("tones/tiny")
    tones.prepare("tiny")
    assert read_card("tones/tiny").num_clips["train"] == 8
    assert not (half / "leftover.tsv").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "tones/tiny"}'])
def test_a_damaged_card_is_no_card(earmark_home: Path, text: str) -> None:
    tones.prepare("tiny")
    (data_root() / "tones" / "tiny" / "corpus.json").write_text(text)
    with pytest.raises(CorpusMissingError, match=r"is damaged\); run: earmark data tones --scale tiny$"):
        read_card("tones/tiny")
    assert tones.prepare("tiny").num_clips["test"] == 4


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "clip.flac").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"clip\.flac: cannot be written \(.*\); is the disk full\?$"):
        write_flac(tmp_path / "clip.flac", np.ones(160_000, dtype=np.int16), 16_000)


def test_the_hint_names_the_seed(earmark_home: Path) -> None:
    with pytest.raises(CorpusMissingError, match=r"run: earmark data soundscapes --scale demo --seed 7$"):
        read_card("soundscapes/demo-seed7")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_an_error_leaves_the_old_folder_and_no_part(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "corpus"
    with whole_folder(target) as folder:
        (folder / "old").touch()
    with pytest.raises(error), whole_folder(target) as folder:  # noqa: PT012
        (folder / "new").touch()
        raise error
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]
    assert [path.name for path in target.iterdir()] == ["old"]


def test_a_part_left_by_a_killed_maker_is_swept_away(tmp_path: Path) -> None:
    (tmp_path / ".corpus.partial").mkdir()
    (tmp_path / ".corpus.partial" / "stale").touch()
    with whole_folder(tmp_path / "corpus") as folder:
        assert list(folder.iterdir()) == []
    assert list((tmp_path / "corpus").iterdir()) == []


@pytest.mark.integration
def test_a_second_maker_waits_for_the_first(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from datamodules.corpora.sound_files import write_flac
from datamodules.corpora.whole_folder import locked
with locked(Path({str(tmp_path / "corpus")!r})):
    Path({str(tmp_path / "entered")!r}).touch()
"""
    with locked(tmp_path / "corpus"):
        process = subprocess.Popen([sys.executable, "-c", code])
        time.sleep(1.5)
        assert process.poll() is None
        assert not (tmp_path / "entered").exists()
    assert process.wait(timeout=30) == 0
    assert (tmp_path / "entered").exists()


@pytest.mark.integration
@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGKILL])
def test_a_maker_that_is_stopped_leaves_nothing_that_looks_whole(earmark_home: Path, signal_number: int) -> None:
    code = "from datamodules.corpora.sounds import tones; tones.prepare('demo')"
    process = subprocess.Popen([sys.executable, "-c", code], env=dict(os.environ), stderr=subprocess.DEVNULL)
    part = data_root() / "tones" / ".demo.partial" / "audio" / "train"
    deadline = time.monotonic() + 60
    while not (part.is_dir() and any(part.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal_number)
    assert process.wait(timeout=30) != 0
    assert not (data_root() / "tones" / "demo").exists()
    assert part.exists() == (signal_number == signal.SIGKILL)
    with pytest.raises(CorpusMissingError):
        read_card("tones/demo")
