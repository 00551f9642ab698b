"""Files of texts: what is written in any form is read back, and what cannot be read is refused with its line."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datamodules.texts.transcripts import TranscriptFileError, read_transcripts, write_transcripts

FUNCTION_FIXTURE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
NOT_IN_A_WORD = st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="()\ufeff")
IDS = st.text(NOT_IN_A_WORD, min_size=1, max_size=8).map(lambda text: unicodedata.normalize("NFC", text))
WORDS = st.text(NOT_IN_A_WORD, min_size=1, max_size=6).map(lambda text: unicodedata.normalize("NFC", text))
TEXTS = st.lists(WORDS, max_size=4).map(" ".join)
TABLES = st.dictionaries(IDS, TEXTS, min_size=1, max_size=6).filter(
    lambda table: not any(piece.startswith("{") for item in table.items() for piece in item)  # looks like JSON lines
)


def same(read, table):
    """Equal after NFC: a word after a space may begin with a mark that combines with nothing."""
    return read == {key: unicodedata.normalize("NFC", text) for key, text in table.items()}


@FUNCTION_FIXTURE
@given(TABLES, st.randoms(use_true_random=False))
def test_every_form_is_read_back_in_any_order(tmp_path, table, rng):
    items = list(table.items())
    rng.shuffle(items)
    for name, line in (
        ("a.txt", lambda key, text: f"{key} {text}"),
        ("b.tsv", lambda key, text: f"{key}\t{text}"),
        ("c.trn", lambda key, text: f"{text} ({key})"),
        ("d.out", lambda key, text: f"{text} ({key})"),  # known as trn by its lines
        ("e.jsonl", lambda key, text: json.dumps({"id": key, "text": text, "pred": 1})),
        ("f.out", lambda key, text: json.dumps({"text": text, "id": key}, ensure_ascii=False)),
    ):
        for end in ("\n", "\r\n"):
            (tmp_path / name).write_text(end.join(line(*item) for item in items), encoding="utf-8", newline="")
            assert same(read_transcripts(tmp_path / name), table), name


@FUNCTION_FIXTURE
@given(TABLES)
def test_what_is_written_is_read(tmp_path, table):
    write_transcripts(tmp_path / "texts.tsv", table)
    assert same(read_transcripts(tmp_path / "texts.tsv"), table)
    assert list(tmp_path.iterdir()) == [tmp_path / "texts.tsv"]


@FUNCTION_FIXTURE
@given(st.binary(max_size=60), st.sampled_from(["x.txt", "x.trn", "x.jsonl"]))
def test_any_bytes_are_read_or_refused_in_one_line_that_names_the_file(tmp_path, content, name):
    (tmp_path / name).write_bytes(content)
    try:
        texts = read_transcripts(tmp_path / name)
    except TranscriptFileError as error:
        texts, complaint = {}, str(error)
    else:
        complaint = str(tmp_path / name)
    assert complaint.startswith(str(tmp_path / name))
    assert "\n" not in complaint
    for utterance, text in texts.items():
        assert utterance
        assert (utterance, text) == (utterance.strip(), text.strip())


def test_texts_meet_in_normal_form_c_whatever_the_form(tmp_path):
    decomposed = unicodedata.normalize("NFD", "é")
    (tmp_path / "a.txt").write_text(f"u{decomposed} caf{decomposed}\n", encoding="utf-8")
    (tmp_path / "b.jsonl").write_text('{"id": "ue\\u0301", "text": "cafe\\u0301"}\n', encoding="utf-8")
    assert read_transcripts(tmp_path / "a.txt") == read_transcripts(tmp_path / "b.jsonl") == {"ué": "café"}


def test_empty_texts_lines_and_marks_at_the_start(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfu1\n\n  u2   two  words \nu3 (laughs)\n")
    assert read_transcripts(tmp_path / "a.txt") == {"u1": "", "u2": "two  words", "u3": "(laughs)"}
    (tmp_path / "b.txt").write_text("(u1)\none (aside) (u2)\n", encoding="utf-8")
    assert read_transcripts(tmp_path / "b.txt") == {"u1": "", "u2": "one (aside)"}
    (tmp_path / "c.txt").write_text("", encoding="utf-8")
    assert read_transcripts(tmp_path / "c.txt") == {}


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.txt", "u1 a\nu2 b\n\nu1 c\n", r"a\.txt, line 4 \(read as id text\): id 'u1' stands on line 1 already"),
        ("a.trn", "one (u1)\ntwo u2\n", r"a\.trn, line 2 \(read as trn\): 'two u2', allowed: a text and then its id"),
        ("a.jsonl", '{"id": "u1"}', r'a\.jsonl, line 1 \(read as JSON lines\): .*allowed: \{"id": "…", "text": "…"\}'),
        ("a.jsonl", '{"id": 1, "text": "a"}', r"allowed: \{"),
        ("a.jsonl", '[{"id": "u1", "text": "a"}]', r"allowed: \{"),
        ("a.jsonl", '{"id": "u1", "text": ', r"is no JSON object"),
        ("a.jsonl", '{"id": "u 1", "text": ""}', r"id 'u 1', allowed: an id without blanks"),
        ("a.jsonl", '{"id": "u1", "text": "\\ud800"}', r"half of a surrogate pair"),
    ],
)
def test_lines_that_cannot_be_read_are_refused_with_their_number(tmp_path, name, content, complaint):
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(TranscriptFileError, match=complaint):
        read_transcripts(tmp_path / name)


def test_bytes_of_another_encoding_are_refused(tmp_path):
    (tmp_path / "a.txt").write_bytes("u1 café".encode("latin-1"))
    with pytest.raises(TranscriptFileError, match=r"a\.txt, line \d: not UTF-8 text"):
        read_transcripts(tmp_path / "a.txt")


@pytest.mark.parametrize("table", [{"a b": "x"}, {"": "x"}, {"a": "x\ny"}])
def test_what_would_be_read_otherwise_is_not_written(tmp_path, table):
    with pytest.raises(ValueError, match=r"texts\.tsv"):
        write_transcripts(tmp_path / "texts.tsv", table)
    assert not list(tmp_path.iterdir())
