"""Which graphs a system has, by the names of their files; and why one has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pytorch_lightning as lightning
import torch
from torch import Tensor, nn

from experiments.exporting import step_graphs as steps
from experiments.exporting.graphs import (
    FEATURES,
    WAVEFORM,
    CtcGraph,
    DetectorGraph,
    Graph,
    OwnFront,
    front_of,
    log_mel_of,
)
from lightning_modules.asr.attention.encoder_decoder import EncoderDecoder
from lightning_modules.asr.ctc.ctc_output import CtcOutput
from lightning_modules.asr.recogniser import Recogniser
from lightning_modules.asr.transducer.transducer import Transducer
from lightning_modules.sed.detector import SoundEventDetector

Kind = Literal["sound events", "ctc", "attention", "transducer"]
MODEL, ENCODER, STEP = "model.onnx", "encoder.onnx", "step.onnx"
CLIP, CURVES = "clip_probabilities", "frame_probabilities"
FRAME = "frames"  # of an output's time axis
EXAMPLE_FRAMES = 23  # of the output, and one begun: a number that no layer is wide


class NotExportableError(ValueError):
    """Why a system has no graph, in one line."""


@dataclass(frozen=True, kw_only=True)
class Exportable:
    """A system as graphs by file: ``model.onnx``, or ``encoder.onnx`` and ``step.onnx``."""

    kind: Kind
    graphs: Mapping[str, Graph]
    inside: bool  # whether log-mel is in the graph
    hop_seconds: float  # of the output's frames


def exportable(system: lightning.LightningModule, *, inside: bool = True) -> Exportable:
    """The graphs of a system in evaluation mode.

    Raises ``NotExportableError`` for one that is neither a sound event system nor a recogniser, that decodes outside of
    torch, or whose features can't stay outside.
    """
    if not isinstance(system, SoundEventDetector | Recogniser):
        raise NotExportableError(f"{type(system).__name__} hears no audio: only sound event systems and recognisers do")
    try:
        heard = example_input(system, inside=inside)
        kind, graphs = _graphs(system, heard, inside=inside)
    except ValueError as error:
        raise NotExportableError(f"{type(system).__name__}: {error}") from None
    return Exportable(kind=kind, graphs=graphs, inside=inside, hop_seconds=system.hop_seconds)


def example_input(system: SoundEventDetector | Recogniser, *, inside: bool, seed: int = 0) -> Mapping[str, Tensor]:
    """Noise of a length that leaves a rest at every halving of time, so that no rest is left out of a graph."""
    frames = EXAMPLE_FRAMES * system.encoder.time_pooling + 1
    generator = torch.Generator().manual_seed(seed)
    log_mel = log_mel_of(system)
    if not inside and log_mel is not None:
        return {FEATURES: torch.randn(1, frames, log_mel.num_mels, generator=generator)}
    hop_samples = 1 if log_mel is None else log_mel.hop_samples
    return {WAVEFORM: 0.1 * torch.randn(1, frames * hop_samples - hop_samples // 3, generator=generator)}


def _graphs(
    system: SoundEventDetector | Recogniser, heard: Mapping[str, Tensor], *, inside: bool
) -> tuple[Kind, Mapping[str, Graph]]:
    fronts = (front_of(system, inside=inside), OwnFront(system) if inside else front_of(system, inside=False))
    if isinstance(system, SoundEventDetector):
        module, reference = (DetectorGraph(system, front) for front in fronts)
        names = [CLIP, CURVES][: len(_outputs(module, heard))]
        return "sound events", {MODEL: _whole(module, reference, heard, names)}
    if isinstance(system, EncoderDecoder):
        encoders = [steps.SpellerEncoderGraph(system, front) for front in fronts]
        names = [steps.ENCODED, steps.KEYS, *([steps.LOG_PROBS] if isinstance(system, CtcOutput) else [])]
        speller = system.speller
        spelling = (steps.SpellerStepGraph(steps.exportable_copy(speller)), steps.SpellerStepGraph(speller))
        return "attention", _encoder_and_step(encoders, spelling, heard, names)
    if isinstance(system, Transducer):
        hearing = [steps.TransducerEncoderGraph(system, front) for front in fronts]
        names = [steps.ENCODED, steps.KEYS, steps.FRAMES]
        network = system.network
        reading = (steps.TransducerStepGraph(steps.exportable_copy(network)), steps.TransducerStepGraph(network))
        return "transducer", _encoder_and_step(hearing, reading, heard, names)
    if isinstance(system, CtcOutput):
        module, reference = (CtcGraph(system, front) for front in fronts)
        return "ctc", {MODEL: _whole(module, reference, heard, [steps.LOG_PROBS])}
    raise ValueError("its decoder is neither CTC, attention nor a transducer of ours, so there is no step to export")


def _whole(module: nn.Module, reference: nn.Module, heard: Mapping[str, Tensor], outputs: list[str]) -> Graph:
    """A graph from what is heard to the last output; all but clip probabilities have frames."""
    growing = {name: {1: FRAME} for name in outputs if name != CLIP}
    return Graph(
        module=module, reference=reference, inputs=heard, outputs=outputs, growing={**_heard_axis(heard), **growing}
    )


def _encoder_and_step(
    encoders: Sequence[nn.Module], readers: Sequence[nn.Module], heard: Mapping[str, Tensor], names: list[str]
) -> Mapping[str, Graph]:
    """``encoders`` give ``names`` and a state; ``readers`` take them but for posteriors, after a token."""
    given = _outputs(encoders[0], heard)
    frames, num_parts = given[0].shape[1], len(given) - len(names)
    before, after = steps.state_names(num_parts), steps.state_names(num_parts, after=True)
    named = dict(zip([*names, *before], given, strict=True))
    growing = {name: _frame_axes(value, frames) for name, value in named.items()}
    taken = {name: value for name, value in named.items() if name != steps.LOG_PROBS}
    token = {steps.TOKEN: torch.zeros(1, 1, dtype=torch.int64)}
    said = [steps.LOG_PROBS, *after]
    grown_after = {name: growing[of] for name, of in zip(after, before, strict=True)}
    if steps.FRAMES in names:
        grown_after[steps.LOG_PROBS] = {1: FRAME}
    encoder, reader = encoders[0], readers[0]
    return {
        ENCODER: Graph(
            module=encoder, reference=encoders[1], inputs=heard, outputs=list(named),
            growing={**_heard_axis(heard), **growing},
        ),
        STEP: Graph(
            module=reader, reference=readers[1], inputs={**token, **taken}, outputs=said,
            growing={**{name: growing[name] for name in taken}, **grown_after},
        ),
    }  # fmt: skip


def _frame_axes(value: Tensor, frames: int) -> Mapping[int, str]:
    return {axis: FRAME for axis, length in enumerate(value.shape) if axis and length == frames}


def _heard_axis(heard: Mapping[str, Tensor]) -> Mapping[str, Mapping[int, str]]:
    return {name: {1: "samples" if name == WAVEFORM else "heard_frames"} for name in heard}


def _outputs(module: nn.Module, heard: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    with torch.no_grad():
        outputs: tuple[Tensor, ...] = module(*heard.values())
    return outputs
