"""Where somebody speaks, by silero-vad (MIT licence, its weights lie in its wheel): ``pip install 'earmark[vad]'``.

Its TorchScript network is loaded by torch and its package is not imported, which would set torch's threads to one. A
hop of 32 ms is speech from a probability of 0.5 on, and goes on to be until it falls below 0.35, silero's own figures.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from experiments.errors import UserError

RATES_HZ = {8000: 256, 16000: 512}  # and the samples that the network hears at once
ON, OFF = 0.5, 0.35


def network_file() -> Path | None:
    """The network of the installed package; None where it is not installed."""
    spec = find_spec("silero_vad")
    folders = [] if spec is None else spec.submodule_search_locations or []
    files = [path for folder in folders if (path := Path(folder, "data", "silero_vad.jit")).is_file()]
    return files[0] if files else None


class SpeechActivity:
    """Hears one recording, hop by hop. Raises ``UserError`` without the package, and for another sample rate."""

    def __init__(self, *, sample_rate_hz: int) -> None:
        path = network_file()
        if path is None:
            raise UserError("--cut vad needs silero-vad: pip install 'earmark[vad]'; or take --cut quiet")
        if sample_rate_hz not in RATES_HZ:
            raise UserError(
                f"--cut vad: silero-vad hears 8000 and 16000 Hz, this recogniser {sample_rate_hz}; take --cut quiet"
            )
        network: Any = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
        self._network = network.eval()
        self._rate_hz = sample_rate_hz
        self._speaks = False

    def start(self) -> None:
        """Forget what was heard: another recording begins."""
        self._network.reset_states()
        self._speaks = False

    def __call__(self, hop_S: NDArray[np.float32]) -> bool:
        """Whether the next hop, of 32 ms or at the end less, is speech."""
        heard_S = np.zeros(RATES_HZ[self._rate_hz], dtype=np.float32)
        heard_S[: len(hop_S)] = hop_S
        with torch.inference_mode():
            probability = float(self._network(torch.from_numpy(heard_S)[None], self._rate_hz))
        self._speaks = probability >= (OFF if self._speaks else ON)
        return self._speaks
