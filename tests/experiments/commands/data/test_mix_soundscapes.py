"""Soundscapes of own sounds through the command line: made, checked clean, dealt, learnt from; mistakes in a line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from datamodules.corpora.clip_corpus import SPLITS
from datamodules.corpus_files import listed_cuts
from datamodules.dealing.deal import Deal
from datamodules.sed import SoundEventClips
from experiments.cli import main

CONFIG = """\
data: {class_path: datamodules.sed.SoundEventClips, init_args: {corpus: kitchen-scapes, batch_size: 4}}
model:
  class_path: lightning_modules.sed.mil.MIL
  init_args: {encoder: lightning_modules.layers.crnn.demo_crnn, features: {num_mels: 40}}
trainer: {max_epochs: 1}
checkpoint: {monitor: validation/loss, mode: min}
scoring: {class_path: lightning_modules.sed.detection_scoring.DetectionScoring, init_args: {num_pictures: 0}}
family: sed
"""


@pytest.fixture
def bank(tmp_path: Path, earmark_home: Path) -> Path:
    """Three classes of three families each and three backgrounds, in several rates, channels and forms of names."""
    rng = np.random.default_rng(0)
    for number, label in enumerate(("cup", "tap", "voice")):
        for family in range(3):
            sound_SC = rng.uniform(-0.3, 0.3, ((8000, 44_100)[number % 2], 1 + number % 2))
            path = tmp_path / "kitchen" / label / (f"{label}{family}/1.wav" if number else f"{label}{family}__1.wav")
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, sound_SC, (16_000, 44_100)[number % 2])
    (tmp_path / "noise").mkdir()
    for family in range(3):
        soundfile.write(tmp_path / "noise" / f"{family}.flac", rng.uniform(-0.1, 0.1, 24_000), 8000)
    return tmp_path / "kitchen"


def mix(bank: Path, *options: str, name: str = "kitchen-scapes") -> list[str]:
    words = [
        "data",
        "soundscapes",
        "--soundbank",
        str(bank),
        "--name",
        name,
        "--background",
        str(bank.parent / "noise"),
    ]
    return [*words, "--clips", "8", "6", "6", "--clip-seconds", "3", *options]


def digest(earmark_home: Path, name: str = "kitchen-scapes") -> str:
    return str(json.loads((earmark_home / "data" / name / "corpus.json").read_text(encoding="utf-8"))["digest"])


@pytest.mark.integration
def test_own_sounds_are_mixed_checked_dealt_and_learnt_from(bank, earmark_home, tmp_path, capsys):
    assert main(mix(bank, "--companions", "cup+tap", "--companion-probability", "1", "--snr-db", "6", "12")) == 0
    printed = capsys.readouterr().out
    assert "clips [8 6 6], seed 0, classes [], clip_seconds 3" in printed
    assert "companions [cup+tap], companion_probability 1, snr_db [6 12]" in printed
    folder = earmark_home / "data" / "kitchen-scapes"
    families: dict[str, set[str]] = {}
    for split in SPLITS:
        path = folder / "manifests" / ("test.jsonl.gz" if split == "test" else f"{split}_strong.jsonl.gz")
        cuts = list(listed_cuts(path))
        assert {cut["duration"] for cut in cuts} == {3.0}
        families[split] = {segment["custom"]["family"] for cut in cuts for segment in cut["supervisions"]}
        families[split] |= {cut["custom"]["background"] for cut in cuts}
    assert not families["train"] & families["validation"]
    assert not families["test"] & (families["train"] | families["validation"])

    assert main(["data", "check", "kitchen-scapes"]) == 0
    assert capsys.readouterr().out.endswith("no errors, no warnings\n")
    assert main(["data", "check", "kitchen-scapes", "--digest"]) == 0
    for by in ("family", "background"):
        dealt = SoundEventClips(corpus="kitchen-scapes", batch_size=4, deal=Deal(fold=0, of=3, by=by))
        assert sum(map(len, (dealt.clip_ids("validation"), dealt.clip_ids("test")))) < 20

    config = tmp_path / "config.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    assert main(["fit", str(config)]) == 0
    run = Path(capsys.readouterr().out.splitlines()[-1].removeprefix("run folder: "))
    assert np.isfinite(json.loads((run / "metrics.json").read_text(encoding="utf-8"))["test/tagging_f1_macro"])


@pytest.mark.integration
def test_the_stored_settings_make_the_same_corpus_again(bank, earmark_home, capsys):
    assert main(mix(bank, "--struck", "cup", "--seed", "3")) == 0
    stored = earmark_home / "data" / "kitchen-scapes" / "settings.json"
    again = ["data", "soundscapes", "--soundbank", str(bank), "--name", "again", "--settings", str(stored)]
    assert main([*again, "--background", str(bank.parent / "noise")]) == 0
    assert digest(earmark_home, "again") == digest(earmark_home)
    assert main(mix(bank, "--rebuild")) == 0
    assert digest(earmark_home, "again") != digest(earmark_home)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--background", "nothing"], "--background nothing: no class of"),
        (["--struck", "door"], "struck: 'door', allowed: cup, tap, voice"),
        (["--clip-seconds", "0"], "option: clip_seconds 0.0, allowed: a number of seconds, .5 to 600"),
        (["--settings", "mix.yaml"], "mix.yaml: key 'snr' (is it 'snr_db'?), allowed: clips, seed"),
        (["--scale", "demo"], "--scale demo: allowed without --soundbank"),
        (["--name", "tones/mine"], "--name: 'tones/mine' is one of earmark's own corpora"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(bank, tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.chdir(tmp_path)
    Path("mix.yaml").write_text("snr: [3, 20]\n", encoding="utf-8")
    assert main(mix(bank, *options)) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("earmark: error: ")
    assert message in line


def test_a_class_of_two_families_is_named_with_their_count(bank, capsys):
    (bank / "tap" / "tap2" / "1.wav").unlink()
    assert main(mix(bank)) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "class 'tap' has 2 recording families, allowed: 3 or more, one for each split" in said


def test_options_of_own_banks_need_one(earmark_home, capsys):
    assert main(["data", "soundscapes", "--clips", "1", "1", "1"]) == 2
    assert "--clips: allowed with --soundbank" in capsys.readouterr().err
    assert main(["data", "soundscapes", "--soundbank", "kitchen"]) == 2
    assert "--soundbank kitchen: allowed with --name" in capsys.readouterr().err
