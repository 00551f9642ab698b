"""Features that are kept: LogMel's own, computed once, found again by others, never trusted where a file is torn."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from datamodules.run_warning import RunWarning
from lightning_modules.layers.crnn import demo_crnn
from lightning_modules.layers.kept_features import KeptFeatures
from lightning_modules.layers.log_mel import LogMel, LogMelSettings
from lightning_modules.sed.mil import MIL

RATE_HZ = 8000
FRAMES, BANDS = 25, 20  # of a second


class CountedLogMel(LogMel):
    """LogMel that counts the clips that it computed."""

    computed = 0

    def forward(self, waveforms_BS: Tensor, num_samples_B: Tensor) -> Tensor:
        self.computed += len(waveforms_BS)
        features_BTM: Tensor = super().forward(waveforms_BS, num_samples_B)
        return features_BTM


def log_mel(*, hop_seconds: float = 0.04, f_max_hz: float | None = None) -> CountedLogMel:
    return CountedLogMel(
        sample_rate_hz=RATE_HZ, hop_seconds=hop_seconds, window_seconds=0.064, num_mels=BANDS, f_max_hz=f_max_hz
    )


def kept(folder: Path | None = None, *, memory_bytes: int = 10**6, **settings: float) -> KeptFeatures:
    features = KeptFeatures(log_mel(**settings), memory_bytes=memory_bytes)
    features.folder = folder
    return features


def computed(features: KeptFeatures) -> int:
    assert isinstance(features.log_mel, CountedLogMel)
    return features.log_mel.computed


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def clips(lengths: list[int]) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    waveforms_BS = torch.zeros(len(lengths), max(lengths))
    for row, length in enumerate(lengths):
        waveforms_BS[row, :length] = 0.1 * torch.randn(length, generator=generator)
    return waveforms_BS, torch.tensor(lengths)


SECOND = clips([RATE_HZ] * 3)


def test_of_clips_of_one_length_they_are_log_mels_bit_for_bit_each_time(tmp_path: Path) -> None:
    first, second = kept(tmp_path), kept(tmp_path)
    expected_BTM = log_mel()(*SECOND)
    assert torch.equal(first(*SECOND), expected_BTM)  # computed
    assert torch.equal(first(*SECOND), expected_BTM)  # from memory
    assert torch.equal(second(*SECOND), expected_BTM)  # from files
    assert (computed(first), computed(second)) == (3, 0)
    assert (first.hop_seconds, first.num_mels) == (0.04, BANDS)
    assert first.num_frames(SECOND[1]).tolist() == [FRAMES] * 3


def test_of_other_lengths_they_are_close_and_padding_is_zero() -> None:
    waveforms_BS, num_samples_B = clips([RATE_HZ, 5000, 300])
    longer_BS = torch.nn.functional.pad(waveforms_BS, (0, 900))  # a batch may be padded beyond its longest clip
    ours_BTM, theirs_BTM = kept()(longer_BS, num_samples_B), log_mel()(longer_BS, num_samples_B)
    torch.testing.assert_close(ours_BTM, theirs_BTM, atol=2e-6, rtol=0.0)
    assert not ours_BTM[2, 1:].any()


def test_what_is_given_out_is_the_callers_to_change() -> None:
    features = kept()
    features(*SECOND).zero_()
    assert torch.equal(features(*SECOND), log_mel()(*SECOND))
    assert not features(*SECOND).requires_grad


def test_other_settings_and_other_samples_have_other_files(tmp_path: Path) -> None:
    waveforms_BS, num_samples_B = SECOND
    for features in (kept(tmp_path), kept(tmp_path, hop_seconds=0.02), kept(tmp_path, f_max_hz=3000.0)):
        features(waveforms_BS, num_samples_B)
        assert computed(features) == 3
    louder = kept(tmp_path)
    louder(1.5 * waveforms_BS, num_samples_B)
    assert computed(louder) == 3
    files = sorted(tmp_path.glob("??/*"))
    assert len(files) == 12
    assert all(path.suffix == ".npy" and path.name[:2] == path.parent.name for path in files)
    assert {np.load(path).shape for path in files} == {(FRAMES, BANDS), (2 * FRAMES, BANDS)}  # plain files of numpy's


@pytest.mark.parametrize("harm", ["half", "empty", "zeros", "bit", "shape", "text"])
def test_a_file_that_is_torn_or_changed_is_computed_again_and_mended(tmp_path: Path, harm: str) -> None:
    kept(tmp_path)(*SECOND)
    path = sorted(tmp_path.glob("??/*"))[0]
    whole = path.read_bytes()
    if harm == "shape":
        np.save(path, np.zeros((3, BANDS), np.float32))
    else:
        header = len(whole) - 4 * (FRAMES * BANDS + 1)
        path.write_bytes({
            "half": whole[: len(whole) // 2],
            "empty": b"",
            "zeros": whole[:header] + bytes(len(whole) - header - 1) + b"\x01",
            "bit": whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:],
            "text": b"no features",
        }[harm])  # fmt: skip
    features = kept(tmp_path)
    assert torch.equal(features(*SECOND), log_mel()(*SECOND))
    assert computed(features) == 1
    assert path.read_bytes() == whole


def test_a_folder_that_cannot_be_written_is_said_once_and_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "features").write_text("a file where the folder should be")  # refuses a superuser too
    features = kept(tmp_path / "features")
    with pytest.warns(RunWarning, match=r"kept_features: .*features cannot be written \(Not a directory\)") as said:
        assert torch.equal(features(*SECOND), log_mel()(*SECOND))
    assert len(said) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        features(*SECOND)
        features(2.0 * SECOND[0], SECOND[1])
    assert computed(features) == 6  # the second time from memory


@pytest.mark.parametrize(("has_files", "again"), [(True, 0), (False, 2)])
def test_memory_is_bounded_and_files_serve_what_it_does_not_hold(tmp_path: Path, has_files: bool, again: int) -> None:
    features = kept(tmp_path if has_files else None, memory_bytes=4 * FRAMES * BANDS)  # one clip's
    features(*SECOND)
    features(*SECOND)
    assert computed(features) == 3 + again


def test_two_that_write_the_same_clips_at_once_do_each_other_no_harm(tmp_path: Path) -> None:
    waveforms_BS, num_samples_B = clips([2000] * 20)
    expected_BTM, found = log_mel()(waveforms_BS, num_samples_B), []

    def hear() -> None:
        torch.set_num_threads(1)
        found.append(kept(tmp_path)(waveforms_BS, num_samples_B))

    writers = [threading.Thread(target=hear) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    reader = kept(tmp_path)
    assert all(torch.equal(heard_BTM, expected_BTM) for heard_BTM in [*found, reader(waveforms_BS, num_samples_B)])
    assert computed(reader) == 0
    assert len(list(tmp_path.glob("??/*"))) == 20  # no unfinished file is left


def test_a_system_keeps_its_features_where_it_is_told_and_says_the_same(tmp_path: Path) -> None:
    settings = LogMelSettings(hop_seconds=0.04, window_seconds=0.064, num_mels=40)
    systems = []
    for keeps in (False, True):
        torch.manual_seed(0)
        systems.append(
            MIL(classes=["a", "b"], sample_rate_hz=16000, encoder=demo_crnn(), features=settings, kept_features=keeps)
        )
        systems[-1].keep_features_in(tmp_path)
    plain, keeping = systems
    waveforms_BS, num_samples_B = clips([16000, 16000])
    assert plain.state_dict().keys() == keeping.state_dict().keys()
    assert plain.hop_seconds == keeping.hop_seconds
    for _ in range(2):
        expected, detection = (system(waveforms_BS, num_samples_B) for system in (plain, keeping))
        assert torch.equal(expected.clip_probabilities_BC, detection.clip_probabilities_BC)
    assert len(list(tmp_path.glob("??/*.npy"))) == 2
