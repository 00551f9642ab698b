"""Log-mel features that are computed once a clip, and read from then on: from memory, or from plain files.

A file is ``FOLDER/<two hex>/<key>.npy``, float32 (T, M) as ``numpy.load`` reads it, with the checksum of its figures
behind. The key is the digest of the clip's own samples and of everything that the figures follow from, so that neither
another corpus nor another version of the code finds it, and all runs that hear a clip alike share one file.
"""

from __future__ import annotations

import contextlib
import os
import uuid
import warnings
import zlib
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

from datamodules.run_warning import RunWarning
from lightning_modules.layers import log_mel as log_mel_module
from lightning_modules.layers.log_mel import LogMel
from lightning_modules.layers.speech_features import FrontEnd

MEMORY_BYTES = 1_000_000_000  # of a process: seven hours of clips at the defaults' 43 frames a second and 64 bands
CHECKSUM_BYTES = 4


class KeptFeatures(FrontEnd):
    """``log_mel``'s features (B, T, M), each clip's computed once and by itself.

    Among clips of one length they are ``log_mel``'s bit for bit; among others they differ by about 1e-6, since a clip's
    mean is summed without the padding that it has in a batch. Up to ``memory_bytes`` stay in memory, those that came
    first; files are for all, where ``folder`` says. What cannot be read there is computed again, what cannot be written
    costs time only. On a GPU nothing is kept: there ``log_mel`` costs less than to fetch its figures.
    """

    def __init__(self, log_mel: LogMel, *, memory_bytes: int = MEMORY_BYTES) -> None:
        super().__init__(spec_augment=None)
        self.log_mel = log_mel
        self.memory_bytes = memory_bytes
        self.folder: Path | None = None
        self._memory: dict[str, Tensor] = {}
        self._bytes_left = memory_bytes
        self._writes = True

    @property
    def hop_seconds(self) -> float:
        """Distance of two frames, exactly."""
        return self.log_mel.hop_seconds

    @property
    def num_mels(self) -> int:
        """Bands."""
        return self.log_mel.num_mels

    def num_frames(self, num_samples_B: Tensor) -> Tensor:
        """Frames that cover each clip: (B,) -> (B,)."""
        return self.log_mel.num_frames(num_samples_B)

    @torch.no_grad()
    def forward(self, waveforms_BS: Tensor, num_samples_B: Tensor) -> Tensor:
        """Features (B, S), (B,) -> (B, T, M), zeros on padding."""
        if waveforms_BS.device.type != "cpu":
            features_BTM: Tensor = self.log_mel(waveforms_BS, num_samples_B)
            return features_BTM
        num_frames = int(self.num_frames(torch.tensor([waveforms_BS.shape[1]])))
        kept_BTM = torch.zeros(len(waveforms_BS), num_frames, self.num_mels)
        settings = self._settings()
        for row_TM, waveform_S, length in zip(kept_BTM, waveforms_BS.float(), num_samples_B.tolist(), strict=True):
            features_TM = self._features(waveform_S[:length], settings)
            row_TM[: len(features_TM)] = features_TM
        return kept_BTM

    def _features(self, waveform_S: Tensor, settings: bytes) -> Tensor:
        """Of one clip (T, M), from where they are found first."""
        digest = sha256(settings)
        digest.update(np.ascontiguousarray(waveform_S.numpy()).data)
        key = digest.hexdigest()
        if (remembered := self._memory.get(key)) is not None:
            return remembered
        length_1 = torch.tensor([len(waveform_S)])
        path = None if self.folder is None else self.folder / key[:2] / f"{key}.npy"
        found = None if path is None else _read(path, shape=(int(self.num_frames(length_1)), self.num_mels))
        features_TM: Tensor = self.log_mel(waveform_S.unsqueeze(0), length_1)[0] if found is None else found
        if path is not None and found is None and self._writes:
            self._write(path, features_TM)
        if (size := features_TM.numel() * features_TM.element_size()) <= self._bytes_left:
            self._memory[key] = features_TM
            self._bytes_left -= size
        return features_TM

    def _settings(self) -> bytes:
        """What features follow from beside the samples, the code and the order of its sums among them."""
        said = (self.log_mel.sample_rate_hz, self.log_mel.hop_samples, self.log_mel.window_samples)
        computed = (torch.__version__, torch.backends.cpu.get_cpu_capability(), torch.get_num_threads())
        filters_KM = self.log_mel.get_buffer("filters_KM").numpy().tobytes()
        return sha256(repr((said, computed)).encode() + _CODE + filters_KM).digest()

    def _write(self, path: Path, features_TM: Tensor) -> None:
        """Whole under its name or not at all; processes that write the same clip do each other no harm."""
        unfinished = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with unfinished.open("xb") as file:
                    np.save(file, features_TM.numpy())
                    file.write(_checksum(features_TM.numpy()))
                os.replace(unfinished, path)
            finally:
                with contextlib.suppress(OSError):
                    unfinished.unlink()
        except OSError as error:
            self._writes = False
            warnings.warn(
                f"kept_features: {path.parent.parent} cannot be written ({error.strerror or error}); features that are "
                "not there yet are kept in memory alone, and computed again by other runs",
                RunWarning, stacklevel=2,
            )  # fmt: skip


_CODE = Path(log_mel_module.__file__).read_bytes()


def _read(path: Path, *, shape: tuple[int, int]) -> Tensor | None:
    """The features of a file; None where it is missing, torn, changed or of another shape."""
    try:
        with path.open("rb") as file:
            return _checked(file, shape)
    except (OSError, ValueError, EOFError):  # what numpy raises of a file that is none of its own
        return None


def _checked(file: BinaryIO, shape: tuple[int, int]) -> Tensor | None:
    features_TM = np.load(file, allow_pickle=False)
    whole = features_TM.dtype == np.float32 and features_TM.shape == shape
    return torch.from_numpy(features_TM) if whole and file.read() == _checksum(features_TM) else None


def _checksum(features_TM: np.ndarray) -> bytes:
    return zlib.crc32(np.ascontiguousarray(features_TM).data).to_bytes(CHECKSUM_BYTES, "little")
