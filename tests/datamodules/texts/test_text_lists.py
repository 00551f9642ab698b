"""Other people's lists of texts: the form is found, asked for or refused by line, never guessed in silence."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datamodules.texts.text_lists import FORMS, read_text_lists
from datamodules.texts.transcripts import TranscriptFileError

FUNCTION_FIXTURE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


def read(tmp_path, name, content, *, side="reference", form=None):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return read_text_lists(path, side=side, form=form)


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("a.txt", "a1 hello, you\na2\n", "kaldi"),
        ("a.txt", "id text\na1 hello, you\na2\n", "kaldi"),
        ("a.txt", "a1\thello, you\na2\t\n", "tsv"),
        ("a.tsv", "a1\thello, you\na2\n", "tsv"),
        ("a.txt", "utterance\tspeaker\ttranscript\na1\tx\thello, you\na2\ty\t\n", "tsv"),
        ("a.csv", '\ufeffa1,"hello, you"\r\na2,\r\n', "csv"),
        ("a.out", 'file,text\na1,"hello, you"\na2,\n', "csv"),
        ("a.csv", "Text;ID\nhello, you;a1\n;a2\n", "csv"),
        ("a.csv", 'id,text\na1,"hello,\nyou"\na2,""\n', "csv"),
        ("a.trn", "hello, you (a1)\n(a2)\n", "trn"),
        ("a.json", '{"id": "a1", "text": "hello, you"}\n{"id": "a2", "text": ""}\n', "jsonl"),
        ("a", '{"audio_filepath": "a1", "text": "hello, you"}\n{"text": "", "audio_filepath": "a2"}', "jsonl"),
    ],
)  # fmt: skip
def test_each_form_is_found_and_its_heading_is_no_utterance(tmp_path, name, content, form):
    (found,) = read(tmp_path, name, content)
    assert (found.form, found.texts) == (form, {"a1": "hello, you", "a2": ""})
    assert ("heading" in found.remark) == (
        form != "jsonl" and content.lower()[:4] in ("id t", "utte", "file", "text", "id,t")
    )
    assert read(tmp_path, name, content, form=form)[0] == found


def test_nemo_manifests_hold_both_sides(tmp_path):
    manifest = json.dumps({"audio_filepath": "my files/a.wav", "text": "one two", "pred_text": "one too"})
    assert read(tmp_path, "m.json", manifest)[0].texts == {"my files/a.wav": "one two"}
    assert read(tmp_path, "m.json", manifest, side="hypothesis")[0].texts == {"my files/a.wav": "one too"}
    without = manifest + '\n{"audio_filepath": "b.wav", "text": "x"}'  # never scored against its own reference
    with pytest.raises(TranscriptFileError, match=r'm\.json, line 2 .*"pred_text"'):
        read(tmp_path, "m.json", without, side="hypothesis")


def test_plain_counts_lines_empty_ones_too(tmp_path):
    (plain,) = read(tmp_path, "a.txt", "the cat\n\nthe dog (laughs)\n", form="plain")
    assert plain.texts == {"line 1": "the cat", "line 2": "", "line 3": "the dog (laughs)"}


def test_brackets_at_all_ends_leave_both_readings_open_unless_one_fails(tmp_path):
    assert [found.form for found in read(tmp_path, "a", "a1 hello (laughs)\na2 bye (coughs)\n")] == ["trn", "kaldi"]
    assert [found.form for found in read(tmp_path, "a", "a1 hello (laughs)\na2 bye (laughs)\n")] == ["kaldi"]
    assert [found.form for found in read(tmp_path, "a", "the cat (a1)\nthe dog (a2)\n")] == ["trn"]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.txt", "the cat\nthe dog\n", r"line 2 \(read as kaldi\): id 'the' stands on line 1 .*--format plain"),
        ("a.txt", "cats sleep\nwe like cats\n", r"line 1 .*'cats' is a word of the texts too.*--format"),
        ("a.txt", "a1,hello\na2,bye\n", r"line 1 .*looks like CSV.*--format"),
        ("a.tsv", "nom\tmots\na1\tb\na2\tc\n", r"line 1 .*id 'nom' looks like a heading"),
        ("a.tsv", "a1\tx\t0.9\n", r"line 1 .*3 columns, allowed: 2"),
        ("a.tsv", "a1\tx\na2 y\n", r"line 2 .*1 columns, allowed: 2"),
        ("a.csv", "id,text\na1,b,c\n", r"line 2 .*3 columns, allowed: 2"),
        ("a.csv", 'id,text\na1,"b" c\n', r"line 2 .*allowed: CSV"),
        ("a.tsv", "id\thypothesis\na1\tb\n", r"line 1 .*none is the reference"),
        ("a.tsv", "a1\tx\n\ty\n", r"line 2 .*no id"),
        ("a.ctm", "a1 1 0.0 0.5 hi\n", r"line 1: ctm is not read; join"),
        ("a", ";; made by x\na1 1 0.0 0.5 hi 0.9\na1 1 0.5 0.5 you 0.9\n", r"line 2: ctm is not read"),
        ("a", "a1 1 spk 0.0 2.5 <o,f0> hi you\n", r"line 1: stm is not read; take an id"),
        ("a.txt", "a1 x\na2 caf\u00e9\n".encode("latin-1"), r"line 2: .*allowed: UTF-8"),
        ("a.txt", "a1 x\n".encode("utf-16"), r"line 1: not UTF-8 text but UTF-16 or no text, allowed: UTF-8"),
        ("a.txt", "a1 x\n".encode("utf-16-le"), r"line 1: not UTF-8 text but UTF-16 or no text"),
        ("a.jsonl", '{"id": "\\ud800", "text": "a"}', r"line 1 .*half of a surrogate pair"),
        ("a.jsonl", '{"id": "a", "text": "\\udfff"}', r"line 1 .*half of a surrogate pair"),
        ("a.jsonl", '{"id": "a", "text": "b"}\n{"id": "a", "text": "c"}', r"line 2 .*id 'a' stands on line 1 already"),
        ("a.json", '[{"id": "a", "text": "b"}]', r"line 1 .*allowed: \{"),
        ("a.trn", "one (u1)\ntwo u2\n", r"line 2 \(read as trn\): 'two u2', allowed: a text and then its id"),
    ],
)  # fmt: skip
def test_what_is_not_clear_is_refused_with_its_line(tmp_path, name, content, complaint):
    with pytest.raises(TranscriptFileError, match=complaint) as caught:
        read(tmp_path, name, content)
    assert "\n" not in str(caught.value)


@FUNCTION_FIXTURE
@given(st.dictionaries(st.text("ab1 ,\"'", min_size=1).map(str.strip).filter(bool), st.text("xy ,;\"'\t"), min_size=1))
def test_csv_is_read_as_python_writes_it(tmp_path, table):
    written = io.StringIO()
    csv.writer(written).writerows([("id", "text"), *table.items()])
    assert read(tmp_path, "a.csv", written.getvalue())[0].texts == {key: text.strip() for key, text in table.items()}


@FUNCTION_FIXTURE
@given(
    st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")),
    st.sampled_from(["x", "x.trn", "x.jsonl", "x.csv", "x.tsv"]),
    st.sampled_from([None, *FORMS]),
)
def test_any_bytes_are_read_or_refused_in_one_line_that_names_the_file(tmp_path, content, name, form):
    try:
        lists = read(tmp_path, name, content, form=form)
    except TranscriptFileError as error:
        lists, complaint = [], str(error)
    else:
        complaint = str(tmp_path / name)
    assert complaint.startswith(str(tmp_path / name))
    assert "\n" not in complaint
    assert all(utterance and text == text.strip() for found in lists for utterance, text in found.texts.items())
