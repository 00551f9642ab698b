"""The waveforms that were asked for last, within a bound in bytes.

One cache serves all splits of a data module. A loader's worker has a copy of its own, so each gets its share of the
bound; what a copy holds is not pickled with it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

Key = tuple[int, int]  # which waveforms, and which of them


class WaveformCache:
    """Least recently used leave first; a waveform larger than ``max_bytes`` is not kept."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.num_bytes = 0
        self._kept: OrderedDict[Key, NDArray[np.int16]] = OrderedDict()

    def get(self, key: Key) -> NDArray[np.int16] | None:
        """The samples, (S,), or None where they are not here."""
        pcm_S = self._kept.get(key)
        if pcm_S is not None:
            self._kept.move_to_end(key)
        return pcm_S

    def put(self, key: Key, pcm_S: NDArray[np.int16]) -> None:
        """Keep samples that ``get`` did not find."""
        if pcm_S.nbytes > self.max_bytes:
            return
        self._kept[key] = pcm_S
        self.num_bytes += pcm_S.nbytes
        self._leave()

    def resize(self, max_bytes: int) -> None:
        """Another bound; what is beyond it leaves."""
        self.max_bytes = max_bytes
        self._leave()

    def _leave(self) -> None:
        while self.num_bytes > self.max_bytes:
            _, oldest_S = self._kept.popitem(last=False)
            self.num_bytes -= oldest_S.nbytes

    def __getstate__(self) -> dict[str, Any]:
        return {"max_bytes": self.max_bytes}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]
