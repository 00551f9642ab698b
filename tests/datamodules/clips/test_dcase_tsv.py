"""DCASE lists: every form that is read, every fault that is refused with its file, line and value, and round trips."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.annotations import Event
from datamodules.clips.dcase_tsv import AnnotationFileError, read_events, read_tags, write_events, write_tags

EXPECTED = {"a": (Event(0.5, 1.0, "cat"), Event(1.0, 2.5, "dog bark")), "b": ()}
FORMS = {
    "heading": "filename\tonset\toffset\tevent_label\na.wav\t1\t2.5\tdog bark\na.wav\t0.5\t1\tcat\nb.wav\t\t\t\n",
    "older heading": "file\tevent_onset\tevent_offset\tevent_label\na.wav\t1\t2.5\tdog bark\na.wav\t.5\t1\tcat\nb\n",
    "headerless": "x/a.wav\t1\t2.5\tdog bark\nx/a.wav\t0.5\t1.0\tcat\nb.flac",
    "CRLF and BOM": "\ufefffilename\tonset\toffset\tevent_label\r\na\t1\t2.5\tdog bark\r\na\t5e-1\t1\tcat\r\n\r\nb\r\n",
}


@pytest.mark.parametrize("form", ["heading", "older heading", "headerless", "CRLF and BOM"])
def test_forms_of_strong_lists(tmp_path, form):
    path = tmp_path / "events.tsv"
    path.write_bytes(FORMS[form].encode("utf-8"))
    assert read_events(path) == EXPECTED


def test_columns_are_found_by_their_heading_and_others_ignored(tmp_path):
    path = tmp_path / "events.tsv"
    path.write_text("filename\tevent_label\tconfidence\tonset\toffset\na.wav\tcat\t0.9\t0.5\t1\nb.wav\t\t\t\t\n")
    assert read_events(path) == {"a": (Event(0.5, 1.0, "cat"),), "b": ()}
    path.write_text("onset\toffset\tfile\tevent_label\n.5\t1\ta.wav\tcat\nb.wav\n")
    assert read_events(path) == {"a": (Event(0.5, 1.0, "cat"),), "b": ()}


@pytest.mark.parametrize("heading", ["filename\tevent_labels\n", "file\tevent_labels\n", ""])
def test_forms_of_weak_lists(tmp_path, heading):
    path = tmp_path / "tags.tsv"
    path.write_text(heading + "a.wav\tdog bark, cat\nb.wav\nc.wav\t\na.wav\train\n")
    assert read_tags(path) == {"a": {"dog bark", "cat", "rain"}, "b": frozenset(), "c": frozenset()}


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ("b.wav\t2\t1\tdog", "offset 1.0 lies before onset 2.0"),
        ("b.wav\tnan\t1\tdog", "onset nan"),
        ("b.wav\t0\tinf\tdog", "offset inf"),
        ("b.wav\t-0.1\t1\tdog", "onset -0.1"),
        ("b.wav\t0,5\t1\tdog", "onset '0,5'"),
        ("b.wav\t\t1\tdog", "onset ''"),
        ("b.wav\t0\t1\t", "event_label ''"),
        ("b.wav\t0\t1", "3 columns"),
        ("b.wav\t0\t1\tdog\tcat", "5 columns"),
        ("b.wav 0 1 dog\t", "(separated by blanks)"),
        ("b.wav 0 1 dog", "(separated by blanks)"),
        ("b.wav,0,1,dog", "(separated by commas)"),
        ("b;0,5;1,0;dog", "(separated by semicolons)"),
        ('{"b.wav": []}', "(JSON)"),
        ("b.wav\tnan\t\t", "empty fields, or its filename alone"),
        ("\t0\t1\tdog", "filename ''"),
        ("other/a.wav\t0\t1\tdog", "'other/a.wav' and 'a.wav'"),
    ],
)
def test_faults_name_file_line_and_value(tmp_path, row, value):
    path = tmp_path / "events.tsv"
    path.write_text(f"filename\tonset\toffset\tevent_label\na.wav\t0\t1\tdog\n{row}\n")
    with pytest.raises(AnnotationFileError, match=re.escape(value)) as error:
        read_events(path)
    assert f"{path}, line 3: " in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["b.wav", "my dog, barking.FLAC", "b", "Y1_30.000_40.000"])
def test_a_filename_alone_is_an_event_free_clip(tmp_path, name):
    path = tmp_path / "events.tsv"
    path.write_text(f"{name}\na.wav\t0\t1\tdog\n")
    assert list(read_events(path).values()) == [(), (Event(0, 1, "dog"),)]
    path.write_text(f"{name}\n")
    if name.lower().endswith((".wav", ".flac")):
        assert list(read_events(path).values()) == [()]
        return
    with pytest.raises(AnnotationFileError, match=r"line 1: .*one column without an audio extension"):
        read_events(path)


def test_tags_with_commas_instead_of_tabs_are_refused(tmp_path):
    path = tmp_path / "tags.tsv"
    path.write_text("a.wav\tdog\nb.wav,cat\n")
    with pytest.raises(AnnotationFileError, match=r"line 2: 'b.wav,cat' \(separated by commas\)"):
        read_tags(path)


def test_a_list_of_the_wrong_kind_is_refused(tmp_path):
    path = tmp_path / "tags.tsv"
    path.write_text("filename\tevent_labels\na.wav\tdog\n")
    with pytest.raises(AnnotationFileError, match="heading 'filename event_labels', allowed: 'filename onset offset"):
        read_events(path)
    path.write_bytes("filename\n".encode("utf-16"))
    with pytest.raises(AnnotationFileError, match="not UTF-8"):
        read_events(path)


def test_what_could_not_be_read_back_is_not_written(tmp_path):
    path = tmp_path / "list.tsv"
    for events, text in (
        ({"a": [Event(0, 1, "dog\tbark")]}, "can't be written"),
        ({"a": [Event(2, 1, "dog")]}, "before onset"),
        ({"a": [Event(float("nan"), 1, "dog")]}, "onset nan"),
        ({"a.wav": [], "b/a.wav": []}, "same name"),
    ):
        with pytest.raises(ValueError, match=text):
            write_events(path, events)
    assert not path.exists()


def test_a_class_with_a_comma_is_one_class_and_lists_without_one_are_as_dcase_writes_them(tmp_path):
    path = tmp_path / "list.tsv"
    tags = {"a": {"Male speech, man speaking", "Car"}, "b": {"dog", "cat"}, "c": {"odd \\", "b\\,c"}, "d": set()}
    write_tags(path, tags)
    assert read_tags(path) == tags
    assert path.read_text().splitlines()[1:3] == ["a\tCar,Male speech\\, man speaking", "b\tcat,dog"]
    path.write_text("filename\tevent_labels\na.wav\tdog,cat,\nb.wav\tC:\\dog\n")
    assert read_tags(path) == {"a": {"dog", "cat"}, "b": {"C:\\dog"}}


names = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Z")), min_size=1, max_size=8).filter(
    lambda name: not re.search(r"[/\\,]|\.(wav|flac|ogg|opus|mp3|m4a|aac)$|^\ufeff", name, re.IGNORECASE)
)
times = st.floats(0, 1e6, allow_nan=False)


@given(events=st.dictionaries(names, st.lists(st.tuples(times, times, names), max_size=4), max_size=4))
def test_events_make_the_round_trip_to_the_last_bit(tmp_path_factory, events):
    path = tmp_path_factory.mktemp("round") / "events.tsv"
    ours = {clip: [Event(min(a, b), max(a, b), label) for a, b, label in rows] for clip, rows in events.items()}
    write_events(path, ours)
    assert read_events(path) == {clip: tuple(sorted(rows)) for clip, rows in ours.items()}


classes = st.text(st.sampled_from("ab\\, ;"), min_size=1, max_size=8).map(str.strip).filter(bool)


@given(tags=st.dictionaries(names, st.frozensets(names | classes, max_size=4), max_size=4))
def test_tags_make_the_round_trip(tmp_path_factory, tags):
    path = tmp_path_factory.mktemp("round") / "tags.tsv"
    write_tags(path, tags)
    assert read_tags(path) == tags


@given(text=st.text(st.sampled_from("ab.\t\n\r01-e,n\ufeff"), max_size=60))
def test_any_text_is_read_or_refused_with_its_line(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("fuzz") / "events.tsv"
    path.write_bytes(text.encode("utf-8"))
    refusal = None
    try:
        events = read_events(path)
    except AnnotationFileError as error:
        events, refusal = {}, str(error)
    assert refusal is None or re.search(r"events.tsv, line \d+: ", refusal)
    assert all(0 <= e.onset_seconds <= e.offset_seconds for rows in events.values() for e in rows)
