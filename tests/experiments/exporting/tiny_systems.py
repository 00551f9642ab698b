"""Tiny systems of every kind, and a finished run's folder made of one: no training, no corpus, no store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from experiments.applying.chosen_run import ChosenRun, choose_run
from experiments.configuration.model_alone import build_model
from experiments.table_files.yaml_files import to_yaml

CLASSES = ["bird", "door", "rain"]
SYMBOLS = ["<blank>", " ", "a", "b", "c"]
FEATURES = {"hop_seconds": 0.02, "window_seconds": 0.05, "num_mels": 16}
LAYERS = "lightning_modules.layers."
RATE_HZ = 8000


def cnn(*, gated: bool = False, time_pooling: int = 2) -> dict[str, Any]:
    block = "glu.GatedConvBlock" if gated else "conv.ConvBlock"
    sizes = {"out_channels": 4, "band_pooling": 4, "dropout": 0.0}
    blocks = [
        {"class_path": LAYERS + block, "init_args": {"in_channels": 1, "time_pooling": time_pooling, **sizes}},
        {"class_path": LAYERS + block, "init_args": {"in_channels": 4, "time_pooling": 1, **sizes}},
    ]
    return {"class_path": LAYERS + "crnn.CNN", "init_args": {"num_mels": 16, "blocks": blocks, "normalise_bands": True}}


def crnn(*, cell: str = "gru", gated: bool = False) -> dict[str, Any]:
    sizes = {"cell": cell, "hidden_units": 4, "dense_units": 5}
    return {"class_path": LAYERS + "crnn.CRNN", "init_args": {"cnn": cnn(gated=gated), **sizes}}


def detector(name: str, encoder: Mapping[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    init = {"encoder": dict(encoder or crnn()), "features": FEATURES, **arguments}
    return {"class_path": f"lightning_modules.sed.{name}", "init_args": init}


def recurrent(*, cell: str = "gru", bidirectional: bool = True) -> dict[str, Any]:
    sizes = {"num_mels": 16, "conv_channels": 2, "num_halvings": 2, "hidden_units": 6, "num_layers": 2, "dropout": 0.1}
    given = {**sizes, "cell": cell, "bidirectional": bidirectional}
    return {"class_path": LAYERS + "recurrent_encoder.RecurrentEncoder", "init_args": given}


def conformer() -> dict[str, Any]:
    sizes = {"num_mels": 16, "conv_channels": 2, "num_halvings": 2, "units": 8, "num_blocks": 1, "num_heads": 2}
    return {"class_path": LAYERS + "conformer.ConformerEncoder", "init_args": {**sizes, "kernel": 5, "dropout": 0.1}}


def tdnn() -> dict[str, Any]:
    sizes = {"num_mels": 16, "conv_channels": 2, "num_halvings": 2, "units": 7, "layers": [[5, 1], [3, 2]]}
    return {"class_path": LAYERS + "tdnn.TimeDelayEncoder", "init_args": {**sizes, "dropout": 0.1}}


def listener() -> dict[str, Any]:
    sizes = {"num_mels": 16, "hidden_units": 5, "num_halvings": 2, "cell": "lstm"}
    return {"class_path": LAYERS + "listener.PyramidalListener", "init_args": sizes}


def speller(context: str, *, cell: str = "lstm", num_layers: int = 1, **arguments: Any) -> dict[str, Any]:
    attention = {"class_path": f"{LAYERS}attention.{context}", "init_args": {"units": 5, **arguments}}
    return {"attention": attention, "cell": cell, "embedding_units": 4, "hidden_units": 6, "num_layers": num_layers}


def recogniser(name: str, encoder: Mapping[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    init = {"encoder": dict(encoder or recurrent()), "features": FEATURES, **arguments}
    return {"class_path": f"lightning_modules.asr.{name}", "init_args": init}


def predictor(name: str, **arguments: Any) -> dict[str, Any]:
    return {"class_path": f"{LAYERS}predictor.{name}", "init_args": arguments}


LOCATION = {"channels": 2, "reach_frames": 3}
PLAIN_PREDICTOR = {"cell": "gru", "embedding_units": 4, "hidden_units": 6}

Maker = Callable[[], dict[str, Any]]
SYSTEMS: Mapping[str, Maker] = {
    "mil": lambda: detector("mil.MIL"),
    "mil, gated": lambda: detector("mil.MIL", crnn(gated=True)),
    "mil, lstm": lambda: detector("mil.MIL", crnn(cell="lstm")),
    "mil, simple_rnn": lambda: detector("mil.MIL", crnn(cell="simple_rnn")),
    "tagger": lambda: detector("tagger.Tagger", cnn(), hidden_units=4),
    "fsl": lambda: detector("false_strong_labels.FalseStrongLabels"),
    "mean_pooling": lambda: detector("mean_pooling.MeanPooling"),
    "linear_softmax": lambda: detector("linear_softmax.LinearSoftmax"),
    "exponential_softmax": lambda: detector("poolings.exponential_softmax.ExponentialSoftmax"),
    "power": lambda: detector("poolings.power.PowerPooling"),
    "auto_pooling": lambda: detector("auto_pooling.AutoPooling"),
    "time_attention": lambda: detector("poolings.time_attention.TimeAttention"),
    "glu_attention": lambda: detector("glu_attention.GLUAttention", crnn(gated=True)),
    "strong": lambda: detector("strong_labels.StrongLabels"),
    "mean_teacher": lambda: detector("teachers.mean_teacher.MeanTeacher", predicts="teacher"),
    "ctc, gru": lambda: recogniser("ctc.ctc.CTC"),
    "ctc, lstm, forward": lambda: recogniser("ctc.ctc.CTC", recurrent(cell="lstm", bidirectional=False)),
    "ctc, simple_rnn": lambda: recogniser("ctc.ctc.CTC", recurrent(cell="simple_rnn")),
    "ctc, conformer": lambda: recogniser("ctc.ctc.CTC", conformer()),
    "ctc, tdnn": lambda: recogniser("ctc.ctc.CTC", tdnn()),
    "ctc, listener": lambda: recogniser("ctc.ctc.CTC", listener()),
    "encoder_decoder, summary": lambda: recogniser(
        "attention.encoder_decoder.EncoderDecoder", speller=speller("SummaryContext", cell="gru", num_layers=2)
    ),
    "encoder_decoder, content": lambda: recogniser(
        "attention.encoder_decoder.EncoderDecoder", speller=speller("ContentAttention", cell="simple_rnn")
    ),
    "las, location": lambda: recogniser(
        "attention.las.ListenAttendSpell", listener(), speller=speller("LocationAttention", **LOCATION)
    ),
    "ctc_attention": lambda: recogniser(
        "attention.ctc_attention.CTCAttention", conformer(), speller=speller("LocationAttention", **LOCATION)
    ),
    "transducer": lambda: recogniser(
        "transducer.transducer.Transducer",
        predictor=predictor("RecurrentPredictor", **PLAIN_PREDICTOR), joint_units=6,
    ),
    "transducer, attending": lambda: recogniser(
        "transducer.transducer.Transducer",
        predictor=predictor("AttendingPredictor", speller=speller("LocationAttention", **LOCATION)), joint_units=6,
    ),
}  # fmt: skip


def make(name: str, *, seed: int = 3) -> Any:
    """A system with weights that say something: those of a start say the same of every frame."""
    torch.manual_seed(seed)
    facts = {"sample_rate_hz": RATE_HZ, "classes": CLASSES, "symbols": SYMBOLS}
    system = build_model(SYSTEMS[name](), facts=facts, where=name).eval()
    with torch.no_grad():
        for parameter in system.parameters():
            parameter.add_(0.4 * torch.randn_like(parameter))
        if hasattr(system, "network"):
            system.network.joiner.output.bias[0] -= 2.0  # of the blank, which would be all that it writes
    return system


def run_folder(folder: Path, name: str, system: Any, *, scores: str = "{}") -> ChosenRun:
    """A finished run's folder, as ``earmark run`` leaves it, but for its journal."""
    (folder / "checkpoints").mkdir(parents=True)
    checkpoint: dict[str, Any] = {"state_dict": system.state_dict()}
    system.on_save_checkpoint(checkpoint)
    if hasattr(system, "classes"):
        checkpoint.setdefault("learnt_from_tags", {"classes": CLASSES, "sample_rate_hz": RATE_HZ})
    else:
        checkpoint["learnt_from_tags"] = {"classes": SYMBOLS, "sample_rate_hz": RATE_HZ}
    torch.save(checkpoint, folder / "checkpoints" / "best.ckpt")
    data = {"class_path": "datamodules.sed.SoundEventClips", "init_args": {"corpus": "not/here"}}
    record = {"family": "sed", "stage": "fit", "seed": 0, "imports": [], "from": {}, "data": data,
              "model": SYSTEMS[name](), "trainer": {"max_epochs": 3}}  # fmt: skip
    (folder / "config.yaml").write_text(to_yaml(record), encoding="utf-8")
    (folder / "metrics.json").write_text(scores, encoding="utf-8")
    return choose_run(str(folder))
