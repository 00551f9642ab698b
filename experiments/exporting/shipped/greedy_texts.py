"""The likeliest text by a CTC output, an attention decoder or a transducer, as ONNX graphs: greedy, in numpy.

The same walks as earmark's own: the lowest index wins among equals, and a transducer writes at most four tokens at a
frame before its blank is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLANK = 0
MOST_PER_FRAME = 4
Arrays = Mapping[str, NDArray[Any]]
Step = Callable[[Arrays], Mapping[str, NDArray[Any]]]


def ctc_tokens(log_probs_TV: NDArray[np.floating[Any]]) -> list[int]:
    """The best path, repetitions and blanks taken out.

    >>> ctc_tokens(np.array([[0.9, 0.1], [0.1, 0.9], [0.1, 0.9], [0.9, 0.1], [0.1, 0.9]]))
    [1, 1]
    """
    return [token for token, _ in groupby(log_probs_TV.argmax(axis=-1).tolist()) if token != BLANK]


def attention_tokens(step: Step, memory: Arrays, *, most_tokens: int) -> list[int]:
    """Token after token until the decoder ends its text, or at ``most_tokens``."""
    tokens: list[int] = []
    given = dict(memory)
    while len(tokens) < most_tokens:
        said = step({**given, "token": _one(tokens[-1] if tokens else BLANK)})
        token = int(said["log_probs"][0].argmax())
        if token == BLANK:
            break
        tokens.append(token)
        given |= _state_after(said)
    return tokens


def transducer_tokens(step: Step, memory: Arrays) -> list[int]:
    """Frame after frame: tokens until the blank is likelier; a step of the network is made a token, not a frame."""
    given = dict(memory)
    said = step({**given, "token": _one(BLANK)})
    best_T = said["log_probs"][0].argmax(axis=-1)
    tokens: list[int] = []
    frame = here = 0
    while frame < len(best_T):
        if best_T[frame] == BLANK or here == MOST_PER_FRAME:
            frame, here = frame + 1, 0
            continue
        tokens.append(int(best_T[frame]))
        here += 1
        given |= _state_after(said)
        said = step({**given, "token": _one(tokens[-1])})
        best_T = said["log_probs"][0].argmax(axis=-1)
    return tokens


def _one(token: int) -> NDArray[np.int64]:
    return np.array([[token]], dtype=np.int64)


def _state_after(said: Arrays) -> dict[str, NDArray[Any]]:
    return {
        name.replace("state_after_", "state_"): value for name, value in said.items() if name.startswith("state_after_")
    }
