"""What an optimiser's step of the speech tables' demo networks costs, in processor seconds of one thread.

    python benchmarks/speech_steps.py               # --help: utterances, seconds, tokens a second, steps, seed

CTC, attention alone and the hybrid on one GRU encoder (tables data_curve and alignment), or every row of ``--table``
that trains, on a batch of noise: forward, backward, clipping and the optimiser. data_curve has 17 utterances of 2.3 s a
batch, alignment 7 of 8.8 s.

    python benchmarks/speech_steps.py --table end_to_end_search --scale demo
"""

from __future__ import annotations

import argparse
import statistics
import time
from functools import partial
from typing import Any

import torch

from datamodules.batches import UtteranceBatch
from experiments.configuration.model_alone import build_model
from experiments.table_files.spec import read_table
from lightning_modules.asr.attention.ctc_attention import CTCAttention
from lightning_modules.asr.attention.las import ListenAttendSpell
from lightning_modules.asr.ctc.ctc import CTC
from lightning_modules.asr.recogniser import Recogniser
from lightning_modules.layers.attention import LocationAttention
from lightning_modules.layers.recurrent_encoder import demo_encoder
from lightning_modules.layers.speller import SpellerSettings

SAMPLE_RATE_HZ = 16_000
SYMBOLS = ("<blank>", *map(chr, range(ord("0"), ord("0") + 75)))


def main() -> None:
    """Print a row a system."""
    parser = argparse.ArgumentParser(description="processor seconds of a step of each system")
    parser.add_argument("--utterances", type=int, default=17)
    parser.add_argument("--seconds", type=float, default=2.3, help="of each utterance")
    parser.add_argument("--tokens-per-second", type=float, default=13.0)
    parser.add_argument("--steps", type=int, default=5, help="of which the median is printed, after one for warmth")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", help="of recognisers: its rows that train, in the place of these three")
    parser.add_argument("--scale", help="of the table (default: its first)")
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(given.seed)
    batch = noise(given.utterances, given.seconds, round(given.seconds * given.tokens_per_second))
    print("| system | parameters | a step, s |\n| --- | --- | --- |")
    for name, system in (systems() if given.table is None else systems_of(given.table, given.scale)).items():
        count = sum(parameter.numel() for parameter in system.parameters())
        print(f"| {name} | {count:,} | {seconds_a_step(system, batch, steps=given.steps):.3f} |", flush=True)


def systems() -> dict[str, Recogniser]:
    """Each with new weights."""
    speller = SpellerSettings(attention=LocationAttention, cell="gru", hidden_units=160, embedding_units=48)
    common: dict[str, Any] = {
        "symbols": SYMBOLS,
        "sample_rate_hz": SAMPLE_RATE_HZ,
        "optimizer": partial(torch.optim.AdamW, lr=0.003),
    }
    encoder = partial(demo_encoder, cell="gru", dropout=0.3)
    return {
        "CTC": CTC(encoder=encoder(), **common),
        "attention": ListenAttendSpell(encoder=encoder(), speller=speller, **common),
        "hybrid": CTCAttention(encoder=encoder(), speller=speller, ctc_weight=0.3, **common),
    }


def systems_of(table: str, scale: str | None) -> dict[str, Recogniser]:
    """Of each row that trains, trials of a search left out; with Adam, whose step costs what AdamW's does."""
    rows = read_table(table, scale=scale).rows
    facts = {"symbols": SYMBOLS, "sample_rate_hz": SAMPLE_RATE_HZ}
    found = {
        name: build_model(row.config["model"], facts=facts, where=name)
        for name, row in rows.items()
        if row.stage == "fit"
    }
    return {name: system for name, system in found.items() if isinstance(system, Recogniser)}


def noise(utterances: int, seconds: float, num_tokens: int) -> UtteranceBatch:
    """A batch as the data module serves it."""
    num_samples = round(seconds * SAMPLE_RATE_HZ)
    return UtteranceBatch(
        utterance_ids=tuple(f"u{number}" for number in range(utterances)),
        waveforms_BS=torch.randn(utterances, num_samples) / 10,
        num_samples_B=torch.full((utterances,), num_samples),
        texts=("",) * utterances,
        tokens_BU=torch.randint(1, len(SYMBOLS), (utterances, num_tokens)),
        num_tokens_B=torch.full((utterances,), num_tokens),
    )


def seconds_a_step(system: Recogniser, batch: UtteranceBatch, *, steps: int) -> float:
    """The median of some steps."""
    optimizer: Any = system.configure_optimizers()
    times = []
    for _ in range(steps + 1):
        started = time.process_time()
        encoded = system.encode(batch.waveforms_BS, batch.num_samples_B)
        optimizer.zero_grad()
        system.loss(encoded, batch).mean().backward()
        torch.nn.utils.clip_grad_norm_(system.parameters(), 5.0)
        optimizer.step()
        times.append(time.process_time() - started)
    return statistics.median(times[1:])


if __name__ == "__main__":
    main()
