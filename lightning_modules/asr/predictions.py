"""What a CTC recogniser says of a split: log posteriors by utterance, as one file.

Every decoder of the ladder reads this file, so that all of them decode one and the same checkpoint. Written once, by
rank 0, after the ranks' shares were gathered by utterance id.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PosteriorPredictions:
    """Natural-log posteriors of N utterances, sorted by id, their frames one after another (F in all).

    ``encoding_seconds`` is the time that the network took for the split, features included: what a decoder's own time
    is added to for a real-time factor.
    """

    symbols: tuple[str, ...]
    utterance_ids: tuple[str, ...]
    log_probs_FV: NDArray[np.float32]
    num_frames_N: NDArray[np.int64]
    hop_seconds: float
    encoding_seconds: float

    def __iter__(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Each utterance's id and its log posteriors (T, V), without padding."""
        ends_N = np.cumsum(self.num_frames_N)
        for utterance_id, end, frames in zip(self.utterance_ids, ends_N, self.num_frames_N, strict=True):
            yield utterance_id, self.log_probs_FV[end - frames : end]

    def padded(self) -> NDArray[np.float32]:
        """(N, T, V), padding filled with log 1 for the blank and log 0 for all else."""
        padded_NTV = np.full(
            (len(self.utterance_ids), int(self.num_frames_N.max(initial=0)), len(self.symbols)), -np.inf, np.float32
        )
        padded_NTV[:, :, 0] = 0.0
        for row, (_, log_probs_TV) in enumerate(self):
            padded_NTV[row, : len(log_probs_TV)] = log_probs_TV
        return padded_NTV

    def save(self, path: Path) -> None:
        """Write an ``.npz`` in one step, so that an interruption leaves no half file."""
        partial = path.with_name(path.name + ".partial")
        with partial.open("wb") as file:
            np.savez_compressed(
                file,
                symbols=np.array(self.symbols),
                utterance_ids=np.array(self.utterance_ids),
                log_probs_FV=self.log_probs_FV,
                num_frames_N=self.num_frames_N,
                hop_seconds=self.hop_seconds,
                encoding_seconds=self.encoding_seconds,
            )
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> PosteriorPredictions:
        """Read what ``save`` wrote (no pickles)."""
        with np.load(path, allow_pickle=False) as file:
            return cls(
                symbols=tuple(file["symbols"].tolist()),
                utterance_ids=tuple(file["utterance_ids"].tolist()),
                log_probs_FV=file["log_probs_FV"],
                num_frames_N=file["num_frames_N"],
                hop_seconds=float(file["hop_seconds"]),
                encoding_seconds=float(file["encoding_seconds"]),
            )
