"""Event lists of other tools: what is read in which format, and what is refused with the way to convert it."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.annotations import Event
from datamodules.clips.dcase_tsv import AnnotationFileError
from datamodules.clips.event_lists import BIRDNET_COLUMNS, FORMATS, read_event_list

EXPECTED = {"a": (Event(0.5, 2.0, "dog"),), "b": (Event(1.0, 3.0, "cat, small"),), "c": ()}
RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)"


def read(tmp_path, text, *, form=None, name="events.tsv"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_event_list(path, form=form)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ('filename,onset,offset,event_label\na.wav,0.5,2.0,dog\nb.wav,1,3,"cat, small"\nc.wav,,,\n', "csv"),
        ('\ufeff"file", "event_onset", "event_offset", "event_label"\r\n"a.wav", .5, 2, "dog"\r\n'
         "b.wav,1,3,\"cat, small\"\r\nc.wav\r\n", "csv"),
        ('filename,event_label,note,onset,offset\na.wav,dog,"two\nlines",0.5,2\nb,"cat, small",,1,3\nc,,,,\n', "csv"),
        ('"filename"\t"onset"\t"offset"\t"event_label"\n"a.wav"\t0.5\t"2"\t"dog"\nb\t1\t3\t"cat, small"\n"c.wav"\n',
         "dcase"),
    ],
)  # fmt: skip
def test_commas_with_the_known_heading_and_quotes_are_read(tmp_path, text, taken):
    assert read(tmp_path, text) == (EXPECTED, taken)


def test_birdnets_csv_is_read_after_the_conversion_that_its_refusal_names(tmp_path):
    text = f"{BIRDNET_COLUMNS}\n0.5,2.0,Canis,dog,0.9,/x/a.wav\n"
    with pytest.raises(AnnotationFileError, match="BirdNET") as error:
        read(tmp_path, text)
    heading = re.search(r"s/\.\*/(.*)/'", str(error.value))[1]
    assert read(tmp_path, text.replace(BIRDNET_COLUMNS, heading))[0] == {"a": (Event(0.5, 2.0, "dog"),)}


def test_csv_without_heading_needs_the_format(tmp_path):
    text = 'a.wav,0.5,2.0,dog\nb.wav,1,3,"cat, small"\nc.wav\n'
    assert read(tmp_path, text, form="csv") == (EXPECTED, "csv")
    with pytest.raises(AnnotationFileError, match=r"line 1: 'a.wav,0.5,2.0,dog' \(separated by commas\), allowed: "):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "form", "refusal"),
    [
        ("filename;onset;offset;event_label\na.wav;0,5;2,0;dog\n", None, "line 1: .*separated by semicolons"),
        ("filename\tonset\toffset\tevent_label\na.wav;0,5;2,0;dog\n", None, "line 2: .*separated by semicolons"),
        ("filename,onset,offset,event_label\na.wav;0,5;2,0;dog\n", None, "line 2: 3 columns"),
        ("a.wav 0.5 2.0 dog\n", None, "line 1: .*separated by blanks"),
        ("filename onset offset event_label\na.wav 0.5 2.0 dog\n", None, "line 1: .*separated by blanks"),
        ("a.wav 0.5 2.0 b.wav\n", None, "line 1: .*separated by blanks"),
        ("a.wav|0.5|2.0|dog\n", None, "line 1: .*separated by bars"),
        ('[{"filename": "a.wav", "onset": 0.5}]\n', None, "line 1: JSON"),
        ('{\n"a.wav": [[0.5, 2.0, "dog"]]\n}\n', None, "line 1: JSON"),
        ("Start (s),End (s),Scientific name,Common name,Confidence,File\n0,3,Turdus merula,Blackbird,.9,a.wav\n", None,
         "line 1: BirdNET's CSV.*--format raven.*sed -i"),
        (f"{RAVEN}\tAnnotation\n1\tSpectrogram 1\t1\t0.5\t2\t0\tdog\n", None, "line 1: a Raven.*--format raven"),
        ("0.5\t2.0\tdog\n", None, "line 1: .*Audacity.*--format audacity"),
        ("0.5\tdog\n", "audacity", "line 1: 2 columns, allowed: an Audacity label's 3"),
        ("0,5\t2\tdog\n", "audacity", "line 1: onset '0,5', allowed: a time in seconds"),
        (f"{RAVEN}\n1\tSpectrogram 1\t1\t0.5\t2\t0\n", "raven", "line 1: heading .*one of Annotation"),
        (f"{RAVEN}\tAnnotation\n1\tSpectrogram 1\n", "raven", "line 2: 2 columns, allowed: the heading's 7"),
        (f"{RAVEN}\tAnnotation\tBegin File\n1\tS\t1\t0\t2\t0\tdog\ta.wav\n2\tS\t1\t9\t10\t0\tdog\tb.wav\n", "raven",
         "line 1: 2 files and no column File Offset"),
        ("", "raven", "line 1: heading"),
        ("filename,onset,offset,event_label\na.wav,0,5,2,0,dog\n", None,
         "line 2: 6 columns, allowed: 4 separated by commas"),
        ('filename,onset,offset,event_label\na.wav,0,5,"dog\n', None, "line 2: unexpected end of data"),
        ("filename\tonset\toffset\tevent_label\na.wav\tnan\tnan\tnan\n", None, "line 2: onset nan.*empty fields"),
        ("filename\tonset\toffset\tevent_label\na.wav\tNone\t\t\n", None, "line 2: onset 'None'.*empty fields"),
        ("a.wav\t0\t1\tdog\n", "csv", "line 1: .*separated by tabs.*allowed: columns separated by commas"),
        ("clip1\nclip2\n", None, "line 1: 'clip1' .*one column without an audio extension"),
        ("filename\tonset\toffset\tevent_label\nb.wav\t\ndog\ncat 1\n", None, "line 4: .*separated by blanks"),
        ("a.wav\t0\t1\tdog\n".encode("utf-16"), None, "line 1: not UTF-8 text but UTF-16.*iconv"),
        ("a.wav\t0\t1\tdog\nb.wav\t0\t1\tdog\n".encode("utf-16-le"), "csv", "line 1: not UTF-8 text but UTF-16"),
        ("a.wav\t0\t1\tdog\nb.wav\t0\t1\tHäher\n".encode("latin-1"), None, "line 2: not UTF-8 text .*iconv"),
    ],
)  # fmt: skip
def test_everything_else_is_refused_by_line_and_reason(tmp_path, text, form, refusal):
    with pytest.raises(AnnotationFileError, match=refusal) as error:
        read(tmp_path, text, form=form)
    assert str(error.value).startswith(str(tmp_path / "events.tsv, line "))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["kitchen.txt", "kitchen.wav.txt", "kitchen.tsv"])
def test_a_label_track_is_one_files_events(tmp_path, name):
    text = "0.500000\t2.000000\tdog\n\\\t100.0\t4000.0\n3\t3\tcat\n"
    expected = {"kitchen": (Event(0.5, 2.0, "dog"), Event(3.0, 3.0, "cat"))}
    assert read(tmp_path, text, form="audacity", name=name)[0] == expected
    assert read(tmp_path, "", form="audacity", name=name)[0] == {"kitchen": ()}


@pytest.mark.parametrize("name", ["kitchen.Table.1.selections.txt", "kitchen.BirdNET.selection.table.txt"])
def test_a_raven_table_without_files_is_its_own_names(tmp_path, name):
    both_views = (
        "1\tWaveform 1\t1\t0.5\t2\t0\tdog\n1\tSpectrogram 1\t1\t0.5\t2\t0\tdog\n2\tWaveform 1\t1\t0.5\t2\t0\tdog\n"
    )
    read_events, _ = read(tmp_path, f"{RAVEN}\tAnnotation\n{both_views}", form="raven", name=name)
    assert read_events == {"kitchen": (Event(0.5, 2.0, "dog"),) * 2}  # selections 1 and 2
    assert read(tmp_path, f"{RAVEN}\tAnnotation\n", form="raven", name=name)[0] == {"kitchen": ()}


def test_a_raven_table_of_several_files_counts_from_each_files_start(tmp_path):
    text = (
        f"{RAVEN}\tCommon Name\tBegin Path\tFile Offset (s)\n"
        "1\tSpectrogram 1\t1\t0.5\t2\t0\tdog\t/x/a.wav\t0.5\n2\tSpectrogram 1\t1\t61\t62.5\t0\tcat\t/x/b.wav\t1\n"
    )
    assert read(tmp_path, text, form="raven")[0] == {"a": (Event(0.5, 2, "dog"),), "b": (Event(1, 2.5, "cat"),)}


labels = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Z")), min_size=1, max_size=6)


@given(rows=st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9), labels), min_size=1, max_size=5))
def test_what_pythons_csv_writes_is_read_back(tmp_path_factory, rows):
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(("filename", "onset", "offset", "event_label"))
    events = sorted(Event(min(a, b), max(a, b), label) for a, b, label in rows)
    writer.writerows(("a, b.wav", *event) for event in events)
    assert read(tmp_path_factory.mktemp("csv"), written.getvalue())[0] == {"a, b": tuple(events)}


@given(text=st.text(st.sampled_from('ab.\t\n\r01-,;n"{ \\\ufeff'), max_size=60), form=st.sampled_from((None, *FORMATS)))
def test_any_text_has_events_or_filenames_or_a_refusal(tmp_path_factory, text, form):
    refusal = None
    try:
        events, _ = read(tmp_path_factory.mktemp("fuzz"), text, form=form)
    except AnnotationFileError as error:
        events, refusal = {}, str(error)
    assert refusal is None or re.search(r"events.tsv, line \d+: ", refusal)
    assert all(0 <= e.onset_seconds <= e.offset_seconds for rows in events.values() for e in rows)
