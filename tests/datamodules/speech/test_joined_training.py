"""Several corpora in one training: ids, voices and splits stay apart, languages are chosen by corpus and balanced."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.asr import SpeechDataModule
from datamodules.corpus_folder import CorpusMissingError, read_card
from datamodules.joined_corpora import read_cards
from datamodules.run_warning import RunWarning
from datamodules.speech.duration_buckets import DurationBuckets
from datamodules.speech.language_sampling import SampledUtterances, counts_an_epoch
from datamodules.text import TextDataModule

ONE, OTHER = "spoken_tones/tiny", "spoken_tones/copy"


@pytest.fixture
def two(tiny_speech: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data root with the tiny corpus under two names: the same ids, texts and speakers in both."""
    for name in ("tiny", "copy"):
        shutil.copytree(tiny_speech, tmp_path / "data" / "spoken_tones" / name)
    monkeypatch.setenv("EARMARK_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def speech(**settings: Any) -> SpeechDataModule:
    return SpeechDataModule(**{"corpus": [ONE, OTHER], "batch_seconds": 8.0, **settings})


@pytest.mark.usefixtures("two")
def test_ids_speakers_and_splits_are_told_by_corpus() -> None:
    alone, both = speech(corpus=ONE), speech()
    for split in ("validation", "test"):
        ids = alone.clip_ids(split)
        assert sorted(both.clip_ids(split)) == sorted(f"{name}:{id_}" for name in (ONE, OTHER) for id_ in ids)
    references, of_one = both.references("test"), alone.references("test")
    assert set(references.speakers.values()) == {
        f"{name}:{speaker}" for name in (ONE, OTHER) for speaker in of_one.speakers.values()
    }
    assert Counter(references.corpora.values()) == {ONE: len(of_one.texts), OTHER: len(of_one.texts)}
    assert set(of_one.corpora.values()) == {ONE}
    first = next(iter(of_one.texts))
    assert (references.load_waveform(f"{OTHER}:{first}") == of_one.load_waveform(first)).all()
    assert both.symbols == alone.symbols
    assert sum(len(batch.utterance_ids) for batch in _batches(both)) == 48


def _batches(data: SpeechDataModule, epoch: int = 0) -> list[Any]:
    data.setup("fit")
    loader = data.train_dataloader()
    loader.batch_sampler.set_epoch(epoch)  # type: ignore[union-attr]
    return list(loader)


@pytest.mark.usefixtures("two")
def test_languages_are_chosen_by_corpus() -> None:
    data = speech(languages={OTHER: ["cs"]})
    found = {(corpus, data.references("test").languages[name]) for name, corpus in data.corpora("test").items()}
    assert found == {(ONE, "cs"), (ONE, "en"), (OTHER, "cs")}
    texts = TextDataModule(corpus=[ONE, OTHER], batch_size=1, languages={ONE: "all", OTHER: ["cs"]})
    assert set(texts.references("test").texts) == set(data.references("test").texts)
    assert texts.symbols == data.symbols


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"languages": {"tiny": "all"}}, "languages: 'tiny' is none of the corpora, allowed: spoken_tones/tiny, "),
        (
            {"languages": {ONE: ["csx"]}},
            r"corpus 'spoken_tones/tiny' has no 'csx' \(did you mean 'cs'\?\); allowed: cs",
        ),
        ({"languages": ["de"]}, "corpora 'spoken_tones/tiny', 'spoken_tones/copy' have no 'de'; allowed: cs, en"),
        ({"languages": {ONE: "cs"}}, "languages.spoken_tones/tiny: 'cs', allowed: all, or a list of languages"),
        ({"corpus": [ONE, ONE]}, "allowed: one name, or a list of different ones"),
        ({"language_sampling": 0.5}, "language_sampling 0.5, allowed: natural, balanced, or a temperature of 1"),
        ({"language_sampling": "even"}, "language_sampling 'even', allowed: natural, balanced, or"),
        ({"apart_from": {ONE: ["de"]}}, "apart_from.spoken_tones/tiny: no 'de' in its validation and test, allowed"),
    ],
)
def test_what_is_not_there_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        speech(**settings)


def test_the_digest_is_over_all_and_every_missing_corpus_is_named(two: Path) -> None:
    assert read_cards(ONE) == read_card(ONE)
    joined = read_cards([ONE, OTHER])
    assert joined.name == f"{ONE} + {OTHER}"
    assert joined.num_clips == {split: 2 * count for split, count in read_card(ONE).num_clips.items()}
    card = two / OTHER / "corpus.json"
    card.write_text(card.read_text().replace(read_card(OTHER).digest, "0" * 64))
    assert read_cards(joined.name).digest != joined.digest
    with pytest.raises(
        CorpusMissingError, match=r"'a' is not prepared .*--name a; corpus 'b' is not prepared .*--name b"
    ):
        read_cards([ONE, "a", "b"])


def test_balanced_languages_are_heard_for_the_same_time(two: Path) -> None:
    data = speech(corpus=ONE, language_sampling="balanced", speed_factors=(0.9, 1.0, 1.1))
    data.setup("fit")
    seconds: Counter[str] = Counter()
    known = {u.utterance_id: u for u in data._train.utterances}
    num_batches = set()
    for epoch in range(6):
        batches = _batches(data, epoch)
        num_batches.add(len(batches))
        for batch in batches:
            assert batch.waveforms_BS.numel() <= 8 * 16000
            for name in batch.utterance_ids:
                seconds[known[name].language] += known[name].duration_seconds
    assert len(num_batches) == 1
    assert seconds["cs"] == pytest.approx(seconds["en"], rel=0.12)


LENGTHS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 1000)), min_size=1, max_size=60)


@given(LENGTHS, st.sampled_from(["balanced", 2.0, 5.0]), st.integers(0, 3), st.integers(0, 4))
def test_no_sampled_batch_is_too_long_and_epochs_are_equally_many(
    spoken: list[tuple[str, int]], sampling: Any, seed: int, epoch: int
) -> None:
    languages, lengths = [language for language, _ in spoken], [length for _, length in spoken]
    counts = counts_an_epoch(languages, [float(length) for length in lengths], sampling)
    assert counts is not None
    buckets = DurationBuckets(
        indices=range(len(lengths)),
        utterance_ids=[f"u{number}" for number in range(len(lengths))],
        num_samples=lengths,
        batch_samples=1500,
        speed_factors=(0.9, 1.0, 1.1),
        seed=seed,
        sampled=SampledUtterances(languages=languages, num_samples=lengths, counts=counts),
    )
    buckets.set_epoch(epoch)
    batches = list(buckets)
    assert len(batches) == len(buckets)
    assert Counter(languages[draw.number] for batch in batches for draw in batch) == counts
    for batch in batches:
        assert max(lengths[draw.number] / draw.speed for draw in batch) * len(batch) <= 1500 + len(batch)


def test_every_utterance_is_taken_equally_often() -> None:
    sampled = SampledUtterances(languages=["a"] * 10, num_samples=range(10), counts={"a": 4})
    taken = Counter(place for epoch in range(4000) for place in sampled.of_epoch(seed=0, epoch=epoch))
    assert all(count == pytest.approx(1600, rel=0.1) for count in taken.values())
    assert len(taken) == 10


@pytest.mark.usefixtures("two")
def test_held_out_texts_of_another_training_are_left_out_and_said() -> None:
    data = speech(corpus=ONE, apart_from={OTHER: ["cs"]})
    other = speech(corpus=OTHER, languages=["cs"])
    held_out = {one.text for one in [*other.said("validation"), *other.said("test")]}
    everything = speech(corpus=ONE).said("train")
    shared = [one for one in everything if one.text in held_out]
    says = rf"apart from cs of {OTHER}: .*; {len(shared)} training utterances are left out"
    with pytest.warns(RunWarning, match=says):
        data.setup("fit")
    assert {one.utterance_id for one in data.said("train")} == {
        one.utterance_id for one in everything if one.text not in held_out
    }
