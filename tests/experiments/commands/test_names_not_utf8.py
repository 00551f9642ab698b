"""Names and texts that are not UTF-8: every command says file and line in one line, and never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from datamodules.importers.entry import ManifestError
from datamodules.importers.read import read_manifest
from datamodules.texts.utf8_text import NotUtf8Error, has_surrogate, printable, read_utf8
from experiments.cli import main

HALF = "caf\udce9"  # what Python makes of the Latin-1 bytes of café


def refused(command: list[str], capfd) -> str:
    assert main(command) == 2
    printed, error = capfd.readouterr()
    assert printed == ""
    assert error.startswith("earmark: error: ")
    assert error.count("\n") == 1
    return error


@pytest.mark.parametrize("command", [["data", "check"], ["data", "import", "mine", "--train"]])
@pytest.mark.parametrize("key", ["audio", "id", "text", "speaker"])
def test_half_a_surrogate_pair_in_a_manifest_is_named_by_line(earmark_home, tmp_path, capfd, command, key):
    path = tmp_path / "train.jsonl"
    whole = {"audio": "a.wav", "text": "one", "id": "a", "speaker": "anna"}
    path.write_text(f"{json.dumps({**whole, 'id': 'b'})}\n{json.dumps({**whole, key: HALF})}\n", encoding="utf-8")
    error = refused([*command, str(path), "--language", "en"], capfd)
    assert f"{path}, line 2: {key} " in error
    assert r"caf\udce9' is not UTF-8" in error


def test_nemo_and_lhotse_manifests_are_refused_likewise(tmp_path):
    nemo = tmp_path / "nemo.json"
    nemo.write_text(json.dumps({"audio_filepath": f"{HALF}.wav", "text": "hello", "duration": 1.0}), encoding="utf-8")
    cut = {
        "id": HALF, "start": 0.0, "duration": 1.0, "channel": 0, "type": "MonoCut",
        "supervisions": [{"id": HALF, "recording_id": "r", "start": 0.0, "duration": 1.0, "channel": 0, "text": "one"}],
        "recording": {
            "id": "r", "sources": [{"type": "file", "channels": [0], "source": "a.wav"}], "sampling_rate": 8000,
            "num_samples": 8000, "duration": 1.0,
        },
    }  # fmt: skip
    lhotse = tmp_path / "cuts.jsonl"
    lhotse.write_text(json.dumps(cut), encoding="utf-8")
    for path, key in ((nemo, "audio"), (lhotse, "id")):
        with pytest.raises(ManifestError, match=rf"{path.name}, line 1: {key} .* is not UTF-8"):
            read_manifest(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("train.tsv", b"audio\ttext\nb.wav\ttwo\ncaf\xe9.wav\tone\n"),
        ("train.csv", b"audio,text\r\nb.wav,two\r\ncaf\xe9.wav,one\r\n"),
        ("train.jsonl", b'\xef\xbb\xbf{"audio": "b.wav", "text": "two"}\r\r{"audio": "caf\xe9.wav", "text": "one"}\r'),
        ("train.tsv", b"path\tclient_id\tsentence\nb\tx\ttwo\ncaf\xe9\tx\tone\n"),
    ],
)
def test_bytes_of_another_encoding_are_named_by_line(tmp_path, capfd, name, content):
    (tmp_path / name).write_bytes(content)
    error = refused(["data", "check", str(tmp_path / name), "--language", "en"], capfd)
    assert f"{tmp_path / name}, line 3: not UTF-8 text" in error
    assert r"\xe9" in error


def test_kaldi_files_and_lists_to_score_are_refused_likewise(tmp_path, capfd):
    data = tmp_path / "kaldi"
    data.mkdir()
    (data / "wav.scp").write_bytes(b"a a.wav\nb caf\xe9.wav\n")
    (data / "text").write_text("a one\nb two\n", encoding="utf-8")
    assert f"{data / 'wav.scp'}, line 2: not UTF-8" in refused(["data", "check", str(data)], capfd)
    latin, good = tmp_path / "hyp.txt", tmp_path / "ref.txt"
    latin.write_bytes(b"a one\nb caf\xe9\n")
    good.write_text("a one\nb café\n", encoding="utf-8")
    command = ["score", "text", "--reference", str(good), "--hypothesis", str(latin)]
    assert f"{latin}, line 2: not UTF-8" in refused(command, capfd)
    events = tmp_path / "events.tsv"
    events.write_bytes(b"filename\tonset\toffset\tevent_label\ncaf\xe9.wav\t0\t1\tdog\n")
    command = ["score", "events", "--reference", str(events), "--estimated", str(events)]
    assert f"{events}, line 2: not UTF-8" in refused(command, capfd)


@pytest.fixture
def folder_in_latin_1(tmp_path: Path) -> Path:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes names in UTF-8 alone")
    return folder


def test_files_whose_own_name_is_not_utf8(earmark_home, folder_in_latin_1, tmp_path, capfd):
    manifest = folder_in_latin_1 / "train.tsv"
    manifest.write_text("audio\ttext\na.wav\tone\n", encoding="utf-8")
    soundfile.write(os.fsencode(folder_in_latin_1 / "a.wav"), np.zeros(8000), 8000)
    error = refused(["data", "check", str(manifest), "--language", "en"], capfd)
    assert r"caf\udce9/train.tsv: the name is not UTF-8" in error
    outside = tmp_path / "train.tsv"
    outside.write_bytes(manifest.read_bytes())
    options = ["--language", "en", "--audio-root", str(folder_in_latin_1)]
    error = refused(["data", "import", "mine", "--train", str(outside), *options], capfd)
    assert f"{outside}, line 2: audio " in error
    absent = ["score", "text", "--reference", str(folder_in_latin_1 / "none.txt"), "--hypothesis", str(outside)]
    assert r"caf\udce9/none.txt" in refused(absent, capfd)


@given(st.binary(max_size=60))
def test_any_bytes_are_text_or_a_line(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("bytes") / "x.txt"
    path.write_bytes(data)
    try:
        text = read_utf8(path)
    except NotUtf8Error as error:
        line = int(str(error).removeprefix(f"{path}, line ").partition(":")[0])
        universal = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        if "UTF-16" in str(error):
            assert data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in b"\n".join(universal[:line])
            return
        with pytest.raises(UnicodeDecodeError):
            b"\n".join(universal[:line]).decode("utf-8-sig")
        b"\n".join(universal[: line - 1]).decode("utf-8-sig")
    else:
        assert text == path.read_text(encoding="utf-8-sig")
        assert "\0" not in text


@given(st.text(st.characters(exclude_categories=()), max_size=10))
def test_what_has_a_surrogate_is_what_cannot_be_encoded(text):
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        assert has_surrogate(text)
        assert not has_surrogate(printable(text))
    else:
        assert not has_surrogate(text)
        assert printable(text) == text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_unicode_gets_escapes(tmp_path: Path, encoding: str) -> None:
    environment = {**os.environ, "EARMARK_HOME": str(tmp_path), "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "experiments", "plan", "weak_sed", "--scale", "demo"]
    done = subprocess.run(command, capture_output=True, env=environment, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "weak_sed · scale demo".encode(encoding, "backslashreplace") in done.stdout
