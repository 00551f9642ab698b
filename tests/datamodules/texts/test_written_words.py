"""What a recogniser spells by itself is normalised as the references of a test split that is kept as written."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.importers.entry import ManifestEntry
from datamodules.importers.taken_texts import TextsTaken
from datamodules.texts.written_words import written_words
from lightning_modules.metrics.word_error import WordError

SAID = [
    "It is 100% sure.",
    "It weighs 3,5 kg",
    "Use #hashtag here",
    "version 1.2.3 @home",
    "a 7-8 range",
    "(coughs) yes!",
]


def reference(text: str) -> str:
    entry = ManifestEntry(utterance_id="a", audio=Path("a.wav"), text=text, language="en", place="test.tsv:2")
    return TextsTaken(kept_splits=("test",)).take(entry, "test").text


def test_what_was_said_letter_for_letter_has_no_error() -> None:
    error = WordError()
    error.update([reference(text) for text in SAID], [written_words(text, language="en").text for text in SAID])
    assert error.compute() == {"wer": 0.0, "cer": 0.0}


@given(st.text(alphabet="aZ éʼ'’1,.-%#@()[]…½ß\u0301д", min_size=1, max_size=12))
def test_any_text_is_normalised_as_its_reference(text: str) -> None:
    written = written_words(text, language="en")
    if written.text:
        assert written.text == reference(text)
        assert set(written.unspeakable) <= set(written.text.split())


def test_words_that_no_transcript_of_training_has_are_named() -> None:
    assert written_words("Press 1, please… - OK?", language="en") == ("press 1 please ok", ("1",))


@pytest.mark.parametrize("text", ["", " … ", "?!"])
def test_a_text_without_letters_is_empty(text: str) -> None:
    assert written_words(text, language="en") == ("", ())
