"""Small batches and one small instance of every system."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from datamodules.annotations import Event
from datamodules.batches import ClipBatch, StrongClipBatch
from lightning_modules.layers.crnn import demo_crnn, demo_gated_crnn, demo_tagging_cnn
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.sed.auto_pooling import AutoPooling
from lightning_modules.sed.detector import SoundEventDetector
from lightning_modules.sed.false_strong_labels import FalseStrongLabels
from lightning_modules.sed.glu_attention import GLUAttention
from lightning_modules.sed.linear_softmax import LinearSoftmax
from lightning_modules.sed.mean_pooling import MeanPooling
from lightning_modules.sed.mil import MIL
from lightning_modules.sed.poolings.exponential_softmax import ExponentialSoftmax
from lightning_modules.sed.poolings.power import PowerPooling
from lightning_modules.sed.poolings.time_attention import TimeAttention
from lightning_modules.sed.strong_labels import StrongLabels
from lightning_modules.sed.tagger import Tagger

CLASSES = ("bird", "door", "fire")
SHARED = {
    "classes": CLASSES,
    "sample_rate_hz": 8000,
    "features": LogMelSettings(hop_seconds=0.04, window_seconds=0.128, num_mels=40),
}
WEAK_SYSTEMS: dict[str, Callable[[], SoundEventDetector]] = {
    "tagger": lambda: Tagger(encoder=demo_tagging_cnn(), hidden_units=8, **SHARED),
    "false_strong_labels": lambda: FalseStrongLabels(encoder=demo_crnn(), **SHARED),  # type: ignore[arg-type]
    "mean_pooling": lambda: MeanPooling(encoder=demo_crnn(), **SHARED),  # type: ignore[arg-type]
    "linear_softmax": lambda: LinearSoftmax(encoder=demo_crnn(), **SHARED),  # type: ignore[arg-type]
    "auto_pooling": lambda: AutoPooling(encoder=demo_crnn(), **SHARED),
    "auto_pooling_cap": lambda: AutoPooling(encoder=demo_crnn(), initial_alpha=0.0, max_alpha=2.0, **SHARED),
    "auto_pooling_rap": lambda: AutoPooling(encoder=demo_crnn(), initial_alpha=0.0, alpha_penalty=1e-3, **SHARED),
    "exponential_softmax": lambda: ExponentialSoftmax(encoder=demo_crnn(), **SHARED),  # type: ignore[arg-type]
    "power_pooling": lambda: PowerPooling(encoder=demo_crnn(), **SHARED),
    "time_attention": lambda: TimeAttention(encoder=demo_crnn(), **SHARED),
    "glu_attention": lambda: GLUAttention(encoder=demo_gated_crnn(), **SHARED),
    "mil": lambda: MIL(encoder=demo_crnn(), **SHARED),
    "mil_penalty": lambda: MIL(encoder=demo_crnn(), penalty_alpha=0.1, **SHARED),
    "glu_mil_penalty": lambda: MIL(encoder=demo_gated_crnn(), penalty_alpha=0.1, **SHARED),
}
SYSTEMS = {**WEAK_SYSTEMS, "strong_labels": lambda: StrongLabels(encoder=demo_crnn(), **SHARED)}  # type: ignore[arg-type]


@pytest.fixture(params=sorted(WEAK_SYSTEMS))
def weak_system(request: pytest.FixtureRequest) -> SoundEventDetector:
    """Each weakly supervised system in turn."""
    torch.manual_seed(0)
    return WEAK_SYSTEMS[request.param]()


@pytest.fixture(params=sorted(SYSTEMS))
def system(request: pytest.FixtureRequest) -> SoundEventDetector:
    """Each system in turn."""
    torch.manual_seed(0)
    return SYSTEMS[request.param]()


@pytest.fixture
def batch() -> ClipBatch:
    """Three clips of different lengths; one without a tag, one with two."""
    generator = torch.Generator().manual_seed(1)
    num_samples_B = torch.tensor([8000, 5000, 6400])
    waveforms_BS = torch.randn(3, 8000, generator=generator) * 0.1
    for row, length in enumerate(num_samples_B.tolist()):
        waveforms_BS[row, length:] = 0.0
    tags_BC = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    return ClipBatch(("a", "b", "c"), waveforms_BS, num_samples_B, tags_BC)


@pytest.fixture
def strong_batch(batch: ClipBatch) -> StrongClipBatch:
    """The same clips with events that have their tags."""
    events = ((Event(0.1, 0.5, "bird"), Event(0.4, 0.9, "door")), (), (Event(0.0, 0.8, "fire"),))
    return StrongClipBatch(batch, events)
