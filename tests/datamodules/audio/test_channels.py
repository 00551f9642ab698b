"""Two speakers on two channels: every format names a channel or is refused, and training hears that channel."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse import CutSet, MonoCut, MultiCut, Recording, RecordingSet, SupervisionSegment, SupervisionSet
from lhotse.audio import AudioSource
from numpy.typing import NDArray

from datamodules.audio.audio_facts import audio_facts
from datamodules.checks.checked_splits import entries_of_corpus
from datamodules.checks.longest_batch import load_batch
from datamodules.checks.speech_checks import CheckedUtterance
from datamodules.corpus_folder import data_root
from datamodules.importers.entry import ManifestError
from datamodules.importers.imported_corpus import Source, import_corpus
from datamodules.importers.read import read_manifest
from datamodules.speech.utterance_store import UtteranceStore
from datamodules.texts.tokenizer import character_tokenizer
from experiments.cli import main

RATE_HZ = 16_000  # what training reads, so that samples can be compared
TONES_HZ = (500.0, 1300.0)  # of the first and the second channel
SPANS = {"a": (0, 0.0), "b": (1, 2.0)}  # id -> channel, start: each speaks while the other is silent


def tone(frequency_hz: float, seconds: float) -> NDArray[np.float64]:
    return 0.4 * np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)


@pytest.fixture
def call(tmp_path: Path) -> Path:
    """``call.wav``: the first channel sounds from 0 to 2 s, the second from 2 to 4 s; silence else."""
    samples_SC = np.zeros((4 * RATE_HZ, 2))
    samples_SC[: 2 * RATE_HZ, 0] = tone(TONES_HZ[0], 2)
    samples_SC[2 * RATE_HZ :, 1] = tone(TONES_HZ[1], 2)
    soundfile.write(tmp_path / "call.wav", samples_SC, RATE_HZ)
    return tmp_path / "call.wav"


def as_table(folder: Path, separator: str, name: str) -> Path:
    rows = [["audio", "text", "id", "start", "duration", "channel"]]
    rows += [["call.wav", f"text {key}", key, str(start), "2", str(ch)] for key, (ch, start) in SPANS.items()]
    (folder / name).write_text("".join(separator.join(row) + "\n" for row in rows), encoding="utf-8")
    return folder / name


def as_tsv(folder: Path) -> Path:
    return as_table(folder, "\t", "train.tsv")


def as_csv(folder: Path) -> Path:
    return as_table(folder, ",", "train.csv")


def as_json_lines(folder: Path, *, audio: str, start_key: str) -> Path:
    lines = [
        {audio: "call.wav", "text": f"text {key}", "id": key, start_key: start, "duration": 2, "channel": channel}
        for key, (channel, start) in SPANS.items()
    ]
    (folder / "train.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder / "train.jsonl"


def as_jsonl(folder: Path) -> Path:
    return as_json_lines(folder, audio="audio", start_key="start")


def as_nemo(folder: Path) -> Path:
    return as_json_lines(folder, audio="audio_filepath", start_key="offset")


def as_kaldi(folder: Path) -> Path:
    data = folder / "kaldi"
    data.mkdir()
    for name, lines in {
        "wav.scp": "call-A ../call.wav\ncall-B ../call.wav\n",
        "segments": "a call-A 0 2\nb call-B 2 4\n",
        "reco2file_and_channel": "call-A call A\ncall-B call B\n",
        "text": "a text a\nb text b\n",
    }.items():
        (data / name).write_text(lines, encoding="utf-8")
    return data


def recording(folder: Path, *, files: int = 1) -> Recording:
    """Of one file with two channels, or of two files with one each."""
    sources = [AudioSource("file", [0, 1], str(folder / "call.wav"))]
    if files == 2:
        samples_SC, _ = soundfile.read(folder / "call.wav")
        for channel in (0, 1):
            soundfile.write(folder / f"call{channel}.wav", samples_SC[:, channel], RATE_HZ)
        sources = [AudioSource("file", [channel], str(folder / f"call{channel}.wav")) for channel in (0, 1)]
    return Recording("call", sources, RATE_HZ, 4 * RATE_HZ, 4.0)


def segments(starts: bool = True) -> list[SupervisionSegment]:
    return [
        SupervisionSegment(key, "call", start if starts else 0.0, 2.0, channel=channel, text=f"text {key}")
        for key, (channel, start) in SPANS.items()
    ]


def as_supervisions(folder: Path, *, files: int = 1) -> Path:
    RecordingSet.from_recordings([recording(folder, files=files)]).to_file(folder / "x_recordings_train.jsonl.gz")
    SupervisionSet.from_segments(segments()).to_file(folder / "x_supervisions_train.jsonl.gz")
    return folder / "x_supervisions_train.jsonl.gz"


def as_supervisions_of_a_file_a_channel(folder: Path) -> Path:
    return as_supervisions(folder, files=2)


def as_cuts(folder: Path) -> Path:
    cuts = [
        MonoCut(segment.id, start, 2.0, channel, [segment], recording=recording(folder))
        for segment, (channel, start) in zip(segments(starts=False), SPANS.values(), strict=True)
    ]
    CutSet.from_cuts(cuts).to_file(folder / "cuts.jsonl.gz")
    return folder / "cuts.jsonl.gz"


FORMATS = (as_tsv, as_csv, as_jsonl, as_nemo, as_kaldi, as_supervisions, as_supervisions_of_a_file_a_channel, as_cuts)


@pytest.mark.parametrize("write", FORMATS)
def test_every_utterance_is_heard_on_its_own_channel(earmark_home, call, tmp_path, write):
    held_out = tmp_path / "held.tsv"
    held_out.write_text("audio\ttext\tchannel\tid\ncall.wav\theld\t1\theld\n", encoding="utf-8")
    other = tmp_path / "other.tsv"
    other.write_text("audio\ttext\tid\ncall.wav\tother\tother\n", encoding="utf-8")
    manifests = {"train": [write(tmp_path)], "validation": [held_out], "test": [other]}
    import_corpus("calls", Source(manifests, language="en"))
    store = UtteranceStore(folder=data_root() / "calls", split="train", sample_rate_hz=RATE_HZ)
    assert [utterance.utterance_id for utterance in store.utterances] == ["a", "b"]
    for index, frequency_hz in enumerate(TONES_HZ):
        np.testing.assert_allclose(store.waveform(index), tone(frequency_hz, 2), atol=2e-4)
    corpus = entries_of_corpus("calls").by_split
    assert {entry.utterance_id: entry.channel for of in corpus.values() for entry in of}.items() >= {
        "a": 0, "held": 1, "other": 0,
    }.items()  # fmt: skip


@pytest.mark.parametrize("channel", ["-1", "0.5", "1.0", "left", "0,1", "nan", "²"])
def test_what_is_not_the_number_of_one_channel_is_refused_by_line(tmp_path, channel):
    path = tmp_path / "train.tsv"
    path.write_text(f"audio\ttext\tchannel\na.wav\tone\t{channel}\n", encoding="utf-8")
    with pytest.raises(ManifestError) as refusal:
        read_manifest(path)
    assert str(refusal.value).startswith(f"{path}, line 2: channel {channel!r}, allowed: one channel, as a whole num")


@pytest.mark.parametrize("channel", [-1, 0.5, 1.0, [0, 1], [], True, {"a": 1}])
def test_json_channels_are_refused_likewise(tmp_path, channel):
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps({"audio": "a.wav", "text": "one", "channel": channel}), encoding="utf-8")
    with pytest.raises(ManifestError, match=r"line 1: channel .*, allowed: one channel"):
        read_manifest(path)


def test_channels_of_one_file_have_ids_of_their_own(tmp_path):
    path = tmp_path / "train.tsv"
    path.write_text("audio\ttext\tchannel\na.wav\tone\t0\na.wav\ttwo\t1\na.wav\tthree\t\n", encoding="utf-8")
    entries = read_manifest(path)
    assert [(entry.utterance_id, entry.channel, entry.names_channel) for entry in entries] == [
        ("a", 0, True), ("a-ch1", 1, True), ("a", 0, False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("reco2file_and_channel", "call-A call A\n", "line 2: recording 'call-B' has no line in"),
        ("reco2file_and_channel", "call-A call 0\n", "line 1: channel '0', allowed: A or 1 (the first channel), B or"),
        ("reco2file_and_channel", "call-A A\n", "line 1: 2 columns, allowed: 3 (recording, file, A or B)"),
        ("segments", "a call-A 0 2 1\n", "line 1: a fifth column '1', allowed: 4"),
    ],
)
def test_kaldi_sides_that_are_unclear_are_refused_by_line(call, tmp_path, name, content, message):
    data = as_kaldi(tmp_path)
    (data / name).write_text(content, encoding="utf-8")
    with pytest.raises(ManifestError) as refusal:
        read_manifest(data)
    assert message in str(refusal.value)


def test_lhotse_lines_of_several_channels_are_refused(call, tmp_path):
    of_both = SupervisionSegment("ab", "call", 0.0, 2.0, channel=[0, 1], text="both")
    path = as_supervisions(tmp_path)
    for channel, message in (([0, 1], r"channel \[0, 1\], allowed: one"), (2, "channel 2 of recording 'call', al")):
        of_both.channel = channel
        SupervisionSet.from_segments([*segments(), of_both]).to_file(path)
        with pytest.raises(ManifestError, match=f"line 3: {message}"):
            read_manifest(path)
    cuts = tmp_path / "cuts.jsonl.gz"
    of_both.channel = 1
    for cut, message in (
        (MultiCut("ab", 0.0, 2.0, [0, 1], [of_both], recording=recording(tmp_path)), "MultiCut 'ab' of channels"),
        (MonoCut("ab", 0.0, 2.0, 0, [of_both], recording=recording(tmp_path)), "of channel 1 in a cut of channel 0"),
    ):
        CutSet.from_cuts([cut]).to_file(cuts)
        with pytest.raises(ManifestError, match=f"line 1: .*{message}"):
            read_manifest(cuts)


def test_a_channel_that_the_file_lacks_is_refused_by_import(earmark_home, tmp_path):
    soundfile.write(tmp_path / "mono.wav", tone(500, 1), RATE_HZ)
    path = tmp_path / "train.tsv"
    path.write_text("audio\ttext\tchannel\nmono.wav\tone\t0\nmono.wav\ttwo\t1\n", encoding="utf-8")
    with pytest.raises(ManifestError, match=r"train.tsv, line 3: .*mono.wav: lacks channel 1 \(counted from 0\); all"):
        import_corpus("calls", Source({"train": [path]}, language="en"))


def test_the_batch_trial_hears_the_same_channels(call, tmp_path):
    facts = audio_facts(call)
    batch = [(CheckedUtterance("train", entry, facts), 1.0) for entry in read_manifest(as_tsv(tmp_path))]
    waveforms_BS = load_batch(batch, tokenizer=character_tokenizer(["text a", "text b"])).waveforms_BS
    for waveform_S, frequency_hz in zip(waveforms_BS.numpy(), TONES_HZ, strict=True):
        np.testing.assert_allclose(waveform_S, tone(frequency_hz, 2), atol=2e-4)


def test_what_lacks_its_channel_is_dropped_by_name_and_unnamed_channels_are_said(earmark_home, call, tmp_path, capfd):
    path = tmp_path / "train.tsv"
    lines = ["audio\ttext\tchannel\tid", "call.wav\tone\t\ta", "call.wav\ttwo\t1\tb", "call.wav\tthree\t2\tc"]
    path.write_text("\n".join(lines), encoding="utf-8")
    others = {}
    for split in ("validation", "test"):
        others[split] = [tmp_path / f"{split}.tsv"]
        others[split][0].write_text(f"audio\ttext\tchannel\tid\ncall.wav\tfour\t0\t{split}\n", encoding="utf-8")
    import_corpus("calls", Source({"train": [path], **others}, language="en"), drop_damaged=True)
    dropped = json.loads((data_root() / "calls" / "dropped.json").read_text(encoding="utf-8"))
    assert dropped == {"en": {"lacks channel 2 (counted from 0)": 1}}
    assert f"1 utterances of files with several channels, no channel named: the first is taken ({path}, line 2" in (
        capfd.readouterr().err
    )


def test_channels_of_a_corpus_are_named_where_another_than_the_first_is_taken(earmark_home, call, tmp_path):
    for name, channel in (("first", 0), ("both", 1)):
        manifests = {}
        for split, of in (("train", 0), ("validation", channel), ("test", 0)):
            manifests[split] = [tmp_path / f"{name}-{split}.tsv"]
            text = f"audio\ttext\tchannel\tid\ncall.wav\tfour\t{of}\t{split}\n"
            manifests[split][0].write_text(text, encoding="utf-8")
        import_corpus(name, Source(manifests, language="en"))
        named = {entry.names_channel for of in entries_of_corpus(name).by_split.values() for entry in of}
        assert named == {name == "both"}


@pytest.mark.integration
def test_check_judges_an_utterance_by_its_own_stretch_and_channel(earmark_home, call, tmp_path, capsys):
    found = checked(as_supervisions(tmp_path), capsys)
    assert not found.keys() & {"silent_audio", "several_channels", "repeated_audio", "absent_channel"}
    crossed = tmp_path / "crossed.tsv"
    crossed.write_text(
        "audio\ttext\tid\tstart\tduration\tchannel\ncall.wav\tone\ta\t0\t2\t1\ncall.wav\ttwo\tb\t0\t2\t0\n"
        "call.wav\tthree\tc\t1\t1\t2\ncall.wav\tfour\td\t0\t1\t\ncall.wav\tfive\te\t0.97\t1.06\t1\n",
        encoding="utf-8",
    )
    found = checked(crossed, capsys)
    for name, severity, of, detail in (
        ("silent_audio", "warning", "line 2: a", "0-2 s of channel 1"),
        ("absent_channel", "error", "line 4: c", "channel 2 of 2"),
        ("several_channels", "warning", "line 5: d", "2 channels"),
        ("repeated_audio", "warning", "line 5: d", "call.wav"),  # the same as b, of the first channel
    ):
        # e is silent but for the last 30 ms, in which its neighbour begins
        assert (found[name]["severity"], found[name]["count"]) == (severity, 1 + (name == "silent_audio"))
        assert of in found[name]["examples"][0]
        assert detail in found[name]["examples"][0]


def checked(manifest: Path, capsys) -> dict[str, dict]:
    main(["data", "check", str(manifest), "--language", "en", "--json"])
    return {finding["check"]: finding for finding in json.loads(capsys.readouterr().out)["findings"]}
