"""CTC speech recognition: log-mel -> encoder -> one linear layer -> a distribution over symbols and blank each frame.

Trained on ``-log P(Y | X)`` (Graves et al. 2006; Graves & Jaitly 2014). Validation decodes greedily; what stays of a
run is its posteriors, which every decoder of the ladder reads.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from torch import Tensor, nn

from datamodules.annotations import Hypothesis
from datamodules.batches import UtteranceBatch
from lightning_modules.asr.ctc.ctc_output import CtcOutput, Posteriors
from lightning_modules.asr.gathering import GatheredFrames
from lightning_modules.asr.predictions import FramePredictions, PosteriorPredictions
from lightning_modules.asr.recogniser import Encoded
from lightning_modules.decoding.ctc.greedy import greedy


class CTC(CtcOutput):
    """The recogniser."""

    def forward(self, waveforms_BS: Tensor, num_samples_B: Tensor) -> Posteriors:
        """Waveforms -> posteriors."""
        return self.posteriors(self.encode(waveforms_BS, num_samples_B))

    def loss(self, encoded: Encoded, batch: UtteranceBatch) -> Tensor:
        """``-log P(Y | X)``."""
        return self.ctc_loss(encoded, batch)

    def greedy(self, encoded: Encoded) -> list[Hypothesis]:
        """The best path."""
        return greedy(*self.posteriors(encoded))

    def frames(self, encoded: Encoded) -> tuple[Tensor, ...]:
        """The posteriors."""
        return (self.posteriors(encoded).log_probs_BTV,)

    def stored(self, gathered: GatheredFrames) -> Sequence[FramePredictions]:
        """The posteriors."""
        return (PosteriorPredictions(log_probs_FV=gathered.frames[0], **self._facts(gathered)),)

    def parameter_groups(self) -> Mapping[str, Sequence[nn.Module]]:
        """``encoder`` (features included) and ``outputs``."""
        return {"encoder": (self.features, self.encoder), "outputs": (self.classifier,)}

    def symbol_parameters(self) -> Collection[str]:
        """See ``Recogniser``."""
        return ("classifier.weight", "classifier.bias")
