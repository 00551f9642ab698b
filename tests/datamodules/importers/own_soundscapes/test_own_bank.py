"""What a folder or a table says of its recordings: classes, families and backgrounds; and what is refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from datamodules.corpora.sounds.inventory import BACKGROUND
from datamodules.importers.entry import ManifestError
from datamodules.importers.own_soundscapes.bank import read_bank
from datamodules.importers.own_soundscapes.heard import Recordings, listen, mixed_down
from datamodules.run_warning import RunWarning

FILES = ("tap/monday/1.wav", "tap/monday/2.wav", "tap/tuesday__1.flac", "tap/drip.wav", "cup/drip.wav", "hum/1.wav")


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / "bank" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "bank" / name).touch()
    return tmp_path / "bank"


def families(bank: Path, background: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in read_bank(bank, background=background):
        found.setdefault(one.label, []).append(one.family)
    return found


def test_folders_prefixes_and_files_are_families(bank):
    assert families(bank, "hum") == {
        "tap": ["tap/drip.wav", "tuesday", "monday", "monday"], "cup": ["cup/drip.wav"], BACKGROUND: ["hum/1.wav"],
    }  # fmt: skip
    assert all(Path(one.place).is_file() for one in read_bank(bank, background="hum"))


def test_backgrounds_may_lie_elsewhere(bank, tmp_path):
    (tmp_path / "noise" / "night").mkdir(parents=True)
    (tmp_path / "noise" / "night" / "1.wav").touch()
    found = families(bank, str(tmp_path / "noise"))
    assert found[BACKGROUND] == ["night"]
    assert found["hum"] == ["hum/1.wav"]


@pytest.mark.parametrize("separator", [",", "\t"])
def test_a_table_says_the_same(bank, separator):
    rows = [("class", "file", "family"), ("tap", "tap/monday/1.wav", "mon"), ("cup", "cup/drip.wav", ""),
            ("hum", "hum/1.wav", "")]  # fmt: skip
    table = bank / "table.csv"
    table.write_text("".join(separator.join(row) + "\n" for row in rows), encoding="utf-8")
    assert families(table, "hum") == {"tap": ["mon"], "cup": ["cup/drip.wav"], BACKGROUND: ["hum/1.wav"]}
    assert read_bank(table, background="hum")[0].place == f"{table}, line 2"


def test_what_is_no_audio_is_said(bank):
    (bank / "tap" / "notes.txt").touch()
    with pytest.warns(RunWarning, match=r"left out files that are no audio: 1 \(notes.txt\)"):
        read_bank(bank, background="hum")


@pytest.mark.parametrize(
    ("fault", "background", "message"),
    [
        (lambda b: None, "nothing", "--background nothing: no class of .* allowed: one of cup, hum, tap, or a folder"),
        (lambda b: (b / "loose.wav").touch(), "hum", "loose.wav: a recording beside the class folders"),
        (lambda b: (b / "empty").mkdir(), "hum", "empty: no audio in it, allowed: recordings of class 'empty'"),
        (lambda b: (b / "hum").rename(b / BACKGROUND), "cup", "a class 'background' beside --background cup"),
    ],
)
def test_banks_that_cannot_be_read_are_refused(bank, fault, background, message):
    fault(bank)
    with pytest.raises(ManifestError, match=message):
        read_bank(bank, background=background)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty, allowed: a heading with the columns file, class, family"),
        ("file,label\na.wav,tap\n", "line 1: no column 'class'"),
        ("file,class\na.wav\n", "line 2: 1 columns, allowed: 2"),
        ("file,class\na.wav,\n", "line 2: class '', allowed: the name of a class"),
        ("file,class\n,tap\n", "line 2: audio ''"),
    ],
)
def test_tables_are_refused_with_their_line(tmp_path, text, message):
    table = tmp_path / "bank.csv"
    table.write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError, match=message):
        read_bank(table, background="hum")


def test_recordings_of_any_rate_and_channels_are_heard_as_the_bank_keeps_them(bank):
    rng = np.random.default_rng(0)
    for number, name in enumerate(FILES):
        sound_SC = rng.uniform(-0.1, 0.1, (4410, 2))
        padded_SC = np.concatenate([np.zeros((4410, 2)), sound_SC, np.zeros((4410, 2))])
        soundfile.write(bank / name, padded_SC if number else np.zeros(4410), 44_100)
    (bank / "tap" / "drip.wav").write_bytes((bank / "cup" / "drip.wav").read_bytes())
    heard = listen(read_bank(bank, background="hum"))
    assert len(heard.recordings) == 4
    assert {reason: len(places) for reason, places in heard.left_out.items()} == {
        "silent or shorter than 0.1 s": 1, "the same sound as another": 1,
    }  # fmt: skip
    waveform_S = mixed_down(bank / "tap/monday/2.wav")
    assert np.abs(waveform_S).max() == pytest.approx(0.9, abs=1e-3)
    assert len(waveform_S) == pytest.approx(1600 + 2 * 2 * 160, abs=2 * 160)  # the sound and 20 ms on either side
    drawn = Recordings([bank / "tap/monday/2.wav"])
    assert (len(drawn), np.array_equal(drawn[0], waveform_S)) == (1, True)


def test_a_file_that_cannot_be_read_is_named(bank):
    with pytest.raises(ManifestError, match=r"drip.wav: .*drip.wav: an empty file"):
        listen(read_bank(bank, background="hum"))
