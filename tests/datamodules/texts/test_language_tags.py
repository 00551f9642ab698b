"""Texts that begin with their language: one symbol each, behind the others, which keep their ids."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.asr import SpeechDataModule
from datamodules.texts.tokenizer import Tokenizer, character_tokenizer, language_tag, word_tokenizer
from lightning_modules.decoding.texts import is_tag, spell

LANGUAGES = ("cs", "nl", "pt-BR")


def speech(**settings: Any) -> SpeechDataModule:
    return SpeechDataModule(**{"corpus": "spoken_tones/tiny", "batch_seconds": 8.0, **settings})


texts = st.lists(st.text("ab čž'", min_size=1, max_size=8).map(str.strip), min_size=1, max_size=6)


@given(texts, st.sets(st.sampled_from(LANGUAGES), min_size=1), st.booleans())
def test_other_symbols_keep_their_ids_and_texts_come_back(known: list[str], languages: set[str], words: bool) -> None:
    make = word_tokenizer if words else character_tokenizer
    plain, tagged = make(known), make(known, languages=languages)
    assert tagged.symbols[: len(plain.symbols)] == plain.symbols
    assert tagged.symbols[len(plain.symbols) :] == tuple(f"<{language}>" for language in sorted(languages))
    for text in known:
        assert plain.encode_in(text, "any") == plain.encode(text) == tagged.encode(text)
        for language in languages:
            tokens = tagged.encode_in(text, language)
            assert tagged.symbols[tokens[0]] == language_tag(language)
            assert tokens[1:] == plain.encode(text)
            assert tagged.decode(tokens) == plain.decode(tokens[1:])
            assert spell(tokens, tagged.symbols) == spell(tokens[1:], plain.symbols) == " ".join(text.split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_decoders_know_a_tag_by_its_form(language: str) -> None:
    assert is_tag(language_tag(language))
    tokenizers = character_tokenizer(["a <b>"]), word_tokenizer(["a"])
    assert not any(is_tag(symbol) for tokenizer in tokenizers for symbol in tokenizer.symbols)


def test_a_language_without_a_tag_is_refused() -> None:
    with pytest.raises(ValueError, match="language 'de' has no tag, allowed: cs, nl"):
        character_tokenizer(["a"], languages={"nl", "cs"}).encode_in("a", "de")


@pytest.mark.usefixtures("tiny_speech")
def test_batches_and_lengths_hold_tags_and_references_do_not() -> None:
    data, plain = speech(language_tags=True), speech()
    data.setup("fit")
    assert data.symbols == (*plain.symbols, "<cs>", "<en>")
    tags = {data.symbols.index(f"<{language}>"): language for language in ("cs", "en")}
    tokenizer = Tokenizer(plain.symbols)
    for loader in (data.train_dataloader(), data.val_dataloader(), data.evaluation_dataloader("test")):
        for batch in loader:
            for row, name in enumerate(batch.utterance_ids):
                first, *rest = batch.tokens_BU[row, : batch.num_tokens_B[row]].tolist()
                assert tags[first] == name[:2]
                assert tokenizer.decode(rest) == batch.texts[row]
    for split in ("train", "validation"):
        for with_tag, without in zip(data.lengths(split), plain.lengths(split), strict=True):  # type: ignore[arg-type]
            assert with_tag.tokens[1:] == without.tokens
            assert len(with_tag.tokens) == len(without.tokens) + 1
    references = data.references("test")
    assert references.symbols == data.symbols
    assert references.texts == plain.references("test").texts
    assert references.training_texts == plain.references("test").training_texts


@pytest.mark.usefixtures("tiny_speech")
def test_tags_are_those_of_the_training_languages() -> None:
    assert [symbol for symbol in speech(language_tags=True, languages=["en"]).symbols if is_tag(symbol)] == ["<en>"]


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_scored_utterance_of_another_language_is_named_in_setup(tiny_speech: Path, split: str) -> None:
    manifest = tiny_speech / "manifests" / f"{split}.jsonl.gz"
    lines = [json.loads(line) for line in gzip.decompress(manifest.read_bytes()).splitlines()]
    lines[3]["supervisions"][0]["language"] = "de"
    manifest.write_bytes(gzip.compress("\n".join(json.dumps(line) for line in lines).encode()))
    message = rf"{split}.*: utterance '{lines[3]['id']}' is in 'de', .* language_tags allows cs, en$"
    with pytest.raises(ValueError, match=message):
        speech(language_tags=True).setup("fit")
    speech().setup("fit")
