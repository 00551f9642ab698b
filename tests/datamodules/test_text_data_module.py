"""Texts of the tiny synthetic speech corpus: streams lose no token, epochs are pure functions, refusals are named."""

from __future__ import annotations

from collections import Counter
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from datamodules.batches import TextBatch, TextStreamBatch
from datamodules.corpus_folder import CorpusMissingError
from datamodules.text import TextDataModule
from datamodules.texts.text_batches import Segment, SentenceSampler, TextStreams, joined, sentence_batches
from datamodules.texts.tokenizer import character_tokenizer, word_tokenizer
from experiments.contracts import EvaluationData

SENTENCES = [tuple(range(1, 1 + length)) for length in (3, 1, 7, 2, 5, 5, 4, 6)]


def texts(**changes: Any) -> TextDataModule:
    return TextDataModule(**{"corpus": "spoken_tones/tiny", "batch_size": 4, **changes})


@pytest.mark.usefixtures("tiny_speech")
def test_the_vocabulary_is_that_of_the_training_texts() -> None:
    data = texts()
    assert isinstance(data, EvaluationData)
    training_texts = data.references("test").training_texts
    assert data.symbols == character_tokenizer(training_texts).symbols
    words = texts(unit="word", word_min_count=2)
    assert words.symbols == word_tokenizer(training_texts, min_count=2).symbols
    assert words.references("test").unit == "word"
    english = texts(languages=["en"])
    assert set(english.symbols) < set(data.symbols)
    assert set(english.references("validation").languages.values()) == {"en"}


@pytest.mark.usefixtures("tiny_speech")
@pytest.mark.parametrize("split", ["validation", "test"])
def test_each_sentence_is_evaluated_once_as_it_stands(split: Any) -> None:
    data = texts(batch_size=3)
    references = data.references(split)
    read = {}
    for batch in data.evaluation_dataloader(split):
        assert type(batch) is TextBatch
        for row, text_id in enumerate(batch.text_ids):
            tokens = batch.tokens_BU[row, : batch.num_tokens_B[row]].tolist()
            assert text_id not in read
            read[text_id] = "".join(data.symbols[token] for token in tokens)
    assert read == references.texts
    assert set(data.clip_ids(split)) == read.keys()


@pytest.mark.usefixtures("tiny_speech")
@pytest.mark.parametrize("num_workers", [0, 2])
def test_streams_are_the_shuffled_sentences(num_workers: int) -> None:
    data = texts(bptt_tokens=5, num_workers=num_workers)
    loader = data.train_dataloader()
    epochs = []
    for epoch in (0, 1):
        loader.sampler.set_epoch(epoch)  # type: ignore[attr-defined]
        batches = list(loader)
        assert len(batches) == len(loader)
        assert all(type(batch) is TextStreamBatch for batch in batches)
        assert [batch.starts for batch in batches] == [True] + [False] * (len(batches) - 1)
        for left, right in pairwise(batches):
            assert torch.equal(left.tokens_BU[:, -1], right.tokens_BU[:, 0])
        rows_BT = torch.cat([batches[0].tokens_BU[:, :1], *(batch.tokens_BU[:, 1:] for batch in batches)], dim=1)
        epochs.append(rows_BT)
        stream = "".join("|" if token == 0 else data.symbols[token] for row in rows_BT for token in row[:-1].tolist())
        training_texts = set(data.references("test").training_texts)
        whole = stream.split("|")[1:-1]
        assert len(whole) > 0.8 * len(training_texts)
        assert set(whole) <= training_texts
    assert not torch.equal(*epochs)


@pytest.mark.usefixtures("tiny_speech")
def test_sentences_on_their_own() -> None:
    batches = list(texts(batch_size=2).train_dataloader())
    assert all(type(batch) is TextBatch and len(batch.text_ids) == 2 for batch in batches)
    ids = [text_id for batch in batches for text_id in batch.text_ids]
    assert len(set(ids)) == len(ids)


def test_the_ranks_share_the_rows_of_a_stream() -> None:
    streams = TextStreams(SENTENCES, batch_size=4, bptt_tokens=3, seed=5)
    for number in range(len(streams)):
        whole = streams[Segment(2, number)].tokens_BU
        halves = [streams[Segment(2, number, rank, 2)].tokens_BU for rank in (0, 1)]
        assert torch.equal(torch.cat(halves), whole)
    tokens = joined(SENTENCES, seed=5, epoch=2).tolist()
    row_targets = (len(tokens) - 1) // 4
    rows = torch.cat([streams[Segment(2, number)].tokens_BU[:, 1:] for number in range(len(streams))], dim=1)
    assert rows.flatten().tolist() == tokens[1 : 1 + 4 * row_targets]


def test_the_ranks_share_the_sentences_of_a_batch() -> None:
    lengths = [len(sentence) for sentence in SENTENCES]
    whole = sentence_batches(lengths, batch_size=4, seed=1, epoch=3)
    halves = [sentence_batches(lengths, batch_size=4, seed=1, epoch=3, rank=rank, world=2) for rank in (0, 1)]
    for batch, *shares in zip(whole, *halves, strict=True):
        assert sorted(chain(*shares)) == sorted(batch)
        assert {len(share) for share in shares} == {2}
    assert sentence_batches(lengths, batch_size=4, seed=1, epoch=4) != whole
    with pytest.raises(ValueError, match="batch_size 4 is global and must be a multiple of the 3 processes"):
        sentence_batches(lengths, batch_size=4, seed=1, epoch=3, world=3)


def test_other_sentences_are_left_out_every_epoch() -> None:
    left_out = Counter(
        number
        for epoch in range(60)
        for number in set(range(5)) - set(chain(*sentence_batches([9, 1, 5, 2, 7], batch_size=2, seed=0, epoch=epoch)))
    )
    assert left_out.total() == 60
    assert len(left_out) == 5


@pytest.mark.usefixtures("tiny_speech")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 0}, "batch_size must be 1 or more, got 0"),
        ({"bptt_tokens": 0}, "bptt_tokens must be 1 or more, got 0"),
        ({"word_min_count": 0}, "word_min_count must be 1 or more, got 0"),
        ({"languages": ["en", "de"]}, "languages: corpus 'spoken_tones/tiny' has no 'de'; allowed: cs, en"),
        ({"languages": []}, "languages: name at least one, or none at all .null.; allowed: cs, en"),
    ],
)
def test_settings_out_of_range_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        texts(**changes)


@pytest.mark.usefixtures("tiny_speech")
def test_batches_that_cannot_be_filled_are_refused() -> None:
    with pytest.raises(ValueError, match="batch_size 4000 must lie within 1 and the"):
        texts(batch_size=4000).train_dataloader()
    with pytest.raises(ValueError, match="batch_size 9 must lie within 1 and the 8 training sentences"):
        SentenceSampler([1] * 8, batch_size=9, seed=0)
    with pytest.raises(ValueError, match="batch_size 99 must lie within 1 and the 41 training tokens"):
        TextStreams(SENTENCES, batch_size=99, bptt_tokens=2, seed=0)
    with pytest.raises(ValueError, match="split 'trian' is not one of"):
        texts().evaluation_dataloader("trian")  # type: ignore[arg-type]


def test_a_corpus_that_is_not_prepared_is_named(earmark_home: Path) -> None:
    with pytest.raises(CorpusMissingError, match="earmark data prompts"):
        texts(corpus="prompts")
