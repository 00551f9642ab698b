"""TSV, CSV, JSON lines and NeMo: what is read, what is refused and how; whatever stands in the file."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.importers.detect import FORMATS, detect
from datamodules.importers.entry import ManifestEntry, ManifestError
from datamodules.importers.json_lines import read_jsonl, read_nemo
from datamodules.importers.read import _READERS, read_manifest
from datamodules.importers.table import read_csv, read_tsv
from datamodules.run_warning import RunWarning


def test_a_table_is_read_with_its_optional_columns_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "train.tsv"
    path.write_bytes(
        "\ufefftext\tnote\taudio\tstart\tduration\tlanguage\tspeaker\tid\r\n"
        'Dobrý "den, pane.\tx\tclips/1.flac\t\t\tcs\tanna\t\r\n\r\n'
        "Ano\t\t/abs/2.wav\t12.5\t1.75\tpt-BR\t\tbye\r\n".encode()
    )
    with pytest.warns(RunWarning, match=r"train\.tsv: columns that are not read: 'note'$"):
        found = list(read_tsv(path))
    assert found == [
        ManifestEntry(
            utterance_id="clips-1", audio=tmp_path / "clips/1.flac", text='Dobrý "den, pane.', place=f"{path}, line 2",
            language="cs", speaker="anna",
        ),
        ManifestEntry(
            utterance_id="bye", audio=Path("/abs/2.wav"), text="Ano", place=f"{path}, line 4", start_seconds=12.5,
            duration_seconds=1.75, language="pt",
        ),
    ]  # fmt: skip


def test_what_a_manifest_has_and_is_not_read_is_said(tmp_path: Path) -> None:
    table, lines = tmp_path / "train.tsv", tmp_path / "train.jsonl"
    table.write_text("audio\ttext\tSpeaker\tmood\n1.wav\tone\tanna\tgood\n", encoding="utf-8")
    with pytest.warns(RunWarning, match=r"columns that are not read: 'Speaker' \(is it 'speaker'\?\), 'mood'$"):
        read_manifest(table)
    lines.write_text(
        '{"audio": "1.wav", "text": "one", "a": 1}\n{"audio": "2.wav", "text": "b", "z": 2}\n', encoding="utf-8"
    )
    with pytest.warns(RunWarning, match=r"train\.jsonl: keys that are not read: 'a', 'z'$"):
        read_manifest(lines)
    lines.write_text('{"audio": "1.wav", "text": "one", "start": 0, "end": 1}\n', encoding="utf-8")
    with pytest.raises(ManifestError, match=r"line 1: key 'end' is not read; allowed: duration, the seconds from"):
        read_manifest(lines)


def test_csv_has_quotes_and_its_rows_are_named_by_where_they_begin(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    path.write_text('audio,text\n1.wav,"one, ""two""\nthree"\n2.wav,four\n', encoding="utf-8")
    first, second = read_csv(path)
    assert first.text == 'one, "two"\nthree'
    assert (first.place, second.place) == (f"{path}, line 2", f"{path}, line 4")


def test_relative_audio_is_beside_the_manifest_or_under_the_root(tmp_path: Path) -> None:
    path = tmp_path / "lists" / "train.tsv"
    path.parent.mkdir()
    path.write_text("audio\ttext\n../a/1.wav\tone\n", encoding="utf-8")
    assert read_manifest(path)[0].audio == tmp_path / "a" / "1.wav"
    assert read_manifest(path, audio_root=tmp_path / "x" / "y")[0].audio == tmp_path / "x" / "a" / "1.wav"


def test_nemo_has_its_own_names(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    row = {"audio_filepath": "a.wav", "text": "one", "duration": 2.5, "offset": 1, "lang": "en", "speaker": 7}
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    assert detect(path) == "nemo"
    assert list(read_nemo(path)) == [
        ManifestEntry("a-0001000", tmp_path / "a.wav", "one", f"{path}, line 1", 1.0, 2.5, "en", "7")
    ]


def test_the_language_given_is_that_of_entries_without_one(tmp_path: Path) -> None:
    path = tmp_path / "train.tsv"
    path.write_text("audio\ttext\tlanguage\n1.wav\tano\t\n2.wav\tyes\ten\n", encoding="utf-8")
    assert [entry.language for entry in read_manifest(path, language="cs")] == ["cs", "en"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty, allowed: a heading with the columns audio, text, language"),
        ("audio\ttext\n", "holds no utterance"),
        ("Audio\ttext\n1.wav\tone\n", "line 1: no column 'audio' (is it 'Audio'?)"),
        ("audio\ttranscript\n1.wav\tone\n", "line 1: no column 'text'"),
        ("audio\ttext\taudio\n1.wav\tone\t2\n", "column 'audio' stands 2 times, allowed: once"),
        ("audio\ttext\n1.wav\tone\ttwo\n", "line 2: 3 columns, allowed: 2 separated by tabs"),
        ("audio,text\n1.wav,one\n", "line 1: no column 'audio' (is it 'audio,text'?); there are: 'audio,text'"),
        ("audio,text\n1.wav,one\n", "channel, id, separated by tabs"),
        ("audio\ttext\tstart\tend\n1.wav\tone\t0\t.4\n", "line 1: column 'end' is not read; allowed: duration"),
        ("audio\ttext\tstart\n1.wav\tone\t-1\n", "line 2: start '-1', allowed: a number of seconds, 0 or more"),
        ("audio\ttext\tstart\n1.wav\tone\tnan\n", "line 2: start 'nan', allowed"),
        ("audio\ttext\tduration\n1.wav\tone\t0\n", "duration '0', allowed: a number of seconds, more than 0"),
        ("audio\ttext\tlanguage\n1.wav\tone\tEnglish\n", "line 2: language 'English', allowed: an ISO 639 code"),
        ("audio\ttext\tid\n1.wav\tone\ta/b\n", "line 2: id 'a/b', allowed: a name without spaces, slashes"),
        ("audio\ttext\n\tone\n", "line 2: audio '', allowed: the name of an audio file"),
        ("audio\ttext\nsox 1.mp3 -t wav - |\tone\n", "line 2: audio 'sox 1.mp3 -t wav - |' is a command"),
    ],
)
def test_tables_are_refused_with_file_line_key_value_and_what_is_allowed(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "train.tsv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ManifestError) as refusal:
        read_manifest(path)
    assert str(refusal.value).startswith(str(path))
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"audio": "1.wav"', "line 1: Expecting ',' delimiter at column 18; allowed: one JSON object a line"),
        ("[1]", "line 1: '[1]', allowed: one JSON object a line"),
        ('{"audio": "1.wav", "txt": "a"}', "line 1: no key 'text' (is it 'txt'?)"),
        ('{"audio": "1.wav", "text": null}', "line 1: text None, allowed: a transcript in quotes"),
        ('{"audio": "1.wav", "text": 5}', "line 1: text 5, allowed: a transcript in quotes"),
        ('{"audio": 1, "text": "a"}', "line 1: audio 1, allowed: the name of an audio file in quotes"),
        ('{"audio": "1.wav", "text": "a", "text": "b"}', "line 1: key 'text' stands 2 times, allowed: once"),
        ('{"audio": "1.wav", "text": "a", "duration": true}', "line 1: duration True, allowed"),
        ('{"audio": "1.wav", "text": "a", "duration": Infinity}', "line 1: duration inf, allowed"),
        ('{"audio": "1.wav", "text": "a", "speaker": ["b"]}', "line 1: speaker ['b'], allowed: a name in quotes"),
    ],
)
def test_json_lines_are_refused_likewise(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(ManifestError) as refusal:
        list(read_jsonl(path))
    assert f"{path}, {message}" in str(refusal.value)


def test_text_that_is_not_utf8_and_absent_files_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "train.tsv"
    path.write_bytes(b"audio\ttext\n1.wav\t\xe9\n")
    with pytest.raises(ManifestError, match=r"train\.tsv, line 2: not UTF-8 text \(.* at byte 17: \\xe9\\n\)"):
        read_manifest(path)
    with pytest.raises(ManifestError, match=r"absent\.tsv: no such file or folder"):
        read_manifest(tmp_path / "absent.tsv")
    (tmp_path / "a.txt").write_text("x", encoding="utf-8")
    with pytest.raises(ManifestError, match=r"a\.txt: format not known from its name, allowed: --format tsv, csv"):
        read_manifest(tmp_path / "a.txt")


def test_every_format_has_a_reader() -> None:
    assert tuple(_READERS) == FORMATS


FIELD = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), max_size=12).map(str.strip)
NAME = st.from_regex(r"[a-z0-9é][a-z0-9_/é -]{0,10}[a-z0-9]\.(wav|flac)", fullmatch=True)
SECONDS = st.floats(0.001, 1e5)
ROW = st.tuples(NAME, FIELD, st.sampled_from(["", "cs", "en"]), FIELD, SECONDS, SECONDS)


@given(st.lists(ROW, min_size=1, max_size=5))
def test_what_was_written_is_read_from_all_table_forms(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple]
) -> None:
    folder = tmp_path_factory.mktemp("tables")
    columns = ("audio", "text", "language", "speaker", "start", "duration")
    tsv, as_csv, jsonl = folder / "a.tsv", folder / "a.csv", folder / "a.jsonl"
    lines = ["\t".join(map(str, row)) for row in (columns, *rows)]
    tsv.write_text("\n".join(lines), encoding="utf-8", newline="")
    buffer = io.StringIO()
    csv.writer(buffer).writerows([columns, *rows])
    as_csv.write_text(buffer.getvalue(), encoding="utf-8", newline="")
    objects = [json.dumps(dict(zip(columns, row, strict=True))) for row in rows]
    jsonl.write_text("\n".join(objects), encoding="utf-8")
    for entries in (read_manifest(tsv), read_manifest(as_csv), read_manifest(jsonl)):
        read = [
            (entry.audio, entry.text, entry.language, entry.speaker, entry.start_seconds, entry.duration_seconds)
            for entry in entries
        ]
        assert read == [
            (folder / audio, text, language or None, speaker or None, start, duration)
            for audio, text, language, speaker, start, duration in rows
        ]


@given(
    st.binary(max_size=60) | st.text(st.sampled_from('audiotext\t,"{}:[]\n\r\\ 0-1e.é\0|'), max_size=60).map(str.encode)
)
@pytest.mark.parametrize("format_name", ["tsv", "csv", "jsonl", "nemo", "common_voice"])
@pytest.mark.parametrize("heading", [b"", b"audio\ttext\tstart\n", b"audio,text\n", b'{"audio": "'])
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, format_name: str, heading: bytes, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(heading + content)
    refusal, entries = "", []
    try:
        entries = read_manifest(path, format_name=format_name)
    except ManifestError as error:
        refusal = str(error)
    assert bool(entries) != refusal.startswith(str(path))
    assert "\n" not in refusal
    assert all(entry.utterance_id and entry.start_seconds >= 0 for entry in entries)


def test_ids_name_files_and_are_no_longer_than_one_may_be(tmp_path: Path) -> None:
    manifest = tmp_path / "list.tsv"
    manifest.write_text(f"audio\ttext\tid\na.wav\tx\t{'名' * 67}\n", encoding="utf-8")
    with pytest.raises(ManifestError, match=r"list.tsv, line 2: id '名+'… of 201 bytes, allowed: 200"):
        read_manifest(manifest)
    deep = "/".join(["名" * 30] * 4)
    manifest.write_text(f"audio\ttext\n{deep}/1.wav\tx\n{deep}/2.wav\tx\n{deep}x/2.wav\ty\n", encoding="utf-8")
    ids = [entry.utterance_id for entry in read_manifest(manifest)]
    assert len(set(ids)) == 3
    assert all(len(name.encode()) <= 200 for name in ids)
