"""Files whose headers guess, promise too little or hold another scale: read whole and exactly, or refused."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from datamodules.audio.audio_facts import audio_facts
from datamodules.audio.audio_reader import read_audio, read_pcm, sound_length
from datamodules.checks.audio_checks import clipped_audio
from datamodules.checks.speech_checks import CheckedUtterance
from datamodules.importers.entry import ManifestEntry
from datamodules.importers.imported_corpus import Source, import_corpus
from datamodules.speech.utterance_store import UtteranceStore

RATE_HZ = 16000
TONE_S = (0.5 * np.sin(np.arange(5 * RATE_HZ) / 9) * np.linspace(0.1, 1, 5 * RATE_HZ)).astype(np.float32)


def encoded(container: str, subtype: str) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, TONE_S, RATE_HZ, format=container, subtype=subtype)
    return stream.getvalue()


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def mp3_without_xing() -> bytes:
    data = encoded("MP3", "MPEG_LAYER_III")
    first = data.index(b"Xing")
    return data[data.index(data[:2], first) :]


def test_an_mp3_without_xing_frame_is_read_to_its_end(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mp3", mp3_without_xing())
    samples_S, rate_hz = read_audio(path)
    assert rate_hz == RATE_HZ
    assert 0 <= len(samples_S) - len(TONE_S) < 3000  # the encoder's padding
    assert audio_facts(path).problem is None
    assert sound_length(path)[0] == audio_facts(path).num_samples == len(samples_S)


def test_an_mp3_with_xing_frame_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    data = encoded("MP3", "MPEG_LAYER_III")
    path = written(tmp_path / "a.mp3", data[: len(data) // 2])
    assert "cut short" in str(audio_facts(path).problem)
    with pytest.raises(ValueError, match="cut short"):
        read_audio(path)


def test_mp3_files_one_behind_the_other_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mp3", encoded("MP3", "MPEG_LAYER_III") * 2)
    with pytest.raises(ValueError, match="behind the end that its Xing frame states"):
        sound_length(path)


def test_flac_of_unknown_length_is_read_to_its_end(tmp_path: Path) -> None:
    data = bytearray(encoded("FLAC", "PCM_16"))
    whole_S, _ = read_audio(written(tmp_path / "whole.flac", bytes(data)))
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    path = written(tmp_path / "a.flac", bytes(data))
    np.testing.assert_array_equal(read_audio(path)[0], whole_S)
    part_S, _ = read_audio(path, start_seconds=1.25, duration_seconds=0.5)
    np.testing.assert_array_equal(part_S, whole_S[20000:28000])
    assert sound_length(path) == (len(TONE_S), RATE_HZ, 1)
    assert audio_facts(path).problem is None


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_ogg_streams_one_after_the_other_are_refused(tmp_path: Path, subtype: str) -> None:
    path = written(tmp_path / "a.ogg", encoded("OGG", subtype) * 2)
    assert "several Ogg streams" in str(audio_facts(path).problem)
    for read in (read_audio, sound_length):
        with pytest.raises(ValueError, match=r"several Ogg streams.*ffmpeg -i a\.ogg a\.flac"):
            read(path)


@pytest.mark.parametrize(
    ("container", "marker", "order"), [("WAV", b"data", "little"), ("AIFF", b"SSND", "big"), ("AU", b".snd", "big")]
)
@pytest.mark.parametrize("stated", [0, 40000])
def test_a_header_shorter_than_its_data_is_refused(
    tmp_path: Path, container: str, marker: bytes, order: str, stated: int
) -> None:
    data = bytearray(encoded(container, "PCM_16"))
    at = data.index(marker) + (8 if container == "AU" else 4)
    data[at : at + 4] = stated.to_bytes(4, "big" if order == "big" else "little")
    path = written(tmp_path / f"a.{container.lower()}", bytes(data))
    assert "behind the end" in str(audio_facts(path).problem)
    with pytest.raises(ValueError, match="behind the end"):
        sound_length(path)


def test_a_streamed_wav_and_one_with_chunks_behind_its_sound_are_whole(tmp_path: Path) -> None:
    data = encoded("WAV", "PCM_16")
    at = data.index(b"data") + 4
    streamed = written(tmp_path / "a.wav", data[:at] + b"\xff" * 4 + data[at + 4 :])
    listed = written(tmp_path / "b.wav", data + b"LIST" + (4000).to_bytes(4, "little") + bytes(4000))
    for path in (streamed, listed):
        assert audio_facts(path).problem is None
        assert len(read_audio(path)[0]) == len(TONE_S)


def test_floats_beyond_full_scale_are_refused_and_overshoot_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, TONE_S * 32768, RATE_HZ, subtype="FLOAT")
    assert "full scale is 1" in str(audio_facts(path).problem)
    for read in (read_audio, sound_length):
        with pytest.raises(ValueError, match="full scale is 1"):
            read(path)
    soundfile.write(path, TONE_S * 2.04, RATE_HZ, subtype="FLOAT")
    facts = audio_facts(path)
    assert facts.problem is None
    entry = ManifestEntry(utterance_id="a", audio=path, text="a", place="train.tsv, line 2")
    clipped = clipped_audio([CheckedUtterance("train", entry, facts)])
    assert clipped is not None
    assert clipped.severity == "warning"
    assert clipped.examples[0].endswith("a.wav: 1.02")


@pytest.mark.parametrize(("name", "head"), [("a.m4a", b"\0\0\0\x20ftypM4A "), ("a.webm", b"\x1aE\xdf\xa3\x01\0\0\0")])
def test_containers_that_are_not_read_are_refused_with_the_command(tmp_path: Path, name: str, head: bytes) -> None:
    path = written(tmp_path / name, head + bytes(2000))
    for read in (read_audio, sound_length):
        with pytest.raises(ValueError, match=rf"is not read; convert it: ffmpeg -i {name} a\.flac"):
            read(path)


def test_peaks_are_those_of_channel_and_time(tmp_path: Path) -> None:
    samples_SC = np.zeros((2 * RATE_HZ, 2), dtype=np.float32)
    samples_SC[:RATE_HZ, 1] = 0.25
    path = tmp_path / "a.wav"
    soundfile.write(path, samples_SC, RATE_HZ)
    facts = audio_facts(path)
    assert facts.peak_between(0, 1, 1) == pytest.approx(0.25, abs=1e-4)
    assert facts.peak_between(0, 1, 0) == facts.peak_between(1, 2, 1) == 0
    with pytest.raises(ValueError, match=r"no channel 2, the file has 2"):
        read_audio(path, channel=2)


@pytest.mark.parametrize("name", ["a.mp3", "a.flac", "a.sph"])
def test_import_records_what_training_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("EARMARK_DATA", str(tmp_path / "data"))
    flac = bytearray(encoded("FLAC", "PCM_16"))
    flac[21] &= 0xF0
    flac[22:26] = bytes(4)
    data = {"a.mp3": mp3_without_xing, "a.flac": lambda: bytes(flac), "a.sph": lambda: encoded("NIST", "PCM_16")}
    path = written(tmp_path / name, data[name]())
    for number, split in enumerate(("train", "validation", "test")):
        row = f"audio\ttext\tlanguage\tid\n{path}\tahoj\tcs\tu{number}\n"
        (tmp_path / f"{split}.tsv").write_text(row, encoding="utf-8")
    manifests = {split: [tmp_path / f"{split}.tsv"] for split in ("train", "validation", "test")}
    import_corpus("mine", Source(manifests))
    store = UtteranceStore(folder=tmp_path / "data" / "mine", split="train", sample_rate_hz=RATE_HZ)
    assert store.utterances[0].duration_seconds == pytest.approx(audio_facts(path).duration_seconds)
    assert store.num_samples.tolist() == [audio_facts(path).num_samples]


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "PCM_U8"])
def test_integers_of_a_file_are_its_floats(tmp_path: Path, subtype: str) -> None:
    samples_SC = np.random.default_rng(0).uniform(-1.0, 1.0, (4000, 2))
    soundfile.write(tmp_path / "a.wav", samples_SC, 16_000, subtype=subtype)
    for channel in (0, 1, (0, 1)):
        floats_S, _ = read_audio(tmp_path / "a.wav", start_seconds=0.1, duration_seconds=0.1, channel=channel)
        pcm_S, _ = read_pcm(tmp_path / "a.wav", start_seconds=0.1, duration_seconds=0.1, channel=channel)
        assert pcm_S.dtype == (np.int16 if subtype == "PCM_16" and isinstance(channel, int) else np.float32)
        assert np.array_equal(pcm_S / (32768 if pcm_S.dtype == np.int16 else 1), floats_S)
