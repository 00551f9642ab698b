"""Graphs say in onnxruntime what their systems say, at lengths that were not traced; and what has no graph says why."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from experiments.exporting.exportable import NotExportableError, exportable
from experiments.exporting.exportable_log_mel import ExportableLogMel
from experiments.exporting.exported_folder import check_exact
from experiments.exporting.graphs import Graph
from experiments.exporting.onnx_files import write_onnx
from experiments.exporting.parity import MOST, difference, run, session
from lightning_modules.layers.log_mel import LogMel, LogMelSettings
from lightning_modules.lm.recurrent import Recurrent

ONE_OF_A_KIND = (
    "mil, gated", "tagger", "ctc, gru", "ctc, conformer", "ctc, tdnn", "las, location", "ctc_attention",
    "transducer, attending",
)  # fmt: skip


@pytest.mark.parametrize("name", ONE_OF_A_KIND)
def test_one_of_each_kind(name: str, tiny: ModuleType, tmp_path: Path) -> None:
    parity = check_exact(exportable(tiny.make(name)), tmp_path)
    assert parity.largest <= MOST / 4  # tiny systems leave room


@pytest.mark.slow
def test_every_system_with_features_inside_and_outside(tiny: ModuleType, tmp_path: Path) -> None:
    for name in tiny.SYSTEMS:
        for inside in (True, False):
            assert check_exact(exportable(tiny.make(name), inside=inside), tmp_path).largest <= MOST, name


@pytest.mark.parametrize("num_samples", [1, 79, 80, 81, 4000, 4019])
@pytest.mark.parametrize("window_seconds", [0.016, 0.0255])
def test_the_twin_of_log_mel(num_samples: int, window_seconds: float) -> None:
    log_mel = LogMel(sample_rate_hz=8000, hop_seconds=0.01, window_seconds=window_seconds, num_mels=8)
    waveform_1S = 0.2 * torch.randn(1, num_samples, generator=torch.Generator().manual_seed(num_samples))
    expected = log_mel(waveform_1S, torch.tensor([num_samples]))
    assert torch.allclose(ExportableLogMel(log_mel)(waveform_1S), expected, atol=2e-4)


def test_whole_numbers_are_divided_down(tmp_path: Path) -> None:
    """The traced exporter's own division goes towards zero: ceil(7 / 2), our ``-(-7 // 2)``, would be 3."""

    class Ceiling(nn.Module):
        def forward(self, numbers: torch.Tensor) -> torch.Tensor:
            return -(-numbers // 2) + numbers.shape[0] * 0

    graph = Graph(module=Ceiling(), reference=Ceiling(), inputs={"numbers": torch.tensor([7, 8])}, outputs=["halves"])
    write_onnx(graph, tmp_path / "halves.onnx")
    found = run(session(tmp_path / "halves.onnx"), {"numbers": torch.tensor([7, -5]).numpy()})
    assert found["halves"].tolist() == [4, -2]


def test_a_graph_that_took_a_length_for_constant_is_refused(tiny: ModuleType, tmp_path: Path) -> None:
    class FirstHalf(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, heard: torch.Tensor) -> tuple[torch.Tensor, ...]:
            clip, curves = self.inner(heard)
            return clip * float(heard.shape[1] / 3000), curves

    graphs = exportable(tiny.make("mil"))
    [graph] = graphs.graphs.values()
    wrong = Graph(module=FirstHalf(graph.module), reference=FirstHalf(graph.module), inputs=graph.inputs,
                  outputs=graph.outputs, growing=graph.growing)  # fmt: skip
    graphs.graphs["model.onnx"] = wrong  # type: ignore[index]
    with pytest.raises(NotExportableError, match="clip_probabilities differs by"):
        check_exact(graphs, tmp_path)


def test_log_posteriors_of_what_is_out_of_the_question_are_compared_as_shares() -> None:
    """1.35e-04 at log p = -12.14 was refused: a difference of 7e-10 in a probability of 5e-06."""
    log_probs_V = np.array([-0.13, -12.14], dtype=np.float32)
    assert difference(log_probs_V + np.array([0, 1.35e-4], dtype=np.float32), log_probs_V) < MOST / 5
    assert difference(log_probs_V + np.array([2e-4, 0], dtype=np.float32), log_probs_V) > MOST
    assert difference(log_probs_V * np.float32(1.001), log_probs_V) > MOST


def test_what_is_no_number_is_no_parity() -> None:
    finite, nothing = np.zeros(2), np.array([0.0, np.nan])
    assert difference(nothing, finite) == difference(finite, nothing) == float("inf")
    assert difference(np.array([0.0, -np.inf]), finite) == float("inf")
    assert difference(np.array([nothing, [-np.inf, 1.0]]), np.array([nothing, [-np.inf, 1.0]])) == 0.0
    assert difference(np.zeros(0), np.zeros(0)) == 0.0


def test_a_language_model_says_why_it_has_no_graph() -> None:
    model = Recurrent.__new__(Recurrent)
    with pytest.raises(NotExportableError, match="Recurrent hears no audio"):
        exportable(model)


def test_settings_of_log_mel_are_not_repeated() -> None:
    """The twin reads hop, window and filters from the layer: nothing of ``LogMelSettings`` is its own."""
    twin = ExportableLogMel(LogMel(sample_rate_hz=16000, **vars(LogMelSettings())))
    assert (twin.hop_samples, twin.window_samples) == (372, 1486)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="asks Linux which files are open")
def test_the_runtime_keeps_no_database_of_its_user() -> None:
    """From 1.30 at the latest onnxruntime opens one on import, and torchmetrics imports it in every training."""
    links = [link.readlink().name for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert not [name for name in links if "onnxruntime.db" in name]
