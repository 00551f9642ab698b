"""What every CTC decoder is given: natural-log posteriors, in a precision that the compiled code knows.

Raw logits look alike and are no probabilities: best path reads a text from them all the same, a search that multiplies
them as probabilities reads another or none. A log probability above 0 is therefore refused. Rows that sum to less than
1 are taken, they may have been pruned.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

HIGHEST = 1e-3  # log 1, and what rounding adds to it: 1e-6 in float32, 5e-4 in float16


def as_floats(log_probs: NDArray[np.floating] | Tensor) -> NDArray[np.floating]:
    """As an array of float32 or float64 on the CPU: half precision becomes float32, which holds it exactly.

    Raises ``ValueError`` for numbers of another kind.
    """
    if isinstance(log_probs, Tensor):
        log_probs = log_probs.detach().cpu()
        log_probs = (log_probs if log_probs.element_size() > 2 else log_probs.float()).numpy()
    numbers = np.asarray(log_probs)
    if numbers.dtype.kind != "f":
        raise ValueError(f"log_probs of type {numbers.dtype}, allowed: natural-log posteriors as floating point")
    return numbers.astype(np.float32) if numbers.dtype.itemsize < 4 else numbers


def refuse_others(highest: float, *, what: str) -> None:
    """Raise ``ValueError`` where the highest of some log posteriors (NaN, if one is) is no log of a probability.

    >>> refuse_others(2.5, what="utterance 3 of the batch")
    Traceback (most recent call last):
        ...
    ValueError: utterance 3 of the batch holds a log-probability of 2.5, allowed: natural-log posteriors, 0 at most (of raw logits take log_softmax)
    """  # noqa: E501  # a doctest's line
    if np.isnan(highest):
        raise ValueError(f"{what} holds NaN, allowed: natural-log posteriors, 0 at most")
    if highest > HIGHEST:
        raise ValueError(
            f"{what} holds a log-probability of {highest:.4g}, allowed: natural-log posteriors, 0 at most "
            "(of raw logits take log_softmax)"
        )
