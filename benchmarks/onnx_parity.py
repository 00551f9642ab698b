"""The parity table: every system and encoder as ONNX, in onnxruntime, against its own layers.

    python benchmarks/onnx_parity.py            all of them, 2 minutes on two cores
    python benchmarks/onnx_parity.py conformer  those whose name has it

Weights are drawn, sizes are those that tables name; noise with a tone at five lengths, of which none was traced. What
has no graph is named with the reason. Exit code 1 where one differs by more than 1e-4.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from experiments.configuration.model_alone import build_model
from experiments.exporting.exportable import NotExportableError, exportable
from experiments.exporting.exported_folder import check_exact
from experiments.exporting.parity import MOST

SED, ASR, LAYERS = "lightning_modules.sed.", "lightning_modules.asr.", "lightning_modules.layers."
FACTS = {
    "sample_rate_hz": 16000,
    "classes": [f"class {number}" for number in range(10)],
    "symbols": ["<blank>", " ", *map(chr, range(97, 123))],
}
DEMO = {"hop_seconds": 0.04, "window_seconds": 0.064, "num_mels": 40}
PAPER = {"hop_seconds": 0.02325, "window_seconds": 0.0929, "num_mels": 64}
CRNN, GATED = f"{LAYERS}crnn.demo_crnn", f"{LAYERS}crnn.demo_gated_crnn"
PUBLISHED = f"{LAYERS}published_crnns."
ATTENTION = {"class_path": f"{LAYERS}attention.LocationAttention"}
SPELLER = {"attention": ATTENTION, "cell": "lstm"}
RECURRENT = f"{LAYERS}recurrent_encoder.demo_encoder"


def encoder(path: str, **arguments: Any) -> dict[str, Any]:
    return {"class_path": path, "init_args": arguments}


def system(path: str, of: Any, features: dict[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    given = {"encoder": of, **({"features": features} if features else {}), **arguments}
    return {"class_path": path, "init_args": given}


def cell(name: str, *, bidirectional: bool = True) -> dict[str, Any]:
    return encoder(RECURRENT, cell=name, bidirectional=bidirectional)


MODULES = {
    "Tagger": system(f"{SED}tagger.Tagger", f"{LAYERS}crnn.demo_tagging_cnn", DEMO),
    "FalseStrongLabels": system(f"{SED}false_strong_labels.FalseStrongLabels", CRNN, DEMO),
    "MIL": system(f"{SED}mil.MIL", CRNN, DEMO),
    "MIL, gated": system(f"{SED}mil.MIL", GATED, DEMO),
    "MIL, lstm": system(f"{SED}mil.MIL", encoder(CRNN, cell="lstm"), DEMO),
    "MIL, simple_rnn": system(f"{SED}mil.MIL", encoder(CRNN, cell="simple_rnn"), DEMO),
    "MIL, paper_crnn": system(f"{SED}mil.MIL", f"{LAYERS}crnn.paper_crnn", PAPER),
    "GLUAttention": system(f"{SED}glu_attention.GLUAttention", GATED, DEMO),
    "GLUAttention, xu_2017": system(f"{SED}glu_attention.GLUAttention", f"{PUBLISHED}xu_2017", PAPER),
    "GLUAttention, desed_2023": system(
        f"{SED}glu_attention.GLUAttention", f"{PUBLISHED}desed_2023_crnn", {**PAPER, "num_mels": 128}
    ),
    "MeanPooling": system(f"{SED}mean_pooling.MeanPooling", CRNN, DEMO),
    "LinearSoftmax": system(f"{SED}linear_softmax.LinearSoftmax", CRNN, DEMO),
    "ExponentialSoftmax": system(f"{SED}poolings.exponential_softmax.ExponentialSoftmax", CRNN, DEMO),
    "PowerPooling": system(f"{SED}poolings.power.PowerPooling", CRNN, DEMO),
    "AutoPooling": system(f"{SED}auto_pooling.AutoPooling", CRNN, DEMO),
    "TimeAttention": system(f"{SED}poolings.time_attention.TimeAttention", CRNN, DEMO),
    "StrongLabels": system(f"{SED}strong_labels.StrongLabels", CRNN, DEMO),
    "MeanTeacher": system(f"{SED}teachers.mean_teacher.MeanTeacher", CRNN, DEMO),
    **{f"CTC, {name}": system(f"{ASR}ctc.ctc.CTC", cell(name)) for name in ("gru", "lstm", "simple_rnn")},
    "CTC, lstm, forward": system(f"{ASR}ctc.ctc.CTC", cell("lstm", bidirectional=False)),
    "CTC, conformer": system(f"{ASR}ctc.ctc.CTC", f"{LAYERS}conformer.demo_conformer"),
    "CTC, tdnn": system(f"{ASR}ctc.ctc.CTC", f"{LAYERS}tdnn.demo_tdnn"),
    "CTC, listener": system(f"{ASR}ctc.ctc.CTC", f"{LAYERS}listener.demo_listener"),
    **{
        f"EncoderDecoder, {context}": system(
            f"{ASR}attention.encoder_decoder.EncoderDecoder", cell("gru"),
            speller={"attention": {"class_path": f"{LAYERS}attention.{context}"}, "cell": "gru"},
        )
        for context in ("SummaryContext", "ContentAttention", "LocationAttention")
    },
    "ListenAttendSpell": system(
        f"{ASR}attention.las.ListenAttendSpell", f"{LAYERS}listener.demo_listener", speller=SPELLER
    ),
    "CTCAttention": system(f"{ASR}attention.ctc_attention.CTCAttention", cell("gru"), speller=SPELLER),
    "Transducer": system(
        f"{ASR}transducer.transducer.Transducer", cell("gru"),
        predictor={"class_path": f"{LAYERS}predictor.RecurrentPredictor"},
    ),
    "Transducer, attending": system(
        f"{ASR}transducer.transducer.Transducer", cell("gru"),
        predictor={"class_path": f"{LAYERS}predictor.AttendingPredictor", "init_args": {"speller": SPELLER}},
    ),
}  # fmt: skip


def main() -> int:
    wanted = [name for name in MODULES if not sys.argv[1:] or any(of in name for of in sys.argv[1:])]
    print(f"{'module':32} {'inside':>8} {'outside':>8} {'size':>8} {'seconds':>8}")
    worst = 0.0
    for name in wanted:
        torch.manual_seed(0)
        started = time.perf_counter()
        try:
            model = build_model(MODULES[name], facts=FACTS, where=name).eval()
            with tempfile.TemporaryDirectory() as folder:
                outside = check_exact(exportable(model, inside=False), Path(folder)).largest
                inside = check_exact(exportable(model), Path(folder)).largest
                size = sum(path.stat().st_size for path in Path(folder).glob("*.onnx")) / 1e6
        except NotExportableError as error:
            print(f"{name:32} not exported: {error}")
            worst = 1.0
            continue
        worst = max(worst, inside, outside)
        print(f"{name:32} {inside:8.1e} {outside:8.1e} {size:6.1f}MB {time.perf_counter() - started:8.1f}", flush=True)
    print("not here: language models (they hear no audio), Whisper (transformers' own loop), encoders of folders")
    return int(worst > MOST)


if __name__ == "__main__":
    raise SystemExit(main())
