"""Proof that a file says what its system says: the largest difference of any output, in onnxruntime, at many lengths.

Lengths other than the traced one are the point: what the tracer took for constant would show there. Noise and tones are
heard, and of a step a few tokens one after another, each fed with the runtime's own state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from experiments.exporting.exportable import ENCODER, MODEL, STEP, Exportable
from experiments.exporting.graphs import FEATURES, Graph
from experiments.exporting.step_graphs import TOKEN

MOST = 1e-4  # of probabilities and natural-log posteriors; of what is above 1 in magnitude, of its share
SCALES = (0.04, 0.51, 1.0, 2.3, 3.7)  # of the traced length
TOKENS = 5

Outputs = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Parity:
    """The largest difference by ``file output`` (see ``difference``), and the lengths (samples or frames) heard."""

    differences: Mapping[str, float]
    lengths: Sequence[int]

    @property
    def largest(self) -> float:
        """Over all outputs."""
        return max(self.differences.values())


def session(path: Path) -> Any:
    """An onnxruntime session on one CPU thread, silent."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(session: Any, inputs: Mapping[str, NDArray[Any]]) -> Outputs:
    """Outputs by name of those inputs that the graph has: what it does not use, export leaves out."""
    taken = {given.name: inputs[given.name] for given in session.get_inputs()}
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, taken), strict=True))


def measure(system: Exportable, folder: Path) -> Parity:
    """Compare every graph with its file in ``folder``. Raises ``ValueError`` for outputs of another shape."""
    sessions = {name: session(folder / name) for name in system.graphs}
    first = system.graphs[MODEL if MODEL in system.graphs else ENCODER]
    [(name, example)] = first.inputs.items()
    lengths = [max(1, round(scale * example.shape[1])) for scale in SCALES]
    differences: dict[str, float] = {}
    for number, length in enumerate(lengths):
        heard = _heard(example, length, seed=number, is_features=name == FEATURES)
        given = _compare(differences, MODEL if MODEL in sessions else ENCODER, first, sessions, {name: heard})
        if STEP in sessions:
            _compare_steps(differences, system.graphs[STEP], sessions, given)
    return Parity(differences, lengths)


def _compare_steps(differences: dict[str, float], graph: Graph, sessions: Mapping[str, Any], given: Outputs) -> None:
    state = {name: torch.from_numpy(given[name]) for name in graph.inputs if name != TOKEN}
    parts = [name for name in graph.inputs if name.startswith("state_")]
    token = 0
    for _ in range(TOKENS):
        said = _compare(differences, STEP, graph, sessions, {TOKEN: torch.full((1, 1), token), **state})
        state |= {name: torch.from_numpy(said[after]) for name, after in zip(parts, graph.outputs[1:], strict=True)}
        token = int(said[graph.outputs[0]].reshape(-1, said[graph.outputs[0]].shape[-1])[0, 1:].argmax()) + 1


def _compare(
    differences: dict[str, float], file: str, graph: Graph, sessions: Mapping[str, Any], inputs: Mapping[str, Tensor]
) -> Outputs:
    """The runtime's outputs; their differences from torch's are added."""
    with torch.no_grad():
        of_torch = graph.reference(*inputs.values())
    found = run(sessions[file], {name: value.numpy() for name, value in inputs.items()})
    for output, expected in zip(graph.outputs, of_torch if isinstance(of_torch, tuple) else (of_torch,), strict=True):
        if found[output].shape != tuple(expected.shape):
            raise ValueError(
                f"{file}: {output} has shape {found[output].shape} in onnxruntime and {tuple(expected.shape)} in torch"
            )
        place = f"{file} {output}"
        differences[place] = max(differences.get(place, 0.0), difference(found[output], expected.numpy()))
    return found


def difference(found: NDArray[Any], expected: NDArray[Any]) -> float:
    """The largest difference of two arrays of a shape: absolute, of what is above 1 in magnitude its share of that.

    float32 has seven digits of any number, so a log posterior of -12, where nothing is decided, differs by more than
    one of -0.1. What is not a number is infinitely far from a number.

    >>> difference(np.array([0.5, -20.0]), np.array([0.25, -10.0]))
    1.0
    """
    expected_64 = expected.astype(np.float64)
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        apart = np.abs(found.astype(np.float64) - expected_64) / np.maximum(1.0, np.abs(expected_64))
    return float(np.where(same, 0.0, np.nan_to_num(apart, nan=np.inf, posinf=np.inf)).max(initial=0.0))


def _heard(example: Tensor, length: int, *, seed: int, is_features: bool) -> Tensor:
    """Noise beneath a tone with an edge: quiet bands beside loud ones are where a transform shows its rounding."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(1, length, *example.shape[2:], generator=generator)
    if is_features:
        return noise
    tone_S = 0.3 * torch.sin(0.37 * torch.arange(length)) * (torch.arange(length) > length // 3)
    return 0.01 * noise + tone_S
