"""DCASE's and DESED's lists: strong, weak, durations, unlabelled; tabs or commas; columns in any order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.annotations import Event
from datamodules.importers.entry import ManifestError
from datamodules.importers.sound_events.dcase import read_dcase
from datamodules.importers.sound_events.detect import detect_layout


def read(tmp_path: Path, text: str, *, name: str = "list.tsv", audio_root: Path | None = None):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return list(read_dcase(path, audio_root=audio_root))


@pytest.mark.parametrize(
    "text",
    [
        "filename\tonset\toffset\tevent_label\na.wav\t0.5\t2.0\tdog\nb.wav\t\t\t\na.wav\t1\t0.25\tcat\n",
        "event_label\tfilename\tnote\toffset\tonset\ndog\ta.wav\tx\t2.0\t0.5\n\tb.wav\t\t\t\ncat\ta.wav\t\t0.25\t1\n",
        "a.wav\t0.5\t2.0\tdog\nb.wav\na.wav\t1\t0.25\tcat\n",
        'file,event_onset,event_offset,event_label\na.wav,0.5,2.0,"dog"\nb.wav\na.wav,1,.25,cat\n',
    ],
)
def test_strong_lists_give_a_clip_a_file_with_events_as_written(tmp_path, text):
    a, b = read(tmp_path, text, name="list.csv" if text.startswith("file,") else "list.tsv")
    assert (a.clip_id, a.audio, a.label_kind) == ("a", tmp_path / "a.wav", "strong")
    assert a.events == (Event(0.5, 2.0, "dog"), Event(1.0, 0.25, "cat"))  # reversed: whoever places it says so
    assert [place.rsplit(" ", 1)[1] for place in a.places] in (["2", "4"], ["1", "3"])
    assert (b.events, b.label_kind) == ((), "strong")


def test_weak_durations_and_unlabelled_lists(tmp_path):
    weak = read(tmp_path, "filename\tevent_labels\na.wav\tdog,cat\nb.wav\t\n")
    assert [(entry.tags, entry.events) for entry in weak] == [(frozenset({"dog", "cat"}), None), (frozenset(), None)]
    [listed] = read(tmp_path, "filename\tduration\na.wav\t10.0\n")
    assert (listed.is_listed_only, listed.label_kind) == (True, "unlabelled")
    [unlabelled] = read(tmp_path, "filename\na.wav\n")
    assert (unlabelled.is_listed_only, unlabelled.label_kind) == (False, "unlabelled")


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("filename\tonset\toffset\tevent_label\na.wav\tnoon\t2\tdog\n", "line 2: onset 'noon', allowed: a time"),
        ("filename\tonset\toffset\tevent_label\na.wav\t0\tinf\tdog\n", "line 2: offset 'inf', allowed: a time"),
        ("filename\tonset\toffset\tevent_label\na.wav\t0\t1\t\n", "line 2: event_label '', allowed: the name"),
        ("filename\tlabels\na.wav\tdog\n", "line 1: heading 'filename labels'; allowed: a heading with"),
        ("filename\tduration\tlabel\na.wav\t1\tdog\n", "line 1: heading 'duration filename label'; allowed: a heading"),
        ("filename\tduration\na.wav\tlong\n", "line 2: duration 'long', allowed: a number of seconds, more than 0"),
        ("a.wav\t10.0\n", "line 1: 2 columns and no heading; allowed: a heading with"),
        ("a.wav\tdog\tcat\n", "line 1: 3 columns and no heading; allowed: a heading with"),
        ("filename\tonset\toffset\tevent_label\na.wav\t0\t1\n", "line 2: 3 columns, allowed: 4 separated by tabs"),
        ("filename\tonset\toffset\tevent_label\n|ls\t0\t1\tdog\n", "line 2: audio '|ls' is a command"),
    ],
)
def test_refusals_name_line_and_what_is_allowed(tmp_path, text, refusal):
    with pytest.raises(ManifestError, match=re.escape(refusal)) as error:
        read(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path / 'list.tsv'}, line ")


def test_a_name_alone_is_looked_for_below_the_root_and_must_be_of_one_file(tmp_path, write_audio):
    deep = write_audio(tmp_path / "audio" / "eval" / "a.wav")
    text = "filename\tonset\toffset\tevent_label\na.wav\t0\t.2\tdog\n"
    [entry] = read(tmp_path, text, audio_root=tmp_path / "audio")
    assert entry.audio == deep
    [entry] = read(tmp_path, text.replace("a.wav", "a"), audio_root=tmp_path / "audio")
    assert entry.audio == deep
    [entry] = read(tmp_path, text.replace("a.wav", "train/a.wav"), audio_root=tmp_path / "audio")
    assert entry.audio == tmp_path / "audio" / "train" / "a.wav"  # another folder's file is not taken for it
    write_audio(tmp_path / "audio" / "train" / "a.wav")
    with pytest.raises(ManifestError, match=r"line 2: audio 'a.wav' is eval/a.wav or train/a.wav of .*, allowed: "):
        read(tmp_path, text, audio_root=tmp_path / "audio")


def test_desed_s_lists_name_audio_in_the_folder_of_their_own_name(tmp_path, write_audio):
    for part in ("train", "validation"):
        write_audio(tmp_path / "audio" / part / f"synthetic21_{part}" / "soundscapes" / "7.wav")
    public = write_audio(tmp_path / "audio" / "eval" / "public" / "a.wav")
    for part in ("train", "validation"):
        folder = tmp_path / "metadata" / part / f"synthetic21_{part}"
        folder.mkdir(parents=True)
        text = "filename\tonset\toffset\tevent_label\n7.wav\t0\t.2\tdog\n"
        [entry] = read(folder, text, name="soundscapes.tsv")
        assert entry.audio == tmp_path / "audio" / part / f"synthetic21_{part}" / "soundscapes" / "7.wav"
        assert detect_layout(folder / "soundscapes.tsv") == "dcase"
    (tmp_path / "metadata" / "eval").mkdir()
    for name, root in (("public.tsv", None), ("durations_public.tsv", None), ("public.tsv", tmp_path / "audio")):
        [entry] = read(tmp_path / "metadata" / "eval", "filename\tduration\na.wav\t.5\n", name=name, audio_root=root)
        assert entry.audio == public
        assert detect_layout(tmp_path / "metadata" / "eval" / name) == "dcase"


names = st.from_regex(r"[a-z]{1,4}", fullmatch=True)
times = st.integers(0, 10_000).map(lambda milliseconds: milliseconds / 1000)


@given(rows=st.lists(st.tuples(names, times, times, names), min_size=1, max_size=8), headed=st.booleans())
def test_every_row_becomes_an_event_of_its_file(tmp_path_factory, rows, headed):
    folder = tmp_path_factory.mktemp("lists")
    lines = ["filename\tonset\toffset\tevent_label"] if headed else []
    lines += [f"{name}.wav\t{onset}\t{offset}\t{label}" for name, onset, offset, label in rows]
    entries = read(folder, "\n".join(lines))
    expected: dict[str, list[Event]] = {}
    for name, onset, offset, label in rows:
        expected.setdefault(name, []).append(Event(onset, offset, label))
    assert {entry.clip_id: list(entry.events or ()) for entry in entries} == expected


@given(text=st.text(st.characters(blacklist_categories=("Cs",)), max_size=60))
def test_any_text_is_read_or_refused_in_one_line(tmp_path_factory, text):
    refusal = ""
    try:
        read(tmp_path_factory.mktemp("lists"), text)
    except ManifestError as error:
        refusal = str(error)
    assert "\n" not in refusal
