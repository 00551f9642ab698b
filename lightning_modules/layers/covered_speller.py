"""A speller that pays for hearing again what it has heard, as beam search asks it.

``log p(y_u) − κ (over_u − over_{u−1})`` with ``over_u = Σ_t max(Σ_{v≤u} α_vt − τ, 0)``: the attention that all steps so
far have given a frame beyond ``τ`` tokens' worth, over all frames. Summed over a text, end included, that is
``log p(y|x) − κ over``: the coverage penalty of Gehrmann et al. (2018, arXiv 1808.10792), with τ = 1. (Chorowski &
Jaitly 2016, arXiv 1612.02695, reward frames that were heard instead.) No step can raise a score, which
``attention_objective`` relies on. Legend as in ``attention.py``.
"""

from __future__ import annotations

from torch import Tensor, nn

from lightning_modules.layers.attention import Memory
from lightning_modules.layers.causal import State
from lightning_modules.layers.speller import Speller


class CoveredSpeller(Speller):
    """A trained speller's own layers; ``weight`` κ may be set between searches.

    A state is the speller's, and behind it, from the first step on, the attention (B, W, T) that frames have had.

    Args:
        speller: the trained one.
        limit: τ, how many tokens a frame may be heard for at no cost.
        weight: κ, nats for each token's worth of attention beyond it.

    Raises:
        ValueError: it does not attend to frames; a limit or a weight below 0.

    """

    def __init__(self, speller: Speller, *, limit: float, weight: float = 0.0) -> None:
        nn.Module.__init__(self)
        if not speller.core.attention.has_weights:
            name = type(speller.core.attention).__name__
            raise ValueError(f"coverage of {name}, which attends to no frames; allowed: by content or location")
        if not (limit >= 0 and weight >= 0):
            raise ValueError(f"coverage limit {limit} and weight {weight}, allowed: 0 or more")
        self.core, self.readout, self.classifier = speller.core, speller.readout, speller.classifier
        self.limit, self.weight = limit, weight
        self._num_own = 2 + len(speller.core.recurrent.initial_state(1))  # of a state: context, weights, recurrent

    def step(self, tokens_BW: Tensor, state: State, memory: Memory) -> tuple[Tensor, State]:
        """See ``Speller.step``; the answer is no distribution, all tokens of a step pay the same."""
        own, before = state[: self._num_own], state[self._num_own :]
        log_probs_BWV, own = super().step(tokens_BW, own, memory)
        weights_BWT = own[1]
        heard_BWT = before[0] + weights_BWT if before else weights_BWT
        over_BW = self._over(heard_BWT) - (self._over(before[0]) if before else 0.0)
        return log_probs_BWV - self.weight * over_BW.unsqueeze(-1), (*own, heard_BWT)

    def _over(self, heard_BWT: Tensor) -> Tensor:
        return (heard_BWT - self.limit).clamp(min=0).sum(-1)
