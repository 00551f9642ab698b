"""What is written is read back by our importers as it was predicted, and by sed_eval's own reader."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import sed_eval
import soundfile

from datamodules.annotations import Event
from datamodules.importers.sound_events.read import read_clips
from experiments.applying.predicting.file_events import FileEvents
from experiments.applying.predicting.formats.json_files import label_studio
from experiments.applying.predicting.formats.known import FORMATS, chosen_formats
from experiments.errors import UserError
from lightning_modules.metrics.curves.score_files import read_scores

EVENTS = (Event(0.1 + 0.2, 1.28, "dog"), Event(0.5, 0.96, "Male speech, man speaking"), Event(2.0, 3.04, "dog"))


def found(
    folder: Path, *, name: str = "my yard.wav", events: tuple[Event, ...] = EVENTS, channels: int = 1
) -> FileEvents:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros((int(3.1 * 8000), channels)), 8000)
    curves_TC = np.random.default_rng(0).uniform(0, 1, (39, 2)).astype(np.float32)
    return FileEvents(
        audio=path, sample_rate_hz=8000, num_channels=channels, num_file_samples=int(3.1 * 8000), num_windows=1,
        classes=("Male speech, man speaking", "dog"), hop_seconds=0.08, curves_TC=curves_TC, events=events,
        confidences=tuple(0.5 for _ in events),
    )  # fmt: skip


def written(folder: Path, name: str, of: FileEvents) -> Path:
    path = FORMATS[name].beside(folder / of.audio.stem)
    path.parent.mkdir(exist_ok=True)
    path.write_text(FORMATS[name].text(of, of.audio.name), encoding="utf-8")
    return path


@pytest.mark.parametrize("events", [EVENTS, ()])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("name", "layout"), [("dcase", "dcase"), ("audacity", "audacity"), ("raven", "raven"),
                                              ("jsonl", "lhotse")])  # fmt: skip
def test_our_importers_read_back_what_was_predicted(tmp_path: Path, name, layout, channels, events) -> None:
    of = found(tmp_path, events=events, channels=channels)
    path = written(tmp_path, name, of)
    [clip] = read_clips(path, format_name="auto" if events or name != "audacity" else layout)
    assert clip.audio == of.audio
    assert clip.events is not None
    assert [event.label for event in clip.events] == [event.label for event in events]
    np.testing.assert_allclose(
        [event[:2] for event in clip.events], [event[:2] for event in events], atol=1e-6 if name == "jsonl" else 0
    )
    assert clip.channel in (None, 0)
    assert channels == 1 or clip.channel is None or name != "jsonl"


def test_label_studio_accepts_the_predictions_and_exports_what_we_import(tmp_path: Path) -> None:
    of = found(tmp_path)
    [task] = json.loads(label_studio(of, of.audio.name, prefix="/data/local-files/?d="))
    assert task["data"]["audio"] == "/data/local-files/?d=my%20yard.wav"
    for region in task["predictions"][0]["result"]:  # what its documentation asks of a pre-annotation
        assert (region["from_name"], region["to_name"], region["type"]) == ("label", "audio", "labels")
    task["annotations"] = [{"result": task["predictions"][0]["result"], "was_cancelled": False}]  # accepted as they are
    (tmp_path / "export.json").write_text(json.dumps([task]), encoding="utf-8")
    [clip] = read_clips(tmp_path / "export.json")
    assert clip.events == EVENTS
    assert clip.audio == of.audio


def test_sed_eval_reads_the_dcase_list(tmp_path: Path) -> None:
    path = written(tmp_path, "dcase", found(tmp_path))
    rows = sed_eval.io.load_event_list(str(path))
    assert [(row["onset"], row["offset"], row["event_label"]) for row in rows] == [tuple(event) for event in EVENTS]


def test_score_curves_are_read_back_to_the_last_bit_and_end_with_the_file(tmp_path: Path) -> None:
    of = found(tmp_path)
    written(tmp_path, "scores", of)
    curves = read_scores(tmp_path / "scores")
    edges, scores_TC = curves.by_clip["my yard"]
    np.testing.assert_array_equal(scores_TC, of.curves_TC)
    assert edges[-1] == of.duration_seconds
    assert curves.classes == of.classes


def test_one_list_of_several_files_is_read_back_too(tmp_path: Path) -> None:
    files = [found(tmp_path, name="a/one.wav"), found(tmp_path, name="b/two.wav", events=())]
    names = ["a/one.wav", "b/two.wav"]
    for name in ("dcase", "jsonl", "labelstudio"):
        join = FORMATS[name].join
        assert join is not None
        text = join([FORMATS[name].text(of, audio) for of, audio in zip(files, names, strict=True)])
        path = tmp_path / f"all{FORMATS[name].suffix}"
        path.write_text(text, encoding="utf-8")
        if name == "labelstudio":
            assert [task["data"]["audio"] for task in json.loads(text)] == names
            continue
        clips = read_clips(path)
        assert [len(clip.events or ()) for clip in clips] == [3, 0]
        assert [clip.label_kind for clip in clips] == ["strong", "strong"]


def test_unknown_formats_and_those_without_a_list_are_refused() -> None:
    assert chosen_formats("dcase, raven,dcase", one_list=False) == ("dcase", "raven")
    with pytest.raises(UserError, match="unknown format 'dcas' \\(did you mean 'dcase'"):
        chosen_formats("dcas", one_list=False)
    with pytest.raises(UserError, match="a file a recording; allowed: dcase, jsonl, labelstudio"):
        chosen_formats("audacity", one_list=True)
