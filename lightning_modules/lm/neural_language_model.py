"""A trained model as a ``LanguageModel``: it reads one token at a time and remembers its state by history.

A beam asks for histories that grow by a token, so each costs one step from its parent's state; a history never seen
before is read from its longest remembered prefix on. That is exact for both kinds of network: a gated convolution's
state is its last inputs. The memory is bounded; what was used longest ago is forgotten first. Everything is computed in
float64, which makes the float32 answers independent of the batch.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.annotations import Unit
from lightning_modules.decoding.language_models.language_model import BOUNDARY
from lightning_modules.layers.causal import State
from lightning_modules.lm.token_model import TokenModel

History = tuple[int, ...]
BATCH_ROWS = 256


class _Known(NamedTuple):
    """What is remembered of a history: the state after it (rows of one), and the next token's log probabilities."""

    state: State
    log_probs_V: NDArray[np.float32]

    @property
    def num_bytes(self) -> int:
        return self.log_probs_V.nbytes + sum(part.numel() * part.element_size() for part in self.state)


class NeuralLanguageModel:
    """``model`` in float64 and eval mode (``load_token_model`` makes it so); the memory holds ``max_bytes``."""

    def __init__(
        self,
        model: TokenModel,
        *,
        symbols: tuple[str, ...],
        unit: Unit,
        max_bytes: int = 256 * 2**20,
    ) -> None:
        self.model = model
        self.unit = unit
        self.max_bytes = max_bytes
        self._symbols = symbols
        self._memory: OrderedDict[History, _Known] = OrderedDict()
        self._num_bytes = 0

    @property
    def symbols(self) -> tuple[str, ...]:
        """The vocabulary; ``symbols[0]`` is the sentence boundary."""
        return self._symbols

    @torch.inference_mode()
    def next_log_probs(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """``log p(next token | history)`` of N histories since the sentence's start: (N, V); column 0 ends it."""
        needed: dict[History, _Known] = {}  # of this call alone, so that nothing it needs can be forgotten meanwhile
        unread: dict[int, set[History]] = {}  # by length
        for history in map(tuple, histories):
            while history not in needed and history not in unread.get(len(history), ()):
                known = self._memory.get(history)
                if known is not None:
                    needed[history] = known
                    self._memory.move_to_end(history)
                    break
                unread.setdefault(len(history), set()).add(history)
                if not history:
                    break
                history = history[:-1]
        for length in sorted(unread):
            # In a fixed order, and in parts: a batch of thousands would only cost memory.
            level = sorted(unread[length])
            for start in range(0, len(level), BATCH_ROWS):
                self._read(level[start : start + BATCH_ROWS], needed)
        self._forget()
        width = len(self.symbols)
        rows = [needed[tuple(history)].log_probs_V for history in histories]
        return np.stack(rows) if rows else np.empty((0, width), np.float32)

    def _read(self, level: Sequence[History], needed: dict[History, _Known]) -> None:
        """Step from the parents, which ``needed`` has, to histories of one length."""
        tokens_B1 = torch.tensor([[history[-1] if history else BOUNDARY] for history in level])
        parents = [needed[history[:-1]].state for history in level if history]
        before = _stacked(parents) if parents else self.model.network.initial_state(1)
        hidden_B1H, after = self.model(tokens_B1, before)
        log_probs_BV = self.model.head.log_probs(hidden_B1H[:, 0]).float().numpy()
        for row, history in enumerate(level):
            known = _Known(tuple(part[row].clone() for part in after), log_probs_BV[row].copy())
            needed[history] = self._memory[history] = known
            self._num_bytes += known.num_bytes

    def _forget(self) -> None:
        while self._num_bytes > self.max_bytes and self._memory:
            self._num_bytes -= self._memory.popitem(last=False)[1].num_bytes


def _stacked(states: Iterable[State]) -> State:
    return tuple(torch.stack(parts) for parts in zip(*states, strict=True))
