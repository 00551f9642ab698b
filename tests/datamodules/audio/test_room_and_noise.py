"""Rooms and noises: the drawn ratio, scipy's convolution, onsets where they were, the same in any order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import convolve

from datamodules.asr import SpeechDataModule
from datamodules.audio.room_and_noise import RoomAndNoise, excerpt, impulse_response, reverberated, with_noise
from datamodules.batches import UtteranceBatch

RATE_HZ = 8000


def noise(num_samples: int, *, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(num_samples).astype(np.float32) * np.float32(0.1)


@pytest.fixture
def noises(tmp_path: Path) -> str:
    """A folder with a short recording, one of another rate in stereo, and a text beside them."""
    folder = tmp_path / "noises"
    (folder / "deep").mkdir(parents=True)
    soundfile.write(folder / "short.wav", noise(400), RATE_HZ)
    soundfile.write(folder / "deep" / "stereo.flac", np.stack([noise(16000), noise(16000, seed=1)], 1), 2 * RATE_HZ)
    (folder / "README.txt").write_text("noises")
    return str(folder)


@given(st.floats(-20, 40), st.integers(0, 99))
def test_the_ratio_is_the_drawn_one(snr_db: float, seed: int) -> None:
    speech_S, noise_S = noise(2000, seed=seed), noise(2000, seed=seed + 100)
    added_S = with_noise(speech_S, noise_S, snr_db=snr_db).astype(np.float64) - speech_S
    measured_db = 10 * np.log10(np.square(speech_S, dtype=np.float64).sum() / np.square(added_S).sum())
    assert measured_db == pytest.approx(snr_db, abs=0.01)


def test_silence_has_no_ratio() -> None:
    silent_S = np.zeros(100, np.float32)
    assert with_noise(silent_S, noise(100), snr_db=0) is silent_S
    speech_S = noise(100)
    assert with_noise(speech_S, silent_S, snr_db=0) is speech_S
    assert reverberated(silent_S, impulse_response_of(0.1)) is silent_S


def impulse_response_of(rt60_seconds: float, *, ratio_db: float = 3.0) -> Any:
    return impulse_response(
        rt60_seconds=rt60_seconds,
        direct_to_reverberant_db=ratio_db,
        sample_rate_hz=RATE_HZ,
        generator=np.random.default_rng(0),
    )


def test_a_room_is_scipys_convolution_at_the_same_energy_and_length() -> None:
    speech_S, response_S = noise(4000), impulse_response_of(0.2)
    heard_S = reverberated(speech_S, response_S)
    oracle_S = convolve(speech_S.astype(np.float64), response_S.astype(np.float64), method="direct")[:4000]
    oracle_S *= np.sqrt(np.square(speech_S, dtype=np.float64).sum() / np.square(oracle_S).sum())
    np.testing.assert_allclose(heard_S, oracle_S, atol=1e-5)
    assert heard_S.shape == speech_S.shape
    assert heard_S.dtype == np.float32


def test_a_click_stays_where_it_was() -> None:
    click_S = np.zeros(4000, np.float32)
    click_S[1000] = 1.0
    heard_S = reverberated(click_S, impulse_response_of(0.3))
    np.testing.assert_allclose(heard_S[:1000], 0, atol=1e-6)
    assert np.abs(heard_S).argmax() == 1000


@given(st.floats(0.2, 1.0), st.floats(-5, 15))
def test_echoes_fall_by_60_db_in_rt60_and_have_the_drawn_energy(rt60_seconds: float, ratio_db: float) -> None:
    response_S = impulse_response_of(rt60_seconds, ratio_db=ratio_db).astype(np.float64)
    assert response_S[0] == 1
    assert len(response_S) == round(rt60_seconds * RATE_HZ)
    assert -10 * np.log10(np.square(response_S[1:]).sum()) == pytest.approx(ratio_db, abs=0.01)
    thirds = np.array_split(np.square(response_S[1:]), 3)
    first_db, last_db = (10 * np.log10(of_S.mean()) for of_S in (thirds[0], thirds[2]))
    assert first_db - last_db == pytest.approx(40, abs=4)  # two thirds of RT60


def test_a_short_recording_begins_again() -> None:
    assert excerpt(np.arange(3, dtype=np.float32), start=2, num_samples=5).tolist() == [2, 0, 1, 2, 0]


def test_what_is_heard_is_of_seed_epoch_and_name_alone(noises: str) -> None:
    def heard(name: str, *, epoch: int = 1, seed: int = 0, before: int = 0) -> Any:
        both = RoomAndNoise(noise_folder=noises, noise_share=1.0, reverb_share=1.0, seed=seed)
        for number in range(before):
            both(noise(500), name=f"other {number}", epoch=0, sample_rate_hz=RATE_HZ)
        return both(noise(4000), name=name, epoch=epoch, sample_rate_hz=RATE_HZ)

    np.testing.assert_array_equal(heard("a"), heard("a", before=3))
    for other_S in (heard("b"), heard("a", epoch=2), heard("a", seed=1)):
        assert other_S.shape == (4000,)
        assert not np.array_equal(other_S, heard("a"))


def test_shares_are_kept(noises: str) -> None:
    some = RoomAndNoise(noise_folder=noises, noise_share=0.3)
    speech_S = noise(200)
    touched = [some(speech_S, name=str(n), epoch=0, sample_rate_hz=RATE_HZ) is not speech_S for n in range(400)]
    assert sum(touched) == pytest.approx(120, abs=40)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"reverb_share": 1.5}, "reverb_share 1.5, allowed: 0 to 1"),
        ({"snr_db": [20, 5]}, r"snr_db \[20, 5\], allowed: two numbers, the lower first"),
        ({"rt60_seconds": [0, 1]}, r"rt60_seconds \[0, 1\], allowed: above 0"),
        ({"noise_share": 0.5}, "a share above 0 needs a folder"),
        ({"noise_folder": "x"}, "a folder a share above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        RoomAndNoise(**settings)


def test_folders_and_files_without_noise_are_refused(tmp_path: Path) -> None:
    of_nothing = RoomAndNoise(noise_folder=str(tmp_path), noise_share=0.5)
    with pytest.raises(ValueError, match="no recordings in"):
        of_nothing.open(sample_rate_hz=RATE_HZ)
    soundfile.write(tmp_path / "silent.wav", np.zeros(10), RATE_HZ)
    with pytest.raises(ValueError, match=r"silent.wav is silent \(10 samples\)"):
        of_nothing.open(sample_rate_hz=RATE_HZ)
    (tmp_path / "silent.wav").write_text("no audio")
    with pytest.raises(ValueError, match=r"silent.wav cannot be read"):
        RoomAndNoise(noise_folder=str(tmp_path), noise_share=0.5).open(sample_rate_hz=RATE_HZ)


def batches_of(data: SpeechDataModule, split: str) -> dict[str, Any]:
    loader = data.train_dataloader() if split == "train" else data.evaluation_dataloader("validation")
    found = {}
    for batch in loader:
        assert isinstance(batch, UtteranceBatch)
        for row, name in enumerate(batch.utterance_ids):
            found[name] = batch.waveforms_BS[row, : batch.num_samples_B[row]].numpy()
    return found


@pytest.mark.usefixtures("tiny_speech")
@pytest.mark.parametrize("batch_seconds", [8.0, 20.0])
def test_training_hears_rooms_and_noises_and_validation_none(noises: str, batch_seconds: float) -> None:
    def speech(**settings: Any) -> SpeechDataModule:
        data = SpeechDataModule(corpus="spoken_tones/tiny", batch_seconds=batch_seconds, **settings)
        data.setup("fit")
        return data

    plain = speech()
    heard = speech(augmentation=RoomAndNoise(noise_folder=noises, noise_share=1.0, reverb_share=1.0))
    again = speech(augmentation=RoomAndNoise(noise_folder=noises, noise_share=1.0, reverb_share=1.0))
    of_plain, of_heard, of_again = (batches_of(data, "train") for data in (plain, heard, again))
    assert of_plain.keys() == of_heard.keys()
    for name, plain_S in of_plain.items():
        assert of_heard[name].shape == plain_S.shape
        assert not np.array_equal(of_heard[name], plain_S), name
        np.testing.assert_array_equal(of_heard[name], of_again[name])
    for name, plain_S in batches_of(plain, "validation").items():
        np.testing.assert_array_equal(batches_of(heard, "validation")[name], plain_S)
