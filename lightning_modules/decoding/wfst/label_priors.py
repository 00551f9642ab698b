"""Label priors of a CTC network: how often it says each symbol, blanks and spikes included (Eesen, Miao 2015, 3.3).

``p(x_t|k) ∝ P(k|x_t) / P(k)``: a search over words compares likelihoods, and a CTC network says blank so often that
its posteriors alone favour short words. Miao counts symbols in the training transcripts with blanks in between; the
mean posterior over the frames of some speech is what the network itself does.
Legend: B utterances, T frames, V symbols.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lightning_modules.decoding.log_posteriors import as_floats, refuse_others


def label_log_priors(
    log_probs_BTV: NDArray[np.floating], num_frames_B: NDArray[np.integer], *, floor: float = 1e-4
) -> NDArray[np.float32]:
    """Natural log of the mean posterior of each symbol over all frames (padding left out), (V,).

    Priors under ``floor`` are raised to it before they are made to sum to 1: a symbol that was hardly ever heard would
    else be multiplied by thousands. Raises ``ValueError`` where there is no frame, for NaN, and for log-probabilities
    above 0.

    >>> np.exp(label_log_priors(np.log([[[0.5, 0.5], [1.0, 1e-9]]]), np.array([2]))).round(2)
    array([0.75, 0.25], dtype=float32)
    """
    inside_BT = np.arange(log_probs_BTV.shape[1]) < np.asarray(num_frames_B)[:, None]
    if not inside_BT.any():
        raise ValueError("label priors need one frame or more, got none")
    log_probs_NV = as_floats(log_probs_BTV)[inside_BT]
    refuse_others(float(log_probs_NV.max()), what="log_probs_BTV")
    prior_V = np.maximum(np.exp(log_probs_NV, dtype=np.float64).mean(axis=0), floor)
    log_prior_V: NDArray[np.float32] = np.log(prior_V / prior_V.sum()).astype(np.float32)
    return log_prior_V
