"""Lhotse's manifests as events: cuts and supervisions, stretches, channels, tags; Lhotse itself writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lhotse import CutSet, MonoCut, MultiCut, Recording, RecordingSet, SupervisionSegment, SupervisionSet
from lhotse.audio import AudioSource

from datamodules.importers.entry import ManifestError
from datamodules.importers.sound_events.clip_entry import ClipEntry
from datamodules.importers.sound_events.lhotse_events import read_lhotse_events
from datamodules.run_warning import RunWarning


def recording(name: str, *channels: list[int]) -> Recording:
    sources = [
        AudioSource(type="file", channels=of, source=f"{name}-{index}.wav")
        for index, of in enumerate(channels or ([0],))
    ]
    return Recording(id=name, sources=sources, sampling_rate=8000, num_samples=80000, duration=10.0)


def event(name: str, start: float, duration: float, *, of: str = "yard", channel: Any = 0, **said: Any) -> Any:
    return SupervisionSegment(name, of, start, duration, channel=channel, **said)


def mono(name: str, supervisions: list[Any], *, start: float = 0.0, duration: float = 10.0, **more: Any) -> MonoCut:
    more.setdefault("recording", recording("yard"))
    return MonoCut(name, start, duration, more.pop("channel", 0), supervisions=supervisions, **more)


def read(folder: Path, *cuts: Any) -> list[ClipEntry]:
    CutSet.from_cuts(cuts).to_file(folder / "cuts.jsonl.gz")
    return list(read_lhotse_events(folder / "cuts.jsonl.gz"))


def test_cuts_are_clips_and_labels_custom_or_text(tmp_path: Path) -> None:
    events = [event("a", 0.5, 0.7, custom={"label": "dog"}), event("b", 8.0, 1.0, text="cat")]
    whole, stretch = read(
        tmp_path, mono("one", events), mono("two", [event("c", -1.0, 5.0, text="rain")], start=4.0, duration=3.0)
    )
    assert whole.events == ((0.5, 1.2, "dog"), (8.0, 9.0, "cat"))
    assert (whole.audio, whole.duration_seconds, whole.channel) == (tmp_path / "yard-0.wav", None, 0)
    assert whole.places[1] == f"{tmp_path / 'cuts.jsonl.gz'}, line 1, supervision b"
    assert (stretch.start_seconds, stretch.duration_seconds, stretch.recording) == (4.0, 3.0, "yard")
    assert stretch.events == ((0.0, 3.0, "rain"),)  # ends with its cut, as Lhotse cuts


def test_supervisions_outside_their_cut_are_counted(tmp_path: Path) -> None:
    with pytest.warns(RunWarning, match=r"left out supervisions that lie outside their clip: 1 \(late\)"):
        [clip] = read(tmp_path, mono("one", [event("late", 4.0, 1.0, text="dog")], duration=3.0))
    assert clip.events == ()


def test_kinds_of_label_are_as_the_cut_says_else_as_the_file_has(tmp_path: Path) -> None:
    dog = [event("a", 0.5, 0.7, text="dog")]
    kinds = [
        clip.label_kind
        for clip in read(
            tmp_path,
            mono("1", dog),
            mono("2", []),
            mono("3", [], custom={"tags": []}),
            mono("4", [], custom={"tags": ["dog"]}),
            mono("5", [], custom={"tags": [], "label_kind": "unlabelled"}),
            mono("6", [], custom={"label_kind": "strong", "fold": 3, "split": "test"}),
        )
    ]
    assert kinds == ["strong", "strong", "strong", "weak", "unlabelled", "strong"]
    assert [clip.label_kind for clip in read(tmp_path, mono("1", []), mono("2", [], custom={"tags": []}))] == [
        "unlabelled",
        "weak",
    ]
    [given] = read(tmp_path, mono("6", [], custom={"label_kind": "strong", "fold": 3, "split": "test"}))
    assert (given.events, given.fold, given.split) == ((), "3", "test")


def test_a_cut_over_all_channels_is_their_mean_and_one_channel_is_itself(tmp_path: Path) -> None:
    stereo = recording("yard", [0, 1])
    both = MultiCut(
        "both", 0, 10, [0, 1], supervisions=[event("a", 1, 1, channel=[0, 1], text="dog")], recording=stereo
    )
    one = mono("one", [event("b", 1, 1, channel=1, text="dog")], channel=1, recording=stereo)
    far = mono("far", [], channel=1, recording=recording("yard", [0], [1]))  # a file for each channel
    assert [(clip.channel, clip.audio.name) for clip in read(tmp_path, both, one, far)] == [
        (None, "yard-0.wav"),
        (1, "yard-0.wav"),
        (0, "yard-1.wav"),
    ]


def test_supervisions_beside_recordings_make_whole_recordings_and_channels(tmp_path: Path) -> None:
    RecordingSet.from_recordings(
        [recording("yard"), recording("quiet"), recording("stereo", [0, 1]), recording("mixed", [0, 1])]
    ).to_file(tmp_path / "mine_recordings_train.jsonl.gz")
    SupervisionSet.from_segments(
        [
            event("a", 0.5, 0.7, custom={"label": "dog"}),
            event("b", 1.0, 1.0, of="stereo", channel=1, text="cat"),
            event("c", 2.0, 1.0, of="mixed", channel=[0, 1], text="cat"),
            event("d", 3.0, 1.0, text="cat"),
        ]
    ).to_file(tmp_path / "mine_supervisions_train.jsonl.gz")
    with pytest.warns(RunWarning, match=r"left out channels without a supervision, .*: 1 \(stereo-ch0\)"):
        clips = {clip.clip_id: clip for clip in read_lhotse_events(tmp_path / "mine_supervisions_train.jsonl.gz")}
    assert clips["yard"].events == ((0.5, 1.2, "dog"), (3.0, 4.0, "cat"))
    assert clips["quiet"].events == ()
    assert (clips["stereo-ch1"].channel, clips["mixed"].channel) == (1, None)
    assert list(clips) == ["yard", "quiet", "stereo-ch1", "mixed"]


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        (mono("a", [event("x", 0, 1)]), r"line 1, supervision x: custom.label or text None, allowed: the name of a cl"),
        (mono("a", [], custom={"tags": "dog"}), r"line 1: custom.tags 'dog', allowed: a list of classes"),
        (mono("a", [], custom={"label_kind": "soft"}), r"line 1: label_kind 'soft', allowed: strong, weak, unlabelled"),
        (
            mono("a", [event("x", 0, 1, channel=1, text="d")]),
            r"supervision 'x' of channel 1 in a cut of channel 0, allo",
        ),
        (mono("a b", []), r"line 1: id 'a b', allowed: a name without spaces"),
        (mono("a", [], recording=recording("yard").resample(4000)), r"recording 'yard' has transforms, allowed"),
        (
            MultiCut("a", 0, 10, [0, 1], recording=recording("yard", [0], [1])),
            r"line 1: channels \[0, 1\] of \[0\] of a file, allowed: one, or all",
        ),
        (mono("a", []).append(mono("b", [])), r"line 1: MixedCut .*, allowed: single cuts of recordings"),
    ],
)
def test_what_is_no_clip_is_named_by_line(tmp_path: Path, cut: Any, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        read(tmp_path, cut)
