"""A graph as an ONNX file.

By tracing, since our layers choose by numbers of frames, which torch's newer exporter refuses: one clip has no padding,
and the trace takes the branch that holds at every length; ``parity`` proves it. The traced exporter divides whole
numbers towards zero where Python and torch divide down, and ``-(-n // k)``, our ceiling, came out one too small.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from experiments.errors import UserError
from experiments.exporting.graphs import Graph

OPSET = 17
EXTRA = 'pip install "earmark[export]"'


def write_onnx(graph: Graph, path: Path, *, metadata: Mapping[str, str] | None = None) -> None:
    """Write and check a file, all of it in one. Raises ``UserError`` without the packages, ``RuntimeError`` of torch."""
    try:
        import onnx
    except ImportError:
        raise UserError(f"earmark export needs onnx and onnxruntime: {EXTRA}") from None

    axes = {name: dict(of) for name, of in graph.growing.items()}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the tracer: every choice it takes for constant, which parity proves
        torch.onnx.register_custom_op_symbolic("aten::floor_divide", _floor_divide, OPSET)
        try:
            torch.onnx.export(
                graph.module.eval(), tuple(graph.inputs.values()), str(path), dynamo=False, opset_version=OPSET,
                input_names=list(graph.inputs), output_names=list(graph.outputs), dynamic_axes=axes,
            )  # fmt: skip
        finally:
            torch.onnx.unregister_custom_op_symbolic("aten::floor_divide", OPSET)
    model = onnx.load(path)
    onnx.helper.set_model_props(model, dict(metadata or {}))
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _floor_divide(graph: Any, numerator: Any, denominator: Any) -> Any:
    """Whole numbers divided down: ``(a − a mod b) / b``, where ONNX's mod has the sign of ``b``."""
    return graph.op("Div", graph.op("Sub", numerator, graph.op("Mod", numerator, denominator)), denominator)
