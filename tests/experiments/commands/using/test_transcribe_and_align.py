"""The commands as a user types them, on a folder that holds a small untrained recogniser: no store, no corpus."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from experiments.applying.transcribing.recordings import Transcriber
from experiments.cli import main
from experiments.table_files.yaml_files import read_yaml
from lightning_modules.asr.ctc.ctc import CTC

from ....lightning_modules.asr.small_recognisers import FEATURES, small_encoder

RATE_HZ = 8000
SYMBOLS = ["<blank>", " ", "a", "b", "c"]
MODEL = {
    "class_path": "lightning_modules.asr.ctc.ctc.CTC",
    "init_args": {
        "features": {"hop_seconds": 0.016, "window_seconds": 0.032, "num_mels": 40},
        "encoder": {
            "class_path": "lightning_modules.layers.recurrent_encoder.RecurrentEncoder",
            "init_args": {
                "num_mels": 40, "conv_channels": 8, "num_halvings": 1, "cell": "gru", "hidden_units": 32,
                "num_layers": 1, "bidirectional": True, "dropout": 0.0,
            },
        },
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as ``earmark export`` writes one."""
    folder = tmp_path_factory.mktemp("exported")
    torch.manual_seed(3)
    system = CTC(symbols=SYMBOLS, sample_rate_hz=RATE_HZ, encoder=small_encoder(), features=FEATURES)
    with torch.no_grad():  # an untrained output says one symbol for ever; a sharp one says many
        system.classifier.weight.mul_(60.0)
    torch.save({"state_dict": system.state_dict()}, folder / "weights.ckpt")
    record = {
        "name": "small", "key": "abc123", "weights": "weights.ckpt", "config": {"model": MODEL}, "family": "asr",
        "sample_rate_hz": RATE_HZ, "classes": [], "symbols": SYMBOLS,
    }  # fmt: skip
    (folder / "earmark.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "talk.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.3, 0.3, 2 * RATE_HZ), RATE_HZ)
    return path


def test_transcribing_writes_beside_the_input_and_says_what_it_did(
    recogniser: Path, talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = talk.with_name("broken.wav")
    broken.write_bytes(b"RIFF")
    assert main(["transcribe", str(recogniser), str(broken), str(talk), "-f", "all", "--cut", "quiet", "--json"]) == 1
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert [one["audio"] for one in document["files"]] == [str(talk)]
    assert [one["audio"] for one in document["failed"]] == [str(broken)]
    assert [line for line in err.splitlines() if str(broken) in line] == [
        f"earmark: {broken}: {document['failed'][0]['why']}"
    ]
    text = document["files"][0]["text"]
    assert text
    assert talk.with_suffix(".txt").read_text(encoding="utf-8") == f"{text}\n"
    assert {path.suffix for path in talk.parent.iterdir()} == {
        ".wav", ".txt", ".srt", ".vtt", ".tsv", ".json", ".ctm", ".yaml",
    }  # fmt: skip
    assert "read by the greedy decoding that validation uses" in err
    assert main(["transcribe", str(recogniser), str(talk)]) == 2
    assert "--overwrite replaces them" in capsys.readouterr().err
    params = talk.with_name("transcribe.yaml")
    assert main(["transcribe", "--load-params", str(params), str(talk), "-f", "txt", "--overwrite"]) == 0
    assert talk.with_suffix(".txt").read_text(encoding="utf-8") == f"{text}\n"
    capsys.readouterr()
    assert main(["transcribe", str(recogniser), str(talk), "--language", "en", "--overwrite"]) == 2
    assert "--language en: run small: a CTC is told no language" in capsys.readouterr().err


def test_an_interruption_keeps_what_is_finished_and_the_next_call_goes_on(
    recogniser: Path, talk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = talk.parent
    names = [str(folder / name) for name in ("a.wav", "b.wav", "c.wav")]
    for name in names:
        Path(name).write_bytes(talk.read_bytes())
    command = ["transcribe", str(recogniser), *names, "-f", "txt,ctm", "--cut", "quiet"]
    read = Transcriber.file

    def interrupted(self: Transcriber, path: Path, **options: Any) -> Any:
        if path.name == "b.wav":
            raise KeyboardInterrupt
        return read(self, path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Transcriber, "file", interrupted)
        assert main(command) == 130
    assert "stopped: 1 file with text, 2 left for --resume" in capsys.readouterr().err
    params = folder / "transcribe.yaml"
    assert [one["audio"] for one in read_yaml(params)["files"]] == names[:1]
    assert {path.name for path in folder.glob("?.*")} == {"a.wav", "b.wav", "c.wav", "a.txt", "a.ctm"}

    (folder / "a.txt").write_text("read before", encoding="utf-8")
    assert main([*command, "--max-seconds", "10", "--resume"]) == 2
    assert f"{params}: settings.max_seconds 20.0, now 10.0" in capsys.readouterr().err
    assert main([*command, "--resume"]) == 0
    assert "1 file has its text from an earlier call" in capsys.readouterr().err
    assert (folder / "a.txt").read_text(encoding="utf-8") == "read before"
    assert [one["audio"] for one in read_yaml(params)["files"]] == names

    (folder / "d.wav").write_bytes(talk.read_bytes())  # one more, whose folder has our record and no text of its own
    assert main(["transcribe", str(recogniser), str(folder / "d.wav"), "--cut", "quiet"]) == 0
    params.write_text("mine: 1\n", encoding="utf-8")
    assert main(["transcribe", str(recogniser), str(folder / "talk.wav"), "--cut", "quiet"]) == 2
    assert f"1 output files are there already: {params}" in capsys.readouterr().err

    params.unlink()  # whose texts they are is not known any more
    assert main([*command, "--resume"]) == 2
    assert "6 output files are there already" in capsys.readouterr().err


def test_an_interrupted_manifest_keeps_the_lines_that_are_answered(
    recogniser: Path, talk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = talk.with_name("test.jsonl")
    manifest.write_text('{"audio_filepath": "talk.wav"}\n{"audio_filepath": "talk.wav", "offset": 1.0}\n')

    def interrupted(self: Transcriber, path: Path, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(Transcriber, "stretch", interrupted)
    assert main(["transcribe", str(recogniser), "--manifest", str(manifest), "--cut", "quiet"]) == 130
    assert "1 of 2 lines with pred_text" in capsys.readouterr().err
    assert len(manifest.with_name("test_pred.jsonl").read_text(encoding="utf-8").splitlines()) == 1


def test_a_pipe_and_a_manifest(
    recogniser: Path, talk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(talk.read_bytes())))
    assert main(["transcribe", str(recogniser), "-", "-f", "srt", "--cut", "quiet"]) == 0
    assert capsys.readouterr().out.startswith("1\n00:00:0")
    manifest = talk.with_name("test.jsonl")
    lines = [
        {"audio_filepath": "talk.wav", "text": "x"},
        {"audio_filepath": "talk.wav", "offset": 0.5, "duration": 1.0},
    ]
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert main(["transcribe", str(recogniser), "--manifest", str(manifest), "--cut", "quiet"]) == 0
    answers = [json.loads(line) for line in manifest.with_name("test_pred.jsonl").read_text("utf-8").splitlines()]
    assert [answer["text"] for answer in answers[:1]] == ["x"]
    assert all(answer["pred_text"] for answer in answers)


def test_outputs_that_cannot_be_written_are_refused_before_anything_is_read(
    talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = tmp_path / "m.jsonl"
    line = json.dumps({"audio_filepath": str(talk)}) + "\n"
    manifest.write_text(line, encoding="utf-8")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    text = tmp_path / "t.txt"
    text.write_text("x", encoding="utf-8")
    audio = ["--audio", str(talk), "--text", str(text), "--language", "en"]
    for arguments, message in [
        (
            ["transcribe", "RUN", "--manifest", str(manifest), "-o", str(manifest), "--overwrite"],
            "is the manifest itself",
        ),
        (["transcribe", "RUN", "--manifest", str(manifest), "-o", str(tmp_path / "folder")], "folder: is a folder"),
        (["transcribe", "RUN", "--manifest", str(manifest), "-o", str(tmp_path / "file" / "q")], "file: is a file"),
        (["transcribe", "RUN", "--manifest", str(manifest), "-f", "srt"], "-f srt: --manifest is answered by NeMo's"),
        (["transcribe", "RUN", str(talk), "-o", str(tmp_path / "file" / "q")], "file: is a file, allowed: a folder"),
        (["align", "RUN", *audio, "-o", str(tmp_path / "file")], "file: is a file, allowed: a folder"),
    ]:
        assert main(arguments) == 2
        [said] = capsys.readouterr().err.splitlines()
        assert message in said
    assert manifest.read_text("utf-8") == line
    assert (tmp_path / "file").read_text("utf-8") == "mine"


def test_a_manifest_says_what_is_to_be_known_of_its_lines_and_is_read_before_the_recogniser(
    recogniser: Path, talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both_SC = np.random.default_rng(0).uniform(-0.3, 0.3, (RATE_HZ, 2))
    both_SC[RATE_HZ // 5 :, 1] = 0.0  # the other side is soon silent
    soundfile.write(talk, both_SC, RATE_HZ)
    for channel in (0, 1):
        soundfile.write(talk.with_name(f"side{channel}.wav"), both_SC[:, channel], RATE_HZ)
    manifest = talk.with_name("test.jsonl")
    lines = [{"audio_filepath": "talk.wav", **of} for of in ({"channel": 0}, {"channel": 1}, {}, {"duration": 1.0})]
    lines += [{"audio_filepath": f"{name}.wav"} for name in ("gone", "side0", "side1")]
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert main(["transcribe", str(recogniser), "--manifest", str(manifest), "--cut", "quiet"]) == 1
    err = capsys.readouterr().err
    assert "line 3, line 4: the mean of 2 channels\n" in err
    assert f"earmark: {manifest}, line 5: {talk.with_name('gone.wav')}: No such file or directory\n" in err
    answers = [json.loads(line) for line in manifest.with_name("test_pred.jsonl").read_text("utf-8").splitlines()]
    left, right, mean, stretch, *sides = (answer["pred_text"] for answer in answers)
    assert [left, right] == sides  # each channel as a file of its own
    assert left != right
    assert stretch == mean
    manifest.write_text("audio\ttext\n", encoding="utf-8")
    assert main(["transcribe", "nobody", "--manifest", str(manifest), "--overwrite"]) == 2  # no word of the run
    assert f"{manifest}, line 1: Expecting value" in capsys.readouterr().err


def test_aligning_writes_every_format_and_names_what_has_no_path(
    recogniser: Path, talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = talk.with_suffix(".txt")
    text.write_text("Ab, ca!\n", encoding="utf-8")
    arguments = ["align", str(recogniser), "--audio", str(talk), "--text", str(text)]
    assert main([*arguments, "--label-priors", "0.5"]) == 0
    folder = talk.with_name("talk_aligned")
    assert {path.name for path in folder.iterdir()} == {"talk.TextGrid", "words.ctm", "tokens.ctm", "alignment.json"}
    assert [line.split()[4] for line in (folder / "words.ctm").read_text("utf-8").splitlines()] == ["ab", "ca"]
    assert "with label priors of these 1 recordings, weight 0.5" in capsys.readouterr().err
    assert main(arguments) == 2
    assert "files are there already" in capsys.readouterr().err
    text.write_text("Žába", encoding="utf-8")
    assert main([*arguments, "--overwrite"]) == 1
    assert "earmark: talk: its text has characters that the recogniser does not write: á ž" in capsys.readouterr().err


def test_aligning_says_which_channel_it_took(recogniser: Path, talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write(talk, np.random.default_rng(0).uniform(-0.3, 0.3, (RATE_HZ, 2)), RATE_HZ)
    manifest = talk.with_name("list.txt")
    manifest.write_text("audio\ttext\ntalk.wav\tab\n", encoding="utf-8")
    assert main(["align", str(recogniser), "--manifest", str(manifest), "--manifest-format", "tsv"]) == 0
    assert "talk: channel 0 of 2 (from 0), since none is named\n" in capsys.readouterr().err
    document = json.loads((talk.parent / "list_aligned" / "alignment.json").read_text("utf-8"))
    assert document["utterances"][0]["remarks"] == ["channel 0 of 2 (from 0), since none is named"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["transcribe"], "which run?"),
        (["transcribe", "RUN"], "name audio files, or --manifest JSONL"),
        (["transcribe", "RUN", "a.wav", "-f", "doc"], "unknown format 'doc'"),
        (["transcribe", "RUN", "-", "-f", "txt,srt"], "standard output takes one format"),
        (["transcribe", "RUN", "a.wav", "--hotword-bonus", "2"], "--hotword-bonus 2.0: allowed with --hotwords TXT"),
        (["transcribe", "RUN", "a.wav", "--beam-size", "9"], "--beam-size 9: allowed with --hotwords TXT"),
        (["align", "RUN", "--manifest", "a.tsv", "--format", "tsv"], "unknown argument '--format'"),
        (["align", "RUN", "--manifest", "a.txt", "--manifest-format", "doc"], "invalid choice: 'doc'"),
        (["align", "RUN", "--manifest", "a.tsv", "--language", "english"], "'english', allowed: an ISO 639 code"),
        (["align", "RUN", "--audio", "a.wav", "--text", "a.txt", "--audio-root", "b"], "allowed with --manifest"),
        (["align", "RUN"], "name --manifest PATH, or --audio FILE --text FILE"),
        (["align", "RUN", "--audio", "a.wav"], "name --manifest PATH"),
        (["align", "RUN", "--manifest", "no.jsonl", "-f", "praat"], "unknown format 'praat'"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.suppress(SystemExit):  # of argparse
        assert main(arguments) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert message in line
