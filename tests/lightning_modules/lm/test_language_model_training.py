"""A language model through a Trainer on the tiny corpus: it learns, its state_dict comes back, its file decodes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch

from datamodules.text import TextDataModule
from lightning_modules.lm.gated_conv import GatedConv, demo_gated_conv, gcnn_14, gcnn_14b
from lightning_modules.lm.language_modelling import LanguageModelling
from lightning_modules.lm.ngram_scoring import NgramScoring
from lightning_modules.lm.perplexity_scoring import PerplexityScoring
from lightning_modules.lm.recurrent import Recurrent, demo_recurrent, lstm_1024, zaremba_medium
from lightning_modules.lm.stored import load_language_model


def gru(symbols: tuple[str, ...]) -> LanguageModelling:
    network = demo_recurrent(cell="gru", hidden_units=32, embedding_units=16, dropout=0.0)
    return Recurrent(symbols=symbols, network=network, optimizer=lambda p: torch.optim.Adam(p, lr=2e-2))


def gated(symbols: tuple[str, ...]) -> LanguageModelling:
    network = demo_gated_conv(channels=16, num_blocks=3, kernel=3, embedding_units=16, dropout=0.0)
    return GatedConv(
        symbols=symbols,
        network=network,
        adaptive_cutoffs=[4] if "<unk>" in symbols else [],
        optimizer=lambda p: torch.optim.SGD(p, lr=0.3, momentum=0.9, nesterov=True),
        scheduler=lambda o: torch.optim.lr_scheduler.ReduceLROnPlateau(o, factor=0.5, patience=0),
    )


@pytest.mark.parametrize(
    ("make", "settings"),
    [(gru, {"bptt_tokens": 8}), (gated, {}), (gated, {"unit": "word", "bptt_tokens": 4})],
)
def test_training_beats_unigrams(tiny_speech: Path, tmp_path: Path, make: Any, settings: dict[str, Any]) -> None:
    pl.seed_everything(0, verbose=False)
    data = TextDataModule(corpus="spoken_tones/tiny", batch_size=4, **settings)
    model = make(data.symbols)
    trainer = pl.Trainer(
        max_epochs=6,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        gradient_clip_val=1.0,
    )
    trainer.fit(model, datamodule=data)
    logged = {name: float(value) for name, value in trainer.callback_metrics.items()}
    for split in ("validation", "test"):
        batches = trainer.predict(model, dataloaders=data.evaluation_dataloader(split))
        model.write_predictions(batches or [], clip_ids=data.clip_ids(split), path=tmp_path / split)
    references = {split: data.references(split) for split in ("validation", "test")}
    metrics = PerplexityScoring().score(predictions={"own": tmp_path}, references=references, output_dir=tmp_path)
    assert logged["validation/perplexity"] == pytest.approx(math.exp(logged["validation/loss"]), rel=1e-4)
    assert metrics["validation/perplexity_per_token"] == pytest.approx(logged["validation/perplexity"], rel=1e-4)
    unigrams = NgramScoring(order=1).score(predictions={}, references=references, output_dir=tiny_speech)
    assert metrics["test/perplexity_per_token"] < 0.8 * unigrams["test/perplexity_per_token"]
    again = make(data.symbols)
    again.load_state_dict(model.state_dict())
    batch = next(iter(data.evaluation_dataloader("test")))
    assert torch.equal(
        again.eval()(batch.tokens_BU, batch.num_tokens_B), model.eval()(batch.tokens_BU, batch.num_tokens_B)
    )
    stored = load_language_model(tmp_path)
    tokens = tuple(batch.tokens_BU[0, : batch.num_tokens_B[0]].tolist())
    steps_TV = stored.next_log_probs([tokens[:end] for end in range(len(tokens) + 1)])
    total = float(steps_TV[range(len(tokens) + 1), (*tokens, 0)].sum())
    assert total == pytest.approx(model.predict_step(batch, 0).log_probs_B[0].item(), abs=1e-3)


def parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_published_sizes() -> None:
    with torch.device("meta"):
        deep, bottleneck = gcnn_14(), gcnn_14b()
        medium, large = zaremba_medium(), lstm_1024()
    assert (len(deep.blocks), deep.num_outputs, deep.num_inputs) == (14, 2048, 280)
    assert deep.receptive_field == 1 + 3 * 5 + 4 * 4 + 3 * 3 + 3 + 3
    assert (len(bottleneck.blocks), bottleneck.num_outputs) == (14, 4096)
    assert all([kernel for kernel, _ in block] == [1, 5, 1] for block in bottleneck.blocks[1:])
    assert parameters(medium) == 2 * 4 * (650 * 650 * 2 + 2 * 650)
    assert parameters(large) == 4 * (280 * 1024 + 1024 * 1024 + 2 * 1024)


def test_what_does_not_fit_is_refused() -> None:
    network = demo_recurrent(cell="lstm")
    with pytest.raises(ValueError, match="tied weights need as many embedding units"):
        Recurrent(symbols=("<blank>", "a"), network=network, tied=True)
    with pytest.raises(ValueError, match="tied weights need the plain softmax"):
        Recurrent(symbols=("<blank>", "a"), network=network, tied=True, adaptive_cutoffs=[1])
    with pytest.raises(ValueError, match=r"adaptive_cutoffs \[1, 2\] must rise within 1 and 1"):
        Recurrent(symbols=("<blank>", "a"), network=network, adaptive_cutoffs=[1, 2])
    with pytest.raises(ValueError, match="blocks must be lists of"):
        demo_gated_conv(kernel=0)
    with pytest.raises(ValueError, match="num_layers must be 1 or more, got 0"):
        demo_recurrent(cell="gru").__class__(cell="gru", num_inputs=2, hidden_units=2, num_layers=0)
