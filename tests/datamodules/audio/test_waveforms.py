"""Waveforms in memory and from their files: the same samples, a bounded cache, parts of long files without the rest."""

from __future__ import annotations

import pickle
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from datamodules.audio import audio_place
from datamodules.audio.audio_place import AudioPlace, machine_bytes
from datamodules.audio.cuts import Cut
from datamodules.audio.waveform_cache import WaveformCache
from datamodules.audio.waveforms import Waveforms


def cut_of(path: Path, start: float, duration: float, **changes: Any) -> Cut:
    info = soundfile.info(path)
    fields: dict[str, Any] = {"id": f"{path.stem}-{start:g}", "channel": 0, "rate_hz": info.samplerate}
    return Cut(
        **fields | {"start": start, "duration": duration, "path": str(path), "num_samples": info.frames} | changes
    )


def waveforms_of(cuts: list[Cut]) -> Waveforms:
    return Waveforms(cuts, sample_rate_hz=16_000, path=Path("train.jsonl.gz"))


def opened(cuts: list[Cut], audio: Any, **changes: Any) -> Waveforms:
    place, waveforms = AudioPlace(audio, **changes), waveforms_of(cuts)
    place.settle([waveforms])
    place.open(waveforms, num_workers=0)
    return waveforms


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.ogg"])
@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 44_100])
def test_samples_are_the_same_whichever_way(tmp_path: Path, write_audio: Any, name: str, rate_hz: int) -> None:
    path = write_audio(tmp_path / name, 2.0, rate_hz=rate_hz, channels=2)
    cuts = [cut_of(path, start, 0.3, channel=channel) for start in (0.0, 0.71, 1.5) for channel in (0, 1, (0, 1))]
    in_memory, lazy = opened(cuts, "memory"), opened(cuts, "disk", cache_gigabytes=1e-5)
    assert in_memory.is_read
    assert not lazy.is_read
    for _ in range(2):  # decoded, then perhaps cached
        for index in (0, 1, 2, 8, 5, 8, 0):
            assert np.array_equal(in_memory[index], lazy[index])
    assert in_memory.num_samples.tolist() == lazy.num_samples.tolist() == [len(in_memory[i]) for i in range(len(cuts))]


def test_a_part_of_a_long_file_is_sought_not_decoded_up_to(tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    samples_S = np.random.default_rng(0).integers(-3000, 3000, 10 * 60 * 16_000, dtype=np.int16)
    soundfile.write(path, samples_S, 16_000)
    start = time.process_time()
    soundfile.read(path)
    whole_seconds = time.process_time() - start
    lazy = opened([cut_of(path, 590.0, 1.0), cut_of(path, 0.0, 1.0)], "disk", cache_gigabytes=0)
    start = time.process_time()
    for _ in range(5):
        assert np.array_equal(lazy[0] * 32768, samples_S[590 * 16_000 :][:16_000])
    assert time.process_time() - start < whole_seconds


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 40)), max_size=40), st.integers(0, 100))
def test_the_cache_keeps_its_bound_and_what_was_asked_for_last(asked: list[tuple[int, int]], max_bytes: int) -> None:
    cache, sizes, recent = WaveformCache(max_bytes), dict[int, int](), list[int]()
    for number, size in asked:
        size = sizes.setdefault(number, size)
        found = cache.get((0, number))
        assert (found is not None) == (number in recent)
        if found is None:
            cache.put((0, number), np.full(size, number, dtype=np.int16))
        if 2 * size <= max_bytes:
            recent = [one for one in recent if one != number] + [number]
        while sum(2 * sizes[one] for one in recent) > max_bytes:
            recent.pop(0)
        assert cache.num_bytes == sum(2 * sizes[one] for one in recent) <= max_bytes


def test_a_cache_travels_to_a_worker_empty() -> None:
    cache = WaveformCache(100)
    cache.put((0, 0), np.zeros(10, dtype=np.int16))
    there = pickle.loads(pickle.dumps(cache))
    assert (there.max_bytes, there.num_bytes, there.get((0, 0))) == (100, 0, None)


def test_workers_share_the_bound(tmp_path: Path, write_audio: Any) -> None:
    place, waveforms = AudioPlace("disk", 0.5), waveforms_of([cut_of(write_audio(tmp_path / "a.wav"), 0.0, 0.5)])
    place.settle([waveforms])
    for num_workers, max_bytes in ((0, 5e8), (1, 5e8), (2, 2.5e8)):
        place.open(waveforms, num_workers=num_workers)
        assert waveforms.cache is not None
        assert waveforms.cache.max_bytes == max_bytes


def test_auto_takes_memory_where_the_corpus_fits_its_share(
    tmp_path: Path, write_audio: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuts = [cut_of(write_audio(tmp_path / "a.wav", 2.0), 0.0, 2.0)]  # 64,000 bytes
    for memory, says in (
        (256_000, "audio is kept in memory: 6.4e-05 GB decoded, within 25% of the machine's 0.0 GB"),
        (255_999, "audio is read from its files, 1 GB of it kept: 6.4e-05 GB decoded, more than 25% of"),
    ):
        monkeypatch.setattr(audio_place, "machine_bytes", lambda memory=memory: memory)
        place = AudioPlace()
        place.settle([waveforms_of(cuts)])
        assert place.says.startswith(says)


def test_a_container_s_limit_is_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = machine_bytes()
    for text, expected in (("max\n", whole), ("1000000\n", 1_000_000)):
        (tmp_path / "memory.max").write_text(text)
        monkeypatch.setattr(audio_place, "_LIMIT", tmp_path / "memory.max")
        assert min(machine_bytes(), whole) == expected


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"audio": "ram"}, "audio 'ram', allowed: auto, memory, disk"),
        ({"cache_gigabytes": -1.0}, "cache_gigabytes -1.0, allowed: 0 or more"),
        ({"cache_gigabytes": float("nan")}, "cache_gigabytes nan, allowed: 0 or more"),
    ],
)
def test_settings_that_are_none_are_refused(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AudioPlace(**setting)


def test_missing_files_are_named_before_a_training_that_reads_them_later(tmp_path: Path, write_audio: Any) -> None:
    cut = cut_of(write_audio(tmp_path / "a.wav"), 0.0, 0.5)
    gone = [cut._replace(path=str(tmp_path / name)) for name in ("b.wav", "c.wav")]
    with pytest.raises(
        ValueError, match=r"train.jsonl.gz: 2 of 3 audio files are not there: \S+b.wav, \S+c.wav \(clip"
    ):
        opened([cut, *gone], "disk")


def test_parts_of_files_that_cannot_be_sought_in_are_said(tmp_path: Path, write_audio: Any) -> None:
    path = write_audio(tmp_path / "a.mp3", 2.0)
    place = AudioPlace("disk")
    place.settle([waveforms_of([cut_of(path, 0.0, soundfile.info(path).duration), cut_of(path, 1.0, 0.5)])])
    assert "1 clips are parts of files that cannot be sought in, slow to read: a-1" in place.says


def test_a_file_of_another_length_than_its_manifest_s_is_refused(tmp_path: Path, write_audio: Any) -> None:
    cut = cut_of(write_audio(tmp_path / "a.wav", 2.0), 0.0, 2.0)
    with pytest.raises(ValueError, match=r"clip 'a-0': \S+a.wav gives 32000 samples, its manifest says 16000"):
        opened([cut._replace(num_samples=16_000)], "memory")


def test_memory_is_bounded_by_the_cache(tmp_path: Path, write_audio: Any) -> None:
    minute = cut_of(write_audio(tmp_path / "minute.wav", 60.0), 0.0, 60.0)
    cuts = [minute._replace(id=str(number)) for number in range(50)]  # 96 MB decoded
    peaks = {}
    for audio in ("memory", "disk"):
        tracemalloc.start()
        waveforms = opened(cuts, audio, cache_gigabytes=0.01)
        for number in range(50):
            waveforms[number]
        peaks[audio] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    a_clip = 8 * 960_000  # float64 while it is rounded
    assert peaks["memory"] > 96e6
    assert peaks["disk"] < 10e6 + 3 * a_clip
