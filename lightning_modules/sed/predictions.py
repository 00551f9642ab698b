"""What a detection system says of a split: clip probabilities and frame curves by clip, as one file.

The file is what scoring, pictures and re-scoring read; it is written once, by rank 0, after the ranks' shares were
gathered by clip id.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class DetectionPredictions:
    """Predictions of N clips on C classes, sorted by clip id.

    ``frame_probabilities_NTC`` is None for a many-to-one tagger; rows past ``num_frames_N`` are padding (zeros).
    """

    classes: tuple[str, ...]
    clip_ids: tuple[str, ...]
    clip_probabilities_NC: NDArray[np.float32]
    frame_probabilities_NTC: NDArray[np.float32] | None
    num_frames_N: NDArray[np.int64]
    hop_seconds: float  # 0.0 without frame curves

    def save(self, path: Path) -> None:
        """Write an ``.npz`` in one step, so that an interruption leaves no half file."""
        partial = path.with_name(path.name + ".partial")
        arrays: dict[str, Any] = {
            "classes": np.array(self.classes),
            "clip_ids": np.array(self.clip_ids),
            "clip_probabilities_NC": self.clip_probabilities_NC,
            "num_frames_N": self.num_frames_N,
            "hop_seconds": self.hop_seconds,
        }
        if self.frame_probabilities_NTC is not None:
            arrays["frame_probabilities_NTC"] = self.frame_probabilities_NTC
        with partial.open("wb") as file:
            np.savez_compressed(file, **arrays)
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> DetectionPredictions:
        """Read what ``save`` wrote (no pickles)."""
        with np.load(path, allow_pickle=False) as file:
            return cls(
                classes=tuple(file["classes"].tolist()),
                clip_ids=tuple(file["clip_ids"].tolist()),
                clip_probabilities_NC=file["clip_probabilities_NC"],
                frame_probabilities_NTC=file.get("frame_probabilities_NTC"),
                num_frames_N=file["num_frames_N"],
                hop_seconds=float(file["hop_seconds"]),
            )
