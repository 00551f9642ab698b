"""Whatever stands in a file, a reader yields clips or refuses it in one line that names the file."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from datamodules.importers.entry import ManifestError
from datamodules.importers.sound_events.label_studio import read_label_studio
from datamodules.importers.sound_events.published.audioset import read_audioset, read_audioset_strong
from datamodules.importers.sound_events.published.dcase2018 import read_dcase2018
from datamodules.importers.sound_events.published.esc50 import read_esc50
from datamodules.importers.sound_events.published.jams import read_jams
from datamodules.importers.sound_events.published.urban_sed import read_urban_sed
from datamodules.run_warning import RunWarning

HEADINGS: dict[Callable[..., Any], str] = {
    read_esc50: "filename,fold,target,category,esc10,src_file,take\n",
    read_audioset: "# YTID, start_seconds, end_seconds, positive_labels\n",
    read_audioset_strong: "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n",
    read_dcase2018: "filename\tonset\toffset\tevent_label\n",
    read_urban_sed: "",
}
words = st.sampled_from(
    [
        "annotations",
        "data",
        "audio",
        "a.wav",
        "result",
        "value",
        "labels",
        "choices",
        "start",
        "end",
        "type",
        "namespace",
        "scaper",
        "tag_open",
        "file_metadata",
        "duration",
        "time",
        "role",
        "background",
        "label",
        "id",
        "was_cancelled",
        "updated_at",
        "dog",
    ]
) | st.just("")
leaves = st.none() | st.booleans() | st.integers(-2, 99) | st.floats(allow_nan=False) | words
documents = st.recursive(leaves, lambda of: st.lists(of, max_size=3) | st.dictionaries(words, of, max_size=5))


def results(reader: Callable[..., Any], name: str, text: str) -> None:
    with tempfile.TemporaryDirectory() as home:
        Path(home, "a.wav").write_bytes(b"")
        path = Path(home, name)
        path.write_text(text, encoding="utf-8", newline="")
        refusal, clips = None, []
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RunWarning)
                clips = list(reader(path))
        except ManifestError as error:
            refusal = str(error)
        assert refusal is None or (name in refusal and "\n" not in refusal)
        assert all(clip.place.startswith(home) and all(clip.labels) for clip in clips)
        assert all(len(clip.places) in (0, len(clip.events or ())) for clip in clips)


@given(st.lists(documents, max_size=3) | documents)
def test_any_json_is_read_or_refused_as_an_export_of_label_studio(document: Any) -> None:
    results(read_label_studio, "export.json", json.dumps(document))


@given(documents)
def test_any_task_is_read_or_refused(result: Any) -> None:
    done = {"id": 1, "result": result if isinstance(result, list) else [result]}
    results(read_label_studio, "export.json", json.dumps([{"data": {"audio": "a.wav"}, "annotations": [done, result]}]))
    results(read_label_studio, "export.json", json.dumps([{"id": 1, "audio": "a.wav", "label": result}]))


@given(documents, st.sampled_from(["scaper", "tag_open", "beat"]))
def test_any_observations_are_read_or_refused_as_jams(data: Any, namespace: str) -> None:
    annotation = {"namespace": namespace, "data": data if isinstance(data, list) else [data]}
    results(read_jams, "a.jams", json.dumps({"file_metadata": {"duration": 10.0}, "annotations": [annotation]}))
    results(read_jams, "a.jams", json.dumps(data))


@pytest.mark.parametrize("reader", HEADINGS)
@given(text=st.text(st.sampled_from('ab.wv01-_,"\t\n\r /m#\\\ufeff'), max_size=60))
@example(text="/.")
@example(text="/\t0\t1\tdog")
@example(text="~nobody at home/a.wav\t0\t1\tdog")
def test_any_rows_below_a_heading_are_read_or_refused(reader: Callable[..., Any], text: str) -> None:
    results(reader, "list.txt", HEADINGS[reader] + text)
