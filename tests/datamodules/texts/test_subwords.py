"""Subwords: learnt and split as ``tokenizers`` does, texts come back exactly, and all that reads them knows them."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.asr import SpeechDataModule
from datamodules.text import TextDataModule
from datamodules.texts.subwords import MARK, SubwordSplitter, learnt_subwords
from datamodules.texts.tokenizer import Tokenizer, subword_tokenizer
from lightning_modules.decoding.texts import MARK as DECODERS_MARK
from lightning_modules.decoding.texts import spell
from lightning_modules.lm.units import Pieces, unit_of

SEE = ["see the sea", "the bee sees the tree", "the three"]


def speech(**settings: Any) -> SpeechDataModule:
    return SpeechDataModule(**{"corpus": "spoken_tones/tiny", "batch_seconds": 8.0, **settings})


def made_up_texts(seed: int) -> list[str]:
    drawn = random.Random(seed)
    words = ["".join(drawn.choices("abcdeéж", k=drawn.randint(1, 6))) for _ in range(60)]
    return [" ".join(drawn.choices(words, k=7)) for _ in range(80)]


@pytest.mark.parametrize("seed", [0, 1])
def test_tokenizers_learns_and_splits_alike(seed: int) -> None:
    theirs = pytest.importorskip("tokenizers")
    texts = made_up_texts(seed)
    marked = ["".join(MARK + word for word in text.split()) for text in texts]
    by_word = theirs.pre_tokenizers.Split(theirs.Regex(f"{MARK}[^{MARK}]*"), "isolated")
    learner = theirs.Tokenizer(theirs.models.BPE())
    learner.pre_tokenizer = by_word
    trainer = theirs.trainers.BpeTrainer(vocab_size=110, special_tokens=[MARK], min_frequency=2, show_progress=False)
    learner.train_from_iterator(marked, trainer)
    vocabulary = learner.get_vocab()
    assert learnt_subwords(texts, size=110) == tuple(sorted(vocabulary, key=vocabulary.__getitem__))
    merges = [tuple(pair) for pair in json.loads(learner.to_str())["model"]["merges"]]
    split = theirs.Tokenizer(theirs.models.BPE(vocab=vocabulary, merges=merges))  # without the mark as a special token
    split.pre_tokenizer = by_word
    ours = SubwordSplitter(learnt_subwords(texts, size=110))
    for text, of_marks in zip(texts, marked, strict=True):
        assert ours.split(text) == split.encode(of_marks).tokens


texts = st.lists(st.text("abčж' ", min_size=1).map(lambda text: " ".join(text.split())).filter(bool), min_size=1)


@given(texts, st.integers(0, 8), st.sets(st.sampled_from(("nl", "cs"))))
def test_texts_come_back_exactly(known: list[str], more: int, languages: set[str]) -> None:
    characters = len(set("".join(known)) - {" "})
    size = 2 + characters + more
    try:
        tokenizer = subword_tokenizer(known, size=size, languages=languages)
    except ValueError as error:
        assert "that occur twice" in str(error)  # noqa: PT017 - few made-up texts have so many
        return
    assert len(tokenizer.symbols) == size + len(languages)
    assert unit_of(tokenizer.symbols) == "subword"
    pieces = Pieces(tokenizer.symbols, unit="subword")
    again = Tokenizer(tokenizer.symbols, "subword", tokenizer.languages)  # the symbols are all of it
    for text in known:
        tokens = tokenizer.encode(text)
        assert tokenizer.decode(tokens) == spell(tokens, tokenizer.symbols) == text
        assert again.encode(text) == pieces.encode(text) == tokens
        for language in languages:
            tagged = tokenizer.encode_in(text, language)
            assert tagged[1:] == tokens
            assert tokenizer.decode(tagged) == spell(tagged, tokenizer.symbols) == text


def test_unknown_characters_are_left_out_and_counted() -> None:
    tokenizer = subword_tokenizer(SEE, size=12)
    assert tokenizer.decode(tokenizer.encode("the xtree")) == "the tree"
    assert tokenizer.unknown("the xtree") == {"x"}
    assert Pieces(tokenizer.symbols, unit="subword").unknown("xxe") == ["x", "x"]
    assert DECODERS_MARK == MARK


def test_sizes_that_texts_do_not_allow_are_refused() -> None:
    with pytest.raises(ValueError, match=r"vocabulary_size 7, .*6 pieces are too few, allowed: 8 \(each character\)"):
        subword_tokenizer(SEE, size=7)
    with pytest.raises(ValueError, match=r"vocabulary_size 99, .*98 pieces are too many: the texts have \d+"):
        subword_tokenizer(SEE, size=99)
    with pytest.raises(ValueError, match=rf"the word 'a{MARK}b' has the character '{MARK}'"):
        subword_tokenizer([f"a{MARK}b"], size=9)


@pytest.mark.usefixtures("tiny_speech")
def test_recogniser_and_language_model_share_them() -> None:
    data = speech(unit="subword", vocabulary_size=45, language_tags=True)
    texts = TextDataModule(corpus="spoken_tones/tiny", batch_size=2, unit="subword", vocabulary_size=45)
    assert len(data.symbols) == 45 + 2
    assert data.symbols[:45] == texts.symbols
    data.setup("fit")
    for batch in data.train_dataloader():
        for row, text in enumerate(batch.texts):
            assert spell(batch.tokens_BU[row, : batch.num_tokens_B[row]].tolist(), data.symbols) == text
    references = data.references("test")
    assert (references.unit, references.symbols) == ("subword", data.symbols)
    characters = speech().lengths("train")
    assert sum(len(one.tokens) for one in data.lengths("train")) < sum(len(one.tokens) for one in characters)


@pytest.mark.usefixtures("tiny_speech")
@pytest.mark.parametrize("settings", [{"unit": "subword"}, {"vocabulary_size": 40}])
def test_subwords_need_a_size_and_nothing_else_has_one(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="allowed: a number of symbols with 'subword', null with"):
        speech(**settings)
    with pytest.raises(ValueError, match="allowed: a number of symbols with 'subword', null with"):
        TextDataModule(corpus="spoken_tones/tiny", batch_size=2, **settings)
