"""Texts of manifests as a recogniser's tokens: normalised, tagged, refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from datamodules.run_warning import RunWarning
from datamodules.texts.own_text_rules import own_text_rules
from experiments.applying.aligning.given_texts import GivenText, Spelling, of_files, of_manifest
from experiments.errors import UserError

SYMBOLS = ("<blank>", " ", "'", "a", "b", "ý")
SPELLING = Spelling(SYMBOLS, "character")
TAGGED = Spelling((*SYMBOLS, "<cs>"), "character")


def text(words: str, language: str | None = None) -> GivenText:
    return GivenText("u", Path("u.wav"), words, language=language)


def test_a_text_is_normalised_and_spelt() -> None:
    assert SPELLING.tokens(text("Ab, BÝ!")) == (3, 4, 1, 4, 5)
    assert TAGGED.tokens(text("a", "cs")) == (6, 3)


@pytest.mark.parametrize(
    ("spelling", "words", "language", "message"),
    [
        (SPELLING, "abc", None, "characters that the recogniser does not write: c"),
        (SPELLING, "a 1", None, "its text has digits: '1'; allowed: words as they are spoken"),
        (Spelling(("<blank>", "<unk>", "ab"), "word"), "ab ba", None, "words that the recogniser does not write: ba"),
        (TAGGED, "a", None, "say --language, one of cs"),
        (TAGGED, "a", "nl", "language 'nl' has no tag"),
    ],
)
def test_what_no_path_says_is_refused(spelling: Spelling, words: str, language: str | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spelling.tokens(text(words, language))


def test_manifests_of_import_are_read(tmp_path: Path) -> None:
    (tmp_path / "wav.scp").write_text("r1 talk.flac\n", encoding="utf-8")
    (tmp_path / "text").write_text("u1 ab ba\nu2 b\n", encoding="utf-8")
    (tmp_path / "segments").write_text("u1 r1 0.5 2\nu2 r1 2 3.5\n", encoding="utf-8")
    first, second = of_manifest(tmp_path, language="cs")
    assert (first.utterance_id, first.audio, first.start, first.duration) == ("u1", tmp_path / "talk.flac", 0.5, 1.5)
    assert (second.text, second.language, second.channel, second.names_channel) == ("b", "cs", 0, False)
    nemo = tmp_path / "nemo.jsonl"
    nemo.write_text(
        '{"audio_filepath": "a.wav", "text": "ab"}\n{"audio_filepath": "a.wav", "text": "b"}\n', encoding="utf-8"
    )
    with pytest.raises(UserError, match=r"line 2: id 'a' stands at .*line 1 already"):
        of_manifest(nemo)


def test_a_manifest_is_named_its_format_and_the_folder_of_its_audio(tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("audio\ttext\tchannel\na.wav\tab\t1\n", encoding="utf-8")
    with pytest.raises(
        UserError, match=r"list\.txt: format not known from its name, allowed: --manifest-format tsv, csv"
    ):
        of_manifest(listed)
    [given] = of_manifest(listed, format_name="tsv", audio_root=tmp_path / "audio")
    assert (given.audio, given.channel, given.names_channel) == (tmp_path / "audio" / "a.wav", 1, True)


def test_one_recording_with_its_text_file(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("ab\n\nba\n", encoding="utf-8")
    given = of_files(tmp_path / "my talk.wav", tmp_path / "t.txt")
    assert (given.utterance_id, given.text) == ("my_talk", "ab ba")
    with pytest.raises(UserError, match="No such file"):
        of_files(tmp_path / "a.wav", tmp_path / "no.txt")


def test_a_text_follows_the_own_rules_of_the_recognisers_corpus() -> None:
    symbols = ("<blank>", " ", "'", "a", "ɛ")
    kabyle = {"kab": {"letters": "'", "map": {"ε": "ɛ"}}}
    of_one = Spelling(symbols, "character", own_text_rules(kabyle, where="r.yaml"))
    for language in ("kab", None):  # the one language of the corpus
        assert of_one.tokens(text("’A ε'!", language)) == (2, 3, 1, 4, 2)
    assert Spelling(symbols, "character").tokens(text("’A ɛ'!")) == (3, 1, 4)
    of_two = Spelling(symbols, "character", own_text_rules({**kabyle, "fr": {}}, where="r.yaml"))
    assert of_two.tokens(text("'a'", "fr")) == (3,)
    with pytest.warns(RunWarning, match=r"1 texts say no language .* \(u\); .* allowed: --language, one of kab, fr"):
        of_two.warn_of_general_rules([text("a"), text("a", "kab")])
    of_one.warn_of_general_rules([text("a")])
