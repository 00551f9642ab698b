"""Seeded CTC posteriors to decode: simulated like a trained model's, flatter ones, and those of a stored run.

A trained CTC model says blank nearly everywhere, and a token for a frame or two, with a rival or a blank that is nearly
as likely where it is unsure (Graves 2006, figure 1). ``spiky`` draws that around a text; ``flat`` draws every frame
alike, which no model does: it is the most that a beam can have to do. Legend: N utterances, T frames, V symbols.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Posteriors = list[NDArray[np.float32]]  # log, (T, V) each

SPACE = 1
FRAMES_PER_TOKEN = 5  # a character every 200 ms at 40 ms a frame


def random_texts(rng: np.random.Generator, *, count: int, num_symbols: int, length: int) -> list[tuple[int, ...]]:
    """Token texts of a first-order Markov source with few likely successors, so that an n-gram has much to tell."""
    successors_VV = rng.dirichlet(np.full(num_symbols - 1, 0.08), size=num_symbols)
    successors_VV[:, SPACE - 1] += 0.15
    successors_VV /= successors_VV.sum(axis=1, keepdims=True)
    texts = []
    for _ in range(count):
        tokens = [0]
        for _ in range(length):
            tokens.append(1 + int(rng.choice(num_symbols - 1, p=successors_VV[tokens[-1]])))
        texts.append(tuple(tokens[1:]))
    return texts


def spiky(rng: np.random.Generator, texts: list[tuple[int, ...]], *, num_frames: int, num_symbols: int) -> Posteriors:
    """A spike for every token of a text, many of them unsure: a rival token, a blank, two frames."""
    return [_spiky(rng, text, num_frames, num_symbols) for text in texts]


def _spiky(rng: np.random.Generator, text: tuple[int, ...], num_frames: int, num_symbols: int) -> NDArray[np.float32]:
    logits_TV = rng.normal(0.0, 1.0, (num_frames, num_symbols))
    logits_TV[:, 0] += 8.0
    at_U = np.sort(rng.choice(np.arange(1, num_frames - 1), size=min(len(text), num_frames // 4), replace=False))
    for frame, token in zip(at_U.tolist(), text, strict=False):
        logits_TV[frame, 0] -= rng.normal(5.0, 2.0)
        logits_TV[frame, token] += rng.normal(8.0, 2.0)
        logits_TV[frame, rng.integers(1, num_symbols)] += rng.normal(6.0, 2.0)
        if rng.random() < 0.3:
            logits_TV[frame + 1, token] += rng.normal(7.0, 1.5)
            logits_TV[frame + 1, 0] -= 2.0
    return _log_softmax(logits_TV)


def flat(rng: np.random.Generator, *, count: int, num_frames: int, num_symbols: int) -> Posteriors:
    """Independent frames, logits with a standard deviation of 2: about six likely symbols a frame."""
    return [_log_softmax(rng.normal(0.0, 2.0, (num_frames, num_symbols))) for _ in range(count)]


def stored(path: Path, *, count: int) -> Posteriors:
    """The first utterances of a run's ``predictions/SPLIT.npz``."""
    from lightning_modules.asr.predictions import PosteriorPredictions

    return [np.ascontiguousarray(log_probs_TV) for _, log_probs_TV in PosteriorPredictions.load(path)][:count]


def _log_softmax(logits_TV: NDArray[np.float64]) -> NDArray[np.float32]:
    shifted_TV = logits_TV - logits_TV.max(axis=1, keepdims=True)
    log_probs_TV = shifted_TV - np.log(np.exp(shifted_TV).sum(axis=1, keepdims=True))
    return np.ascontiguousarray(log_probs_TV, dtype=np.float32)
