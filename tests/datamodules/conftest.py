"""Tiny copies of the layouts in which corpora come, with audio of noise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

WriteAudio = Callable[..., Path]


@pytest.fixture
def write_audio() -> WriteAudio:
    def write(path: Path, seconds: float = 0.5, *, rate_hz: int = 16_000, channels: int = 1, **options: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(len(path.name))
        samples_SC = rng.uniform(-0.3, 0.3, (round(seconds * rate_hz), channels))
        soundfile.write(path, samples_SC, rate_hz, **options)
        return path

    return write


@pytest.fixture
def librispeech(tmp_path: Path, write_audio: WriteAudio) -> Path:
    """``LibriSpeech`` with one part of two chapters."""
    part = tmp_path / "LibriSpeech" / "train-clean-5"
    for speaker, chapter, texts in (("19", "198", ("NORTHANGER ABBEY", "CHAPTER ONE")), ("26", "495", ("IT'S TIME",))):
        folder = part / speaker / chapter
        names = [f"{speaker}-{chapter}-{number:04d}" for number in range(len(texts))]
        for name in names:
            write_audio(folder / f"{name}.flac")
        lines = "".join(f"{name} {text}\n" for name, text in zip(names, texts, strict=True))
        (folder / f"{speaker}-{chapter}.trans.txt").write_text(lines, encoding="utf-8")
    return part.parent


@pytest.fixture
def mls(tmp_path: Path, write_audio: WriteAudio) -> Path:
    """The folder above ``mls_polish`` with all three parts."""
    root = tmp_path / "mls"
    for number, part in enumerate(("train", "dev", "test")):
        name = f"6892_{10349 + number}_000000"
        write_audio(root / "mls_polish" / part / "audio" / "6892" / str(10349 + number) / f"{name}.flac", 1.0)
        (root / "mls_polish" / part / "transcripts.txt").write_text(f"{name}\tzażółć gęślą jaźń\n", encoding="utf-8")
    (root / "mls_polish" / "metainfo.txt").write_text(
        " SPEAKER   | GENDER   | PARTITION  | MINUTES  |  BOOK ID\n 6892 | F | train | 1 | 10349\n", encoding="utf-8"
    )
    return root


@pytest.fixture
def common_voice(tmp_path: Path, write_audio: WriteAudio) -> Path:
    """``cv-corpus-13.0-2023-03-09`` with Polish, mp3 clips and an unbalanced quotation mark."""
    folder = tmp_path / "cv-corpus-13.0-2023-03-09" / "pl"
    columns = (
        "client_id", "path", "sentence", "up_votes", "down_votes", "age", "gender", "accents", "variant", "locale",
        "segment",
    )  # fmt: skip
    for part, texts in (("train", ('"Dzień dobry.', "Żółw nie odpowiada.")), ("dev", ("Tak.",)), ("test", ("Nie.",))):
        rows = ["\t".join(columns)]
        for number, text in enumerate(texts):
            clip = f"common_voice_pl_{part}{number}.mp3"
            write_audio(folder / "clips" / clip, 1.0, rate_hz=32_000)
            rows.append("\t".join((f"hash{number}", clip, text, "2", "0", "twenties", "male", "", "", "pl", "")))
        (folder / f"{part}.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder.parent


@pytest.fixture
def kaldi(tmp_path: Path, write_audio: WriteAudio) -> Path:
    """A Kaldi data folder of two recordings in three segments."""
    folder = tmp_path / "kaldi"
    write_audio(folder / "audio" / "rec1.wav", 2.0)
    write_audio(folder / "audio" / "rec2.flac", 1.0)
    for name, lines in {
        "wav.scp": "rec1 audio/rec1.wav\nrec2 audio/rec2.flac\n",
        "segments": "anna-1 rec1 0.0 0.8\nanna-2 rec1 1.0 -1\njan-1 rec2 0.25 0.75\n",
        "text": "anna-1 dobrý den\nanna-2\njan-1 nashle  pane\n",
        "utt2spk": "anna-1 anna\nanna-2 anna\njan-1 jan\n",
        "utt2lang": "anna-1 cs\nanna-2 cs\njan-1 cs-CZ\n",
    }.items():
        (folder / name).write_text(lines, encoding="utf-8")
    return folder
