"""What every trained language model shares: steps on streams and on sentences, perplexity, prediction, optimiser.

On a stream the state is carried from batch to batch and detached: back-propagation through time is truncated at the
batch's length, memory is not. Validation and prediction read each sentence on its own, from boundary to boundary, so
that perplexities of all models, n-grams included, are of the same thing.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.cli import LRSchedulerCallable, OptimizerCallable
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torchmetrics import MeanMetric

from datamodules.batches import TextBatch, TextStreamBatch
from lightning_modules.layers.causal import CausalNetwork, State
from lightning_modules.lm.neural_file import save_token_model
from lightning_modules.lm.predictions import PredictedTexts, gather_texts
from lightning_modules.lm.token_model import TokenModel

MODEL_FILE = "language_model.pt"


class LanguageModelling(pl.LightningModule, ABC):
    """Base of the trained language models.

    ``symbols`` come from the data module. ``adaptive_cutoffs`` chooses the adaptive softmax, for words; ``tied`` shares
    the plain softmax's weights with the embedding. Raises ``ValueError`` for what does not fit.
    """

    def __init__(
        self,
        *,
        symbols: Sequence[str],
        network: CausalNetwork,
        adaptive_cutoffs: Sequence[int] = (),
        tied: bool = False,
        optimizer: OptimizerCallable = lambda params: torch.optim.Adam(params, lr=1e-3),
        scheduler: LRSchedulerCallable | None = None,
    ) -> None:
        super().__init__()
        self.symbols = tuple(symbols)
        self.model = TokenModel(
            num_symbols=len(self.symbols), network=network, adaptive_cutoffs=adaptive_cutoffs, tied=tied
        )
        self._make_optimizer = optimizer
        self._make_scheduler = scheduler
        self._state: State | None = None
        self.validation_loss = MeanMetric()

    def forward(self, tokens_BU: Tensor, num_tokens_B: Tensor) -> Tensor:
        """``log p`` of each token and of the end of padded sentences: (B, U + 1), zeros on padding."""
        return self.model.sentence_log_probs(tokens_BU, num_tokens_B)

    def training_step(self, batch: TextBatch | TextStreamBatch, batch_idx: int) -> Tensor:
        """Mean of ``-log p`` over the batch's targets."""
        loss = self._stream_loss(batch) if isinstance(batch, TextStreamBatch) else self._sentence_loss(batch)
        size = len(batch.tokens_BU)
        self.log("train/loss", loss, on_step=False, on_epoch=True, sync_dist=True, batch_size=size)
        return loss

    def _stream_loss(self, batch: TextStreamBatch) -> Tensor:
        if batch.starts or self._state is None:
            self._state = self.model.network.initial_state(len(batch.tokens_BU))
        hidden_BUH, after = self.model(batch.tokens_BU[:, :-1], self._state)
        self._state = tuple(part.detach() for part in after)
        log_probs_N: Tensor = self.model.head(hidden_BUH.flatten(0, 1), batch.tokens_BU[:, 1:].flatten())
        return -log_probs_N.mean()

    def _sentence_loss(self, batch: TextBatch) -> Tensor:
        log_probs_BT: Tensor = self(batch.tokens_BU, batch.num_tokens_B)
        return -log_probs_BT.sum() / (batch.num_tokens_B + 1).sum()

    def validation_step(self, batch: TextBatch, batch_idx: int) -> None:
        """Gather ``-log p`` by token; exact on several processes, since each sentence is seen once."""
        log_probs_BT = self(batch.tokens_BU, batch.num_tokens_B)
        num_targets = (batch.num_tokens_B + 1).sum()
        self.validation_loss.update(-log_probs_BT.double().sum() / num_targets, weight=num_targets)

    def on_validation_epoch_end(self) -> None:
        """Log ``validation/loss``, the mean ``-log p`` of a token, and ``validation/perplexity``, its exponential."""
        loss = self.validation_loss.compute()
        self.log("validation/loss", loss, prog_bar=True)
        self.log("validation/perplexity", loss.exp(), prog_bar=True)
        self.validation_loss.reset()

    def predict_step(self, batch: TextBatch, batch_idx: int) -> PredictedTexts:
        """Each sentence's log probability, on the CPU."""
        log_probs_B = self(batch.tokens_BU, batch.num_tokens_B).double().sum(1)
        return PredictedTexts(batch.text_ids, log_probs_B.cpu(), batch.num_tokens_B.cpu() + 1)

    def write_predictions(self, batches: Iterable[PredictedTexts], *, clip_ids: Collection[str], path: Path) -> None:
        """Gather what every rank predicted of a split; rank 0 writes ``path`` + ``.npz``. Every rank must call it.

        The model itself goes beside it as ``language_model.pt``, for decoders.
        """
        gathered = gather_texts(batches, text_ids=clip_ids)
        if gathered is not None:
            gathered.save(path.with_name(f"{path.name}.npz"))
            save_token_model(path.parent / MODEL_FILE, self.model, symbols=self.symbols)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The optimiser, and the schedule by epoch where there is one."""
        optimizer = self._make_optimizer(self.parameters())
        if self._make_scheduler is None:
            return optimizer
        scheduler: Any = self._make_scheduler(optimizer)  # Lightning's union has no name for "some schedule"
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "monitor": "validation/loss"}}
