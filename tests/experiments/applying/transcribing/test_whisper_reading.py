"""A tiny random Whisper in use, by the real command: texts are the system's own, and what does not fit is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from datamodules.batches import UtteranceBatch
from experiments.applying.transcribing.parts import Part
from experiments.applying.transcribing.settings import Settings
from experiments.applying.transcribing.whisper_reading import WhisperReader
from experiments.cli import main
from experiments.errors import UserError
from lightning_modules.asr.whisper.whisper_recogniser import UntouchedWhisper
from lightning_modules.layers.pretrained_whisper import WhisperEncoder

from ....lightning_modules.asr.whisper_folders import write_whisper

pytest.importorskip("transformers")
RATE_HZ = 16000
SYMBOLS = ("<blank>", " ", "a", "<cs>", "<nl>")
WINDOW = ["--max-seconds", "10"]  # that of the tiny folder


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Written once: it is only read."""
    folder = tmp_path_factory.mktemp("models") / "whisper"
    write_whisper(folder)
    return folder


@pytest.fixture(scope="module")
def system(whisper: Path) -> UntouchedWhisper:
    encoder = WhisperEncoder(folder=str(whisper))
    return UntouchedWhisper(symbols=SYMBOLS, sample_rate_hz=RATE_HZ, encoder=encoder).eval()


@pytest.fixture(scope="module")
def run(whisper: Path, system: UntouchedWhisper, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that says all that is needed of the run, as an exported one does."""
    folder = tmp_path_factory.mktemp("run")
    torch.save({"state_dict": system.state_dict()}, folder / "weights.ckpt")
    encoder = {"class_path": "lightning_modules.layers.pretrained_whisper.WhisperEncoder"}
    model = {
        "class_path": "lightning_modules.asr.whisper.whisper_recogniser.UntouchedWhisper",
        "init_args": {"encoder": {**encoder, "init_args": {"folder": str(whisper)}}},
    }
    record = {
        "name": "untouched", "key": "abc123", "weights": "weights.ckpt", "config": {"model": model}, "family": "asr",
        "sample_rate_hz": RATE_HZ, "classes": [], "symbols": SYMBOLS,
    }  # fmt: skip
    (folder / "earmark.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """12 s, more than a window: noise, two seconds of silence, noise."""
    audio_S = np.random.default_rng(0).uniform(-0.3, 0.3, 12 * RATE_HZ)
    audio_S[5 * RATE_HZ : 7 * RATE_HZ] = 0
    soundfile.write(tmp_path / "talk.wav", audio_S, RATE_HZ)
    return tmp_path / "talk.wav"


def _noise(seconds: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(1).uniform(-0.3, 0.3, round(seconds * RATE_HZ)).astype(np.float32)


def test_a_part_has_the_text_that_the_system_writes_of_an_utterance(system: UntouchedWhisper) -> None:
    waveform_S = _noise(1.5)
    texts = {}
    for language in ("cs", "nl"):
        reader = WhisperReader(
            system, Settings(max_seconds=10, language=language), name="untouched", sample_rate_hz=RATE_HZ
        )
        read = reader.read(Part(RATE_HZ, waveform_S))
        tokens_BU = torch.tensor([[SYMBOLS.index(f"<{language}>"), 2]])
        waveforms_BS, num_samples_B = torch.from_numpy(waveform_S)[None], torch.tensor([len(waveform_S)])
        batch = UtteranceBatch(("u",), waveforms_BS, num_samples_B, tokens_BU, torch.tensor([2]), ("a",))
        with torch.inference_mode():
            [text] = system.write(system.encode(waveforms_BS, num_samples_B), batch)
        assert read.text == " ".join(text.split()) != ""
        assert (read.start, read.end, read.words) == (1.0, 2.5, ())
        texts[language] = read.text
    assert texts["cs"] != texts["nl"]


def test_a_part_as_long_as_a_window_is_read_and_a_longer_one_is_not(system: UntouchedWhisper) -> None:
    settings = Settings(max_seconds=10, language="cs")
    reader = WhisperReader(system, settings, name="untouched", sample_rate_hz=RATE_HZ)
    assert reader.read(Part(7, _noise(10.0))).end == pytest.approx(10.0 + 7 / RATE_HZ)
    with pytest.raises(ValueError, match=r"a part of 10\.5 s, a Whisper hears 10 s at once; leave out --cut none"):
        reader.read(Part(7, _noise(10.5)))


def test_the_command_writes_texts_of_parts_and_says_that_words_have_no_times(
    run: Path, talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["transcribe", str(run), str(talk), *WINDOW, "--cut", "quiet", "-f", "txt,tsv,json"]
    assert main([*command, "--language", "en"]) == 0
    err = capsys.readouterr().err
    assert "read by its own greedy writing in 'en' (its corpus has cs, nl), without times of words; files of" in err
    assert "next: " not in err  # it has no graph to export, and no posteriors to show or to align with
    told = json.loads(talk.with_suffix(".json").read_text(encoding="utf-8"))
    first, second = told["parts"]
    assert (first["start"], second["end"], told["times"]) == (0.0, 12.0, "parts")
    assert 5 < first["end"] < 7
    assert first["words"] == second["words"] == []
    assert talk.with_suffix(".txt").read_text(encoding="utf-8") == f"{first['text']}\n{second['text']}\n"
    params = talk.with_name("transcribe.yaml")
    assert main(["transcribe", "--load-params", str(params), str(talk), "--overwrite", "--language", "cs"]) == 0
    assert json.loads(talk.with_suffix(".json").read_text(encoding="utf-8"))["text"] != told["text"]
    capsys.readouterr()
    assert main([*command, "--language", "en", "--cut", "none", "--overwrite"]) == 1
    assert f"earmark: {talk}: a part of 12.0 s, a Whisper hears 10 s at once" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (
            WINDOW,
            "--language is missing: run untouched (UntouchedWhisper) is told what is spoken, allowed: cs, nl, en",
        ),
        ([*WINDOW, "--language", "ne"], "unknown language 'ne'; allowed: cs, nl, en"),
        (["--language", "cs"], "--max-seconds 20: run untouched (UntouchedWhisper) hears 10 s at once"),
        (
            [*WINDOW, "--language", "cs", "-f", "txt,srt"],
            "-f srt: run untouched (UntouchedWhisper) writes texts without",
        ),
        ([*WINDOW, "--language", "cs", "-f", "all"], "without times of words, allowed: txt, tsv, json"),
        (
            [*WINDOW, "--language", "cs", "--row", "t/r"],
            "--row t/r: run untouched (UntouchedWhisper) writes by its own",
        ),
        ([*WINDOW, "--language", "cs", "--hotwords", "n.txt"], "allowed: without --hotwords"),
    ],
)
def test_what_does_not_fit_is_one_line(
    run: Path, talk: Path, told: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["transcribe", str(run), str(talk), *told]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert message in line
    assert [path.name for path in talk.parent.iterdir()] == ["talk.wav"]


def test_the_language_of_an_english_model_and_of_a_corpus_of_one_are_known(tmp_path: Path) -> None:
    folder = tmp_path / "english"
    write_whisper(folder, languages=())
    symbols = ("<blank>", " ", "a", "<en>")
    english = UntouchedWhisper(symbols=symbols, sample_rate_hz=RATE_HZ, encoder=WhisperEncoder(folder=str(folder)))
    reader = WhisperReader(english.eval(), Settings(max_seconds=10), name="english", sample_rate_hz=RATE_HZ)
    assert reader.in_words == "its own greedy writing in 'en', without times of words"
    with pytest.raises(UserError, match="unknown language 'cs'; allowed: en"):
        WhisperReader(english, Settings(max_seconds=10, language="cs"), name="english", sample_rate_hz=RATE_HZ)
