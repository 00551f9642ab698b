"""What a recogniser says of a split, frame by frame, as one file: log posteriors, or the encoded utterances.

Every decoder of a ladder reads these files, so that all of them decode one and the same checkpoint: CTC's need the
posteriors alone (``SPLIT.npz``), those of models that read their own output need the encoded utterances
(``SPLIT.encoded.npz``) and the network that reads them (``decoder.pt``). Written once, by rank 0, after the ranks'
shares were gathered by utterance id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import Hypothesis, UtteranceReferences
from lightning_modules.decoding.texts import spell

Kind = TypeVar("Kind", bound="FramePredictions")


@dataclass(frozen=True, kw_only=True)
class FramePredictions:
    """N utterances, sorted by id, their frames one after another (F in all); a subclass adds the frames.

    ``encoding_seconds`` is the time that the network took for the split, features included: what a decoder's own time
    is added to for a real-time factor.
    """

    SUFFIX: ClassVar[str]
    SYSTEM: ClassVar[str]  # which recogniser has them, for messages
    symbols: tuple[str, ...]
    utterance_ids: tuple[str, ...]
    num_frames_N: NDArray[np.int64]
    hop_seconds: float
    encoding_seconds: float

    @property
    def frames_FD(self) -> NDArray[np.float32]:
        """The frames, whatever they hold."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Each utterance's id and its frames (T, D), without padding."""
        ends_N = np.cumsum(self.num_frames_N)
        for utterance_id, end, frames in zip(self.utterance_ids, ends_N, self.num_frames_N, strict=True):
            yield utterance_id, self.frames_FD[end - frames : end]

    def save(self, path: Path) -> None:
        """Write ``path`` in one step, so that an interruption leaves no half file."""
        partial = path.with_name(path.name + ".partial")
        with partial.open("wb") as file:
            arrays: dict[str, Any] = {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}
            np.savez_compressed(file, **arrays)
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what ``save`` wrote (no pickles)."""
        with np.load(path, allow_pickle=False) as file:
            values: dict[str, Any] = {field.name: file[field.name] for field in fields(cls)}
        for name in ("symbols", "utterance_ids"):
            values[name] = tuple(values[name].tolist())
        for name in ("hop_seconds", "encoding_seconds"):
            values[name] = float(values[name])
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class PosteriorPredictions(FramePredictions):
    """Natural-log posteriors of a CTC output, column 0 the blank."""

    SUFFIX = ".npz"
    SYSTEM = "with a CTC output"
    log_probs_FV: NDArray[np.float32]

    @property
    def frames_FD(self) -> NDArray[np.float32]:
        """The posteriors."""
        return self.log_probs_FV

    def padded(self) -> NDArray[np.float32]:
        """(N, T, V), padding filled with log 1 for the blank and log 0 for all else."""
        padded_NTV = np.full(
            (len(self.utterance_ids), int(self.num_frames_N.max(initial=0)), len(self.symbols)), -np.inf, np.float32
        )
        padded_NTV[:, :, 0] = 0.0
        for row, (_, log_probs_TV) in enumerate(self):
            padded_NTV[row, : len(log_probs_TV)] = log_probs_TV
        return padded_NTV


@dataclass(frozen=True, kw_only=True)
class EncodedPredictions(FramePredictions):
    """Hidden vectors of an encoder."""

    SUFFIX = ".encoded.npz"
    SYSTEM = "that reads its own output"
    encoded_FH: NDArray[np.float32]

    @property
    def frames_FD(self) -> NDArray[np.float32]:
        """The hidden vectors."""
        return self.encoded_FH


@dataclass(frozen=True, kw_only=True)
class HybridPredictions(EncodedPredictions):
    """Hidden vectors, and the CTC posteriors of the same frames; stored as the two files that they are."""

    log_probs_FV: NDArray[np.float32]

    @property
    def posteriors(self) -> PosteriorPredictions:
        """The posteriors alone."""
        facts = {field.name: getattr(self, field.name) for field in fields(FramePredictions)}
        return PosteriorPredictions(log_probs_FV=self.log_probs_FV, **facts)


def load_hybrid(folder: Path, split: str, references: UtteranceReferences) -> EncodedPredictions:
    """A split's encoded utterances, with CTC posteriors where there are some. Raises as ``load_predictions``."""
    encoded = load_predictions(EncodedPredictions, folder, split, references)
    if not (folder / f"{split}{PosteriorPredictions.SUFFIX}").is_file():
        return encoded
    posteriors = load_predictions(PosteriorPredictions, folder, split, references)
    return HybridPredictions(
        log_probs_FV=posteriors.log_probs_FV, **{field.name: getattr(encoded, field.name) for field in fields(encoded)}
    )


def spelled(predictions: FramePredictions, hypotheses: Sequence[Hypothesis]) -> dict[str, str]:
    """Texts by utterance id."""
    return {
        utterance: spell(hypothesis.tokens, predictions.symbols)
        for utterance, hypothesis in zip(predictions.utterance_ids, hypotheses, strict=True)
    }


def load_predictions(kind: type[Kind], folder: Path, split: str, references: UtteranceReferences) -> Kind:
    """A split's stored predictions. Raises ``ValueError`` where they are not those of ``references``' corpus."""
    path = folder / f"{split}{kind.SUFFIX}"
    if not path.is_file():
        raise ValueError(
            f"{path}: no such file; the row under `own` must be a recogniser's training run, one {kind.SYSTEM}"
        )
    predictions = kind.load(path)
    if set(predictions.utterance_ids) != set(references.texts):
        raise ValueError(f"{path}: its utterances are not those of the corpus' {split} split")
    if predictions.symbols != references.symbols:
        raise ValueError(f"{path}: its symbols are not those of the corpus; were other languages or units chosen?")
    return predictions
