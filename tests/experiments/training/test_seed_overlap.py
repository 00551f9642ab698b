"""What a run says at its start of texts and voices that its seed was trained on, beside counts made by hand."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from datamodules.asr import SpeechDataModule
from datamodules.run_warning import RunWarning
from experiments.errors import UserError
from experiments.training.seed_overlap import NAME, say_seed_overlap

TARGET, OTHER = "spoken_tones/tiny", "spoken_tones/copy"
SCORING = {"class_path": "lightning_modules.asr.scoring.constant_scoring.ConstantScoring"}


@pytest.fixture(autouse=True)
def two(tiny_speech: Path) -> None:
    """The tiny corpus and a copy that trains on its test utterances: their texts are shared, and no named voice."""
    manifests = shutil.copytree(tiny_speech, tiny_speech.parent / "copy") / "manifests"
    (manifests / "train.jsonl.gz").rename(manifests / "kept")
    (manifests / "test.jsonl.gz").rename(manifests / "train.jsonl.gz")
    (manifests / "kept").rename(manifests / "test.jsonl.gz")


def section(**settings: Any) -> dict[str, Any]:
    """A section of data as a seed's configuration has it."""
    return {"class_path": "datamodules.asr.SpeechDataModule", "init_args": {"batch_seconds": 8.0, **settings}}


def said(folder: Path, data: object, *seeds: Mapping[str, Any]) -> tuple[list[str], list[dict[str, Any]] | None]:
    """The warnings, and what was stored; None where nothing was."""
    config = {"seed": 0, "scoring": SCORING, "seed_data": list(seeds)}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        say_seed_overlap(config, data, folder=folder / "scores")
    path = folder / "scores" / NAME
    stored = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    return [str(one.message) for one in caught if one.category is RunWarning], stored


def target(**settings: Any) -> SpeechDataModule:
    return SpeechDataModule(corpus=TARGET, batch_seconds=8.0, **settings)


def shared_texts(data: SpeechDataModule, seed: SpeechDataModule) -> set[str]:
    held_out = {one.text for split in ("validation", "test") for one in data.said(split)}
    return {one.text for one in seed.said("train") if one.text in held_out}


def test_a_seed_of_another_corpus_shares_texts_which_its_own_setting_leaves_out(tmp_path: Path) -> None:
    data = target()
    texts = shared_texts(data, SpeechDataModule(corpus=OTHER, batch_seconds=8.0))
    assert texts, "the two copies would show nothing"
    lines, stored = said(tmp_path, data, section(corpus=OTHER))
    assert stored is not None
    assert (stored[0]["seed_corpus"], set(stored[0]["texts"].values()), stored[0]["voices"]) == (OTHER, texts, {})
    (line,) = lines
    assert line.startswith(f"seed on {OTHER}: of ")
    assert line.endswith("; data.apart_from of the seed leaves such texts out")
    quiet, stored = said(tmp_path, data, section(corpus=OTHER, apart_from={TARGET: "all"}))
    assert quiet == []
    assert stored is not None
    assert (stored[0]["texts"], stored[0]["voices"]) == ({}, {})


def test_of_one_corpus_voices_are_shared_too_and_languages_count_as_they_were(tmp_path: Path) -> None:
    data = target(languages=["cs"])
    lines, stored = said(tmp_path, data, section(corpus=TARGET, languages=["en"]))
    assert stored is not None
    held_out = {one.speaker for split in ("validation", "test") for one in data.said(split)}
    seed = SpeechDataModule(corpus=TARGET, batch_seconds=8.0, languages=["en"])
    voices = {f"{TARGET}:{one.speaker}" for one in seed.said("train")} & {f"{TARGET}:{name}" for name in held_out}
    assert set(stored[0]["voices"]) == voices != set()
    assert set(stored[0]["texts"].values()) == shared_texts(data, seed)
    assert [line.split(": of ")[0] for line in lines] == [f"seed on {TARGET}"]


def test_the_seed_of_a_seed_is_looked_at_too(tmp_path: Path) -> None:
    lines, stored = said(tmp_path, target(), section(corpus=TARGET, train_minutes=0.1), section(corpus=OTHER))
    assert stored is not None
    assert [one["seed_corpus"] for one in stored] == [TARGET, OTHER]
    assert any(line.startswith(f"seed on {OTHER}: ") for line in lines)
    with pytest.raises(UserError, match=r"^the data of the seed of the seed: "):
        said(tmp_path, target(), section(corpus=TARGET), section(corpus=OTHER, batch_seconds=-1.0))


def test_nothing_is_said_without_a_seed_or_of_data_without_texts(tmp_path: Path) -> None:
    assert said(tmp_path, target()) == ([], None)
    assert said(tmp_path, object(), section(corpus=OTHER)) == ([], None)
