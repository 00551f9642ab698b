"""Encoder-decoder recognition: an encoder hears, a speller writes token by token, an attention context between them.

With ``SummaryContext`` it is the RNN encoder-decoder with one summary vector (Cho et al. 2014), with
``ContentAttention`` Bahdanau et al. 2014 and with ``LocationAttention`` Chorowski et al. 2015, nothing else changed.
Trained on ``-log P(Y | X) = -Σ_t log p(y_t | y_<t, X)`` with the true tokens as input (teacher forcing), the text's end
included.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torchmetrics import MeanMetric

from datamodules.annotations import Hypothesis
from datamodules.batches import UtteranceBatch
from lightning_modules.asr.attention.attention_recogniser import spell_greedily
from lightning_modules.asr.attention.stored_decoder import core_arguments, save_speller
from lightning_modules.asr.recogniser import Encoded, Recogniser
from lightning_modules.layers.speller import Speller, SpellerSettings
from lightning_modules.losses.guided_attention import guided_attention_loss
from lightning_modules.losses.label_smoothing import spelled_tokens, spelling_loss


class EncoderDecoder(Recogniser):
    """The recogniser; the context is computed before the decoder's step.

    ``label_smoothing`` is the share of the uniform distribution in training's targets. ``sampling_rate`` is the share
    of a text's tokens that are read as the model would have written them (scheduled sampling), from epoch
    ``sampling_from_epoch`` on: what a decoder draws before it has learnt to attend is noise. ``guidance`` is the weight
    of the penalty on looking far from the diagonal in the first ``guided_epochs`` (``losses.guided_attention``).
    ``validation/token_accuracy`` is the share of tokens, ends included, that it has right where it is told the true
    ones before, ESPnet's ``valid/acc``: tables monitor it, since error rates of greedy spelling prefer the first epochs
    of a network that does not attend yet, whose texts run on in all others (CONTRIBUTING.md).
    Raises ``ValueError`` for a rate or share outside 0 and 1, for a guidance below 0 or one without epochs, and for a
    guidance of a context that has no weights.
    """

    attend_first = True

    def __init__(
        self,
        *,
        speller: SpellerSettings,
        label_smoothing: float = 0.0,
        sampling_rate: float = 0.0,
        sampling_from_epoch: int = 0,
        guidance: float = 0.0,
        guided_epochs: int = 0,
        **shared: Any,
    ) -> None:
        super().__init__(**shared)
        if not (0 <= label_smoothing < 1 and 0 <= sampling_rate <= 1):
            raise ValueError(
                f"label_smoothing {label_smoothing} must lie within 0 and 1, 1 left out, "
                f"and sampling_rate {sampling_rate} within 0 and 1"
            )
        if not (guidance >= 0 and guided_epochs >= 0) or (guidance > 0) != (guided_epochs > 0):
            raise ValueError(
                f"guidance {guidance} and guided_epochs {guided_epochs} must both be 0, or both be above 0"
            )
        self.speller = Speller(
            num_symbols=len(self.symbols),
            num_encoded=self.encoder.num_outputs,
            settings=speller,
            attend_first=self.attend_first,
        )
        if guidance and not self.speller.core.attention.has_weights:
            raise ValueError(f"guidance {guidance}: a {type(self.speller.core.attention).__name__} attends to nothing")
        core_arguments(self.speller.core)  # raises now, not after the training, for what can't be stored
        self.label_smoothing = label_smoothing
        self.sampling_rate = sampling_rate
        self.sampling_from_epoch = sampling_from_epoch
        self.guidance = guidance
        self.guided_epochs = guided_epochs
        self.token_accuracy = MeanMetric()

    def loss(self, encoded: Encoded, batch: UtteranceBatch) -> Tensor:
        """``-log P(Y | X)``; smoothed, and on sampled inputs, while training. In validation tokens are counted, too."""
        samples = self.training and self.current_epoch >= self.sampling_from_epoch
        memory = self.speller.memory(encoded.hidden_BTH, encoded.num_frames_B)
        spelled = self.speller(batch.tokens_BU, memory, sampling_rate=self.sampling_rate if samples else 0.0)
        smoothing = self.label_smoothing if self.training else 0.0
        loss_B = spelling_loss(spelled.log_probs_BUV, batch.tokens_BU, batch.num_tokens_B, smoothing=smoothing)
        if not self.training:
            tokens_BU, counts_BU = spelled_tokens(batch.tokens_BU, batch.num_tokens_B)
            right_BU = spelled.log_probs_BUV.argmax(2) == tokens_BU
            self.token_accuracy.update(right_BU.float(), weight=counts_BU.float())
        if self.training and self.guidance and self.current_epoch < self.guided_epochs:
            far_B = guided_attention_loss(spelled.weights_BUT, encoded.num_frames_B, batch.num_tokens_B)
            loss_B = loss_B + self.guidance * far_B
        return loss_B

    def on_validation_epoch_end(self) -> None:
        """Log ``validation/token_accuracy`` beside loss and error rates."""
        super().on_validation_epoch_end()
        self.log("validation/token_accuracy", self.token_accuracy.compute())
        self.token_accuracy.reset()

    def greedy(self, encoded: Encoded) -> list[Hypothesis]:
        """The likeliest token at each step."""
        return spell_greedily(self.speller, *encoded, hop_seconds=self.hop_seconds)

    def save_decoder(self, folder: Path) -> None:
        """Store the speller."""
        save_speller(folder, self.speller, symbols=self.symbols)

    def parameter_groups(self) -> Mapping[str, Sequence[nn.Module]]:
        """``encoder`` (features included), ``decoder`` (attention, recurrence, embeddings) and ``outputs``."""
        return {
            "encoder": (self.features, self.encoder),
            "decoder": (self.speller.core, self.speller.readout),
            "outputs": (self.speller.classifier,),
        }

    def symbol_parameters(self) -> Collection[str]:
        """See ``Recogniser``."""
        return ("speller.core.embedding.weight", "speller.classifier.weight", "speller.classifier.bias")
