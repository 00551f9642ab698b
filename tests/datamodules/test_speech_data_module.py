"""The speech data module on synthetic speech: batches, references, and what it refuses before training."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from datamodules.annotations import BLANK
from datamodules.asr import SpeechDataModule
from datamodules.batches import UtteranceBatch
from datamodules.corpus_folder import CorpusMissingError
from datamodules.run_warning import RunWarning
from datamodules.speech.speed_perturbation import samples_at_speed
from datamodules.speech.utterance_store import UtteranceStore
from datamodules.texts.tokenizer import Tokenizer
from experiments.contracts import EvaluationData


def speech(**settings: Any) -> SpeechDataModule:
    return SpeechDataModule(**{"corpus": "spoken_tones/tiny", "batch_seconds": 8.0, **settings})


def rewrite(manifest: Path, change: Callable[[dict[str, Any]], None], *, utterance: int = 0) -> str:
    """Change one line of a manifest; returns its utterance's id."""
    lines = [json.loads(line) for line in gzip.decompress(manifest.read_bytes()).splitlines()]
    name = str(lines[utterance]["id"])
    change(lines[utterance])
    manifest.write_bytes(gzip.compress("\n".join(json.dumps(line) for line in lines).encode()))
    return name


def test_batches_hold_audio_and_texts(tiny_speech: Path) -> None:
    data = speech()
    assert isinstance(data, EvaluationData)
    data.setup("fit")
    tokenizer = Tokenizer(data.symbols)
    batches: list[UtteranceBatch] = list(data.train_dataloader())
    names = [name for batch in batches for name in batch.utterance_ids]
    assert len(set(names)) == len(names) == 24
    for batch in batches:
        assert batch.waveforms_BS.dtype == torch.float32
        assert batch.waveforms_BS.shape == (len(batch.utterance_ids), batch.num_samples_B.max())
        assert batch.waveforms_BS.numel() <= 8 * 16000
        for row, name in enumerate(batch.utterance_ids):
            samples_S, rate = soundfile.read(tiny_speech / "audio" / "train" / f"{name}.flac", dtype="float32")
            assert rate == 16000
            length = int(batch.num_samples_B[row])
            np.testing.assert_array_equal(batch.waveforms_BS[row, :length].numpy(), samples_S)
            assert not batch.waveforms_BS[row, length:].any()
            tokens = batch.tokens_BU[row].tolist()
            used = int(batch.num_tokens_B[row])
            assert tokenizer.decode(tokens[:used]) == batch.texts[row]
            assert set(tokens[used:]) <= {BLANK}


def test_evaluation_serves_each_utterance_once_longest_first(tiny_speech: Path) -> None:
    data = speech(speed_factors=(0.9, 1.1), max_seconds=0.5)
    data.setup("fit")
    for split, loader in (("validation", data.val_dataloader()), ("test", data.evaluation_dataloader("test"))):
        names = [name for batch in loader for name in batch.utterance_ids]
        lengths = [length for batch in loader for length in batch.num_samples_B.tolist()]
        assert sorted(names) == list(data.clip_ids(split))  # type: ignore[arg-type]
        assert lengths == sorted(lengths, reverse=True)
        assert len(names) == 8


def test_references_have_everything_that_scoring_needs(tiny_speech: Path) -> None:
    data = speech()
    data.setup("score")
    references = data.references("test")
    assert references.symbols == data.symbols
    assert references.unit == "character"
    assert (
        set(references.texts) == set(references.languages) == set(references.speakers)
        == set(references.duration_seconds) == set(data.clip_ids("test"))
    )  # fmt: skip
    assert set(references.languages.values()) == {"cs", "en"}
    assert len(references.training_texts) == 24
    for name, seconds in references.duration_seconds.items():
        assert references.load_waveform(name).shape == (round(seconds * 16000),)
    assert not data._test.waveforms.is_read  # scoring decodes what pictures show, and nothing else


def test_languages_filter_every_split_and_the_symbols(tiny_speech: Path) -> None:
    english, everything = speech(languages=["en"]), speech()
    english.setup("fit")
    assert set(english.symbols) < set(everything.symbols)
    assert "č" not in english.symbols
    assert all(name.startswith("en-") for split in ("validation", "test") for name in english.clip_ids(split))  # type: ignore[arg-type]
    assert all(name.startswith("en-") for batch in english.train_dataloader() for name in batch.utterance_ids)
    assert sum(len(batch.utterance_ids) for batch in english.train_dataloader()) == 12


def test_words_as_units(tiny_speech: Path) -> None:
    data = speech(unit="word", word_min_count=3)
    texts = data.references("validation").training_texts
    counts = {word: " ".join(texts).split().count(word) for text in texts for word in text.split()}
    assert data.symbols[:2] == ("<blank>", "<unk>")
    assert set(data.symbols[2:]) == {word for word, count in counts.items() if count >= 3}
    data.setup("fit")
    batch = next(iter(data.val_dataloader()))
    assert batch.num_tokens_B.tolist() == [len(text.split()) for text in batch.texts]


def test_speeds_change_by_epoch_and_only_in_training(tiny_speech: Path) -> None:
    data = speech(speed_factors=(0.9, 1.0, 1.1))
    data.setup("fit")
    own = dict(zip(data._train.utterances, data._train.num_samples.tolist(), strict=True))
    own_by_id = {utterance.utterance_id: length for utterance, length in own.items()}
    loader = data.train_dataloader()
    epochs = []
    for epoch in (0, 1):
        loader.batch_sampler.sampler.set_epoch(epoch)  # type: ignore[union-attr]
        epochs.append({
            name: length
            for batch in loader
            for name, length in zip(batch.utterance_ids, batch.num_samples_B.tolist(), strict=True)
        })  # fmt: skip
    allowed = {name: {samples_at_speed(length, f) for f in (0.9, 1.0, 1.1)} for name, length in own_by_id.items()}
    assert all(lengths[name] in allowed[name] for lengths in epochs for name in own_by_id)
    assert epochs[0] != epochs[1]
    assert epochs[0] != own_by_id


def test_lengths_are_those_of_the_fastest_speed(tiny_speech: Path) -> None:
    data, plain = speech(speed_factors=(0.9, 1.1)), speech()
    for fast, own in zip(data.lengths("train"), plain.lengths("train"), strict=True):
        assert fast.utterance_id == own.utterance_id
        assert fast.tokens == own.tokens
        assert fast.num_samples == samples_at_speed(own.num_samples, 1.1)
    assert data.lengths("validation") == plain.lengths("validation")


def test_long_training_utterances_are_left_out(tiny_speech: Path) -> None:
    data = speech(max_seconds=0.6)
    data.setup("fit")
    lengths = data.lengths("train")
    assert 0 < len(lengths) < 24
    assert max(length.num_samples for length in lengths) <= 0.6 * 16000
    names = [name for batch in data.train_dataloader() for name in batch.utterance_ids]
    assert sorted(names) == [length.utterance_id for length in lengths]
    assert len(data.references("test").training_texts) == 24


@pytest.mark.integration
def test_workers_change_no_batch(tiny_speech: Path) -> None:
    alone, helped = (
        list(speech(num_workers=workers, speed_factors=(0.9, 1.1)).train_dataloader()) for workers in (0, 2)
    )
    assert [batch.utterance_ids for batch in alone] == [batch.utterance_ids for batch in helped]
    assert all(torch.equal(a.waveforms_BS, b.waveforms_BS) for a, b in zip(alone, helped, strict=True))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"languages": ["ens"]}, r"languages: .* has no 'ens' \(did you mean 'en'\?\); allowed: cs, en"),
        ({"languages": []}, "languages: name at least one"),
        ({"speed_factors": ()}, r"speed_factors \[\] must be"),
        ({"speed_factors": (1.0, 3.0)}, r"speed_factors \[1.0, 3.0\] must be"),
        ({"batch_seconds": 0.0}, "batch_seconds must be a positive number"),
        ({"max_seconds": -1.0}, "max_seconds must be a positive number"),
        ({"max_tokens_per_second": 0.0}, "max_tokens_per_second must be a positive number"),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(tiny_speech: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        speech(**settings)


def test_missing_corpus_names_the_command() -> None:
    with pytest.raises(CorpusMissingError, match="run: earmark data import nowhere …"):
        speech(corpus="nowhere")


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize("damage", ["missing", "garbage", "truncated"])
def test_an_unreadable_file_is_named_in_setup(tiny_speech: Path, split: str, damage: str) -> None:
    path = tiny_speech / "audio" / split / f"en-{split}-0002.flac"
    whole = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(whole[: len(whole) // 2] if damage == "truncated" else b"no sound" * 50)
    data = speech()
    with pytest.raises(
        ValueError, match=rf"utterance 'en-{split}-0002': cannot read .*en-{split}-0002\.flac: .+"
    ) as told:
        data.setup("fit")
    assert "\n" not in str(told.value)


def test_an_empty_training_text_is_named_in_setup(tiny_speech: Path) -> None:
    manifest = tiny_speech / "manifests" / "train.jsonl.gz"
    name = rewrite(manifest, lambda cut: cut["supervisions"][0].update(text=""))
    with pytest.raises(ValueError, match=f"utterance '{name}' has an empty text"):
        speech().setup("fit")


def test_nothing_left_to_train_on_is_refused(tiny_speech: Path) -> None:
    with pytest.raises(ValueError, match=r"no training utterance \(max_seconds 0.01, max_tokens_per_second None\)"):
        speech(max_seconds=0.01).setup("fit")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda cut: cut["supervisions"].clear(), "has 0 supervisions, allowed: exactly one"),
        (lambda cut: cut["supervisions"][0].pop("language"), "has no language"),
        (lambda cut: cut["supervisions"][0].pop("text"), "has no text"),
    ],
)
def test_damaged_manifests_are_refused(tiny_speech: Path, change: Callable[[Any], None], message: str) -> None:
    name = rewrite(tiny_speech / "manifests" / "train.jsonl.gz", change)
    with pytest.raises(ValueError, match=f"utterance '{name}' {message}"):
        speech()


def test_a_repeated_id_is_refused(tiny_speech: Path) -> None:
    rewrite(tiny_speech / "manifests" / "test.jsonl.gz", lambda cut: cut.update(id="en-test-0001"))
    with pytest.raises(ValueError, match="an utterance id occurs twice"):
        speech().clip_ids("test")


def test_other_sample_rates_are_resampled(tiny_speech: Path) -> None:
    path = tiny_speech / "audio" / "test" / "en-test-0000.flac"
    time_S = np.arange(4000) / 8000
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 400 * time_S), 8000)
    settings = {"folder": tiny_speech, "split": "test", "sample_rate_hz": 16000}
    number = UtteranceStore(**settings).utterances.index(
        next(u for u in UtteranceStore(**settings).utterances if u.utterance_id == "en-test-0000")
    )
    manifest = tiny_speech / "manifests" / "test.jsonl.gz"
    lines = [json.loads(line) for line in gzip.decompress(manifest.read_bytes()).splitlines()]
    for line in lines:
        if line["id"] == "en-test-0000":
            line["duration"] = line["recording"]["duration"] = line["supervisions"][0]["duration"] = 0.5
            line["recording"].update(sampling_rate=8000, num_samples=4000)
    manifest.write_bytes(gzip.compress("\n".join(json.dumps(line) for line in lines).encode()))
    waveform_S = UtteranceStore(**settings).waveform(number)
    assert len(waveform_S) == 8000
    expected_S = 0.5 * np.sin(2 * np.pi * 400 * np.arange(8000) / 16000)
    np.testing.assert_allclose(waveform_S[500:-500], expected_S[500:-500], atol=2e-3)


def test_audio_that_stays_in_its_files_gives_the_same_batches(tiny_speech: Path) -> None:
    in_memory, lazy = speech(audio="memory"), speech(audio="disk", cache_gigabytes=0.0001)
    in_memory.setup("fit")
    with pytest.warns(RunWarning, match="audio is read from its files, 0.0001 GB of it kept"):
        lazy.setup("fit")
    assert in_memory.lengths("train") == lazy.lengths("train")
    for loader in ("train_dataloader", "val_dataloader"):
        for a, b in zip(getattr(in_memory, loader)(), getattr(lazy, loader)(), strict=True):
            assert a.utterance_ids == b.utterance_ids
            assert torch.equal(a.waveforms_BS, b.waveforms_BS)
    assert not lazy._train.waveforms.is_read
