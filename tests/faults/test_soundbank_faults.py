"""The soundbank and the soundscapes, built from packages made here: what comes out, and what broken packages do."""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from datamodules.clips.dcase_tsv import read_events
from datamodules.corpora import debian
from datamodules.corpora.clip_corpus import SPLITS
from datamodules.corpora.prompts import Voice
from datamodules.corpora.sound_files import SoundFileError
from datamodules.corpora.sounds import soundbank, soundscapes
from datamodules.corpora.sounds.inventory import BACKGROUND, Inventory, ListedSound
from datamodules.corpora.sounds.sound_classes import SOUND_CLASSES
from datamodules.corpus_folder import data_root, read_card
from experiments.commands.data import prepare_data
from experiments.errors import UserError

NUM_FAMILIES = 6


@pytest.fixture
def bank_archive(package_archive: Any, earmark_home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A package of six families for each class and for backgrounds, and five voices; no real package is named."""
    files, sounds, seed = {}, [], 0
    for label in (*SOUND_CLASSES, BACKGROUND):
        if label == "speech":
            continue
        for family in range(NUM_FAMILIES):
            seed += 1
            path = f"usr/share/s/{label}{family}.wav"
            files[path] = package_archive.wav(seed, seconds=0.5, padding_seconds=0.25)
            sounds.append(ListedSound("sounds", label, f"{label}_{family}", path, None))
    package_archive.add("sounds", files)
    voices = []
    for index, name in enumerate("vwxyz"):
        root = f"usr/share/asterisk/sounds/{name}_F/"
        prompts = {f"{root}hello.g722": package_archive.g722(100 + index, 0.7), f"{root}beep.g722": bytes(8000)}
        package_archive.add(f"voice-{name}", prompts)
        voices.append(Voice(f"voice-{name}", f"{name}_F", f"voice_{name}", "CC0-1.0"))
    monkeypatch.setattr(soundbank, "VOICES", tuple(voices))
    for scale in soundscapes.SCALES:
        monkeypatch.setitem(soundscapes.SCALES, scale, {"train": 6, "validation": 3, "test": 3})
    list_sounds(monkeypatch, *sounds)
    return package_archive


def list_sounds(monkeypatch: pytest.MonkeyPatch, *sounds: ListedSound) -> None:
    inventory = Inventory(tuple(sounds), {sound.package: "CC0-1.0" for sound in sounds})
    monkeypatch.setattr(soundbank, "read_inventory", lambda: inventory)


def test_recordings_are_trimmed_resampled_and_filed_by_class_and_family(
    bank_archive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank_archive.add("more", {"a.wav": bank_archive.wav(1000, rate_hz=44_100, seconds=0.5, padding_seconds=1.0)})
    list_sounds(monkeypatch, ListedSound("more", "bird", "more_gull", "a.wav", None))
    card = soundbank.prepare()
    bird, *voices = soundbank.read_recordings()
    assert (bird.label, bird.family, bird.path) == ("bird", "more_gull", "bird/more_gull__a.flac")
    info = soundfile.info(data_root() / "soundbank" / bird.path)
    assert (info.samplerate, info.channels, info.frames) == (16_000, 1, bird.num_samples)
    assert info.duration == pytest.approx(0.5, abs=0.06)
    assert np.abs(soundfile.read(data_root() / "soundbank" / bird.path)[0]).max() == pytest.approx(0.9, abs=0.01)
    assert [voice.path for voice in voices] == [f"speech/voice_{name}__{name}-hello.flac" for name in "vwxyz"]
    assert card.licences == {"more": "CC0-1.0"} | {f"voice-{name}": "CC0-1.0" for name in "vwxyz"}
    assert card.num_clips == {"recordings": 6}


def test_duplicates_silence_and_splinters_are_dropped(bank_archive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    twin, silent = bank_archive.wav(7), bank_archive.wav(1, 0.0, padding_seconds=1)
    bank_archive.add(
        "more", {"a.wav": twin, "b.wav": twin, "c.wav": silent, "d.wav": bank_archive.wav(2, 0.02)}
    )  # fmt: skip
    list_sounds(monkeypatch, *(ListedSound("more", "bird", name, f"{name}.wav", None) for name in "abcd"))
    soundbank.prepare()
    assert [recording.family for recording in soundbank.read_recordings() if recording.label == "bird"] == ["a"]


def test_soundscapes_prepare_the_bank_and_share_no_family(bank_archive: Any) -> None:
    card = soundscapes.prepare("demo")
    assert card.num_clips == {"train": 6, "validation": 3, "test": 3}
    assert not card.synthetic
    assert card.licences == read_card("soundbank").licences
    folder = data_root() / "soundscapes" / "demo"
    sources = json.loads((folder / "sources.json").read_text())
    for label in (*SOUND_CLASSES, BACKGROUND):
        dealt = [set(sources[split][label]) for split in SPLITS]
        assert all(dealt)
        assert sum(map(len, dealt)) == len(set.union(*dealt))
    for split in SPLITS:
        assert all(
            event.offset_seconds <= 10 for of in read_events(folder / f"{split}_strong.tsv").values() for event in of
        )
        assert all(soundfile.info(path).frames == 160_000 for path in (folder / "audio" / split).iterdir())


def test_soundscapes_repeat_with_the_seed_and_grow_with_the_scale(
    bank_archive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = soundscapes.prepare("demo")
    assert soundscapes.prepare("demo", rebuild=True).digest == card.digest
    assert soundscapes.prepare("demo", seed=1).digest != card.digest
    monkeypatch.setitem(soundscapes.SCALES, "full", {"train": 7, "validation": 3, "test": 4})
    soundscapes.prepare("full")
    events = [read_events(data_root() / "soundscapes" / scale / "train_strong.tsv") for scale in ("demo", "full")]
    assert events[0].items() <= events[1].items()
    assert len(events[1]) == 7


@pytest.mark.parametrize(
    ("files", "listed", "error", "message"),
    [
        ({"a.wav": b"RIFF no sound"}, ("a.wav", None), SoundFileError, "a.wav: not a readable sound file"),
        ({"a.cat": b"x" * 9}, ("a.cat", "1*"), ValueError, "a.cat: damaged container"),
        ({"a.rcc": b"x" * 99}, ("a.rcc", "1*"), ValueError, "damaged container"),
        ({"b.wav": b""}, ("a.wav", None), debian.PackageError, "package more: holds no a.wav"),
    ],
)
def test_a_damaged_file_inside_is_named_and_no_bank_is_left(
    bank_archive: Any,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, bytes],
    listed: tuple[str, str | None],
    error: type[ValueError],
    message: str,
) -> None:
    bank_archive.add("more", files)
    list_sounds(monkeypatch, ListedSound("more", "bird", "gull", *listed))
    with pytest.raises(error, match=message) as raised:
        soundbank.prepare()
    assert "\n" not in str(raised.value)
    assert not (data_root() / "soundbank").exists()
    assert not (data_root() / ".soundbank.partial").exists()


def test_a_harmed_recording_of_the_bank_is_told_with_what_to_do(bank_archive: Any) -> None:
    soundbank.prepare()
    for path in (data_root() / "soundbank" / "bird").iterdir():
        path.write_bytes(b"fLaC")
    with pytest.raises(SoundFileError, match="run: earmark data soundbank --rebuild"):
        soundscapes.prepare("demo")
    assert not (data_root() / "soundscapes" / "demo").exists()


def command(*words: str) -> int:
    parser = argparse.ArgumentParser()
    prepare_data.add_arguments(parser)
    return prepare_data.run(parser.parse_args(words))


def test_the_command_prepares_once_and_says_what_there_is(
    bank_archive: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("soundscapes", "--scale", "demo") == 0
    first = capsys.readouterr().out
    assert command("soundscapes") == 0  # demo is the default
    second = capsys.readouterr().out
    assert "soundscapes/demo: prepared in" in first
    assert second == first.replace("prepared in", "already there in")
    assert f"digest {read_card('soundscapes/demo').digest}" in first
    assert "licence of sounds: CC0-1.0" in first
    assert command("soundbank") == 0
    assert f"digest {read_card('soundbank').digest}" in capsys.readouterr().out


def test_the_study_is_five_corpora_that_test_every_family_once(
    bank_archive: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("soundscapes", "--scale", "demo") == 0
    assert command("soundscapes", "--scale", "study-fold2") == 0
    capsys.readouterr()
    assert command("soundscapes", "--scale", "study") == 0
    said = capsys.readouterr().out
    names = [f"soundscapes/study-fold{fold}" for fold in range(5)]
    there = {name: f"{name}: already there in" in said for name in names}
    assert there == {name: name.endswith("2") for name in names}  # what is whole is left
    tested = []
    for name in names:
        assert f"digest {read_card(name).digest}" in said
        folder = data_root() / name
        sources = json.loads((folder / "sources.json").read_text())
        tested += [(label, family) for label, of in sources["test"].items() for family in of]
        for split in SPLITS:
            check_manifest(folder, split, sources)
    families = {(recording.label, recording.family) for recording in soundbank.read_recordings()}
    assert sorted(tested) == sorted(families)
    assert read_card(names[0]).digest == read_card("soundscapes/demo").digest  # the demo is fold 0


def check_manifest(folder: Path, split: str, sources: dict[str, dict[str, list[str]]]) -> None:
    """The families of a split's manifest are the split's own, by class."""
    name = "test" if split == "test" else f"{split}_strong"
    with gzip.open(folder / "manifests" / f"{name}.jsonl.gz", "rt") as lines:
        for cut in map(json.loads, lines):
            assert cut["custom"]["background"] in sources[split][BACKGROUND]
            for segment in cut["supervisions"]:
                assert segment["custom"]["family"] in sources[split][segment["custom"]["label"]]


def test_a_failed_download_is_an_error_and_no_apt_get_is_exit_code_3(
    bank_archive: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAKE_APT", "fail")
    with pytest.raises(UserError, match=r"apt-get download failed \(E: Connection failed\)"):
        command("soundscapes")
    capsys.readouterr()
    monkeypatch.setenv("PATH", "")
    assert command("soundscapes") == prepare_data.NO_PACKAGE_MANAGER == 3
    message = capsys.readouterr().err.strip()
    assert message.startswith("earmark: error: no apt-get on this machine")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("soundscapes", "--scale", "demoo"),
            "soundscapes: scale 'demoo', allowed: demo, full, study-fold0, .*, study",
        ),
        (("soundbank", "--scale", "demo"), "soundbank: --scale and --seed are of soundscapes, tones, spoken_tones"),
    ],
)
def test_a_wrong_scale_is_refused_at_once(earmark_home: Path, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        command(*words)
