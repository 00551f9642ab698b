"""What beam search of an attention model maximises, and how far an open hypothesis can still rise.

``(1 − λ) log p_att(y) + λ log p_ctc(y) + γ log p_lm(y) + token_bonus · |y|`` (Watanabe et al. 2017, arXiv 1706.02737;
Hori et al. 2017), each term with the text's end; while a text is open p_ctc is that of all texts that begin with it.
``|y|`` counts no tag of a language, which is no text. Divided by the number of tokens, tags and the end among them,
where ``length_normalised``. A term of weight 0 has no say, even where it gives no probability at all.
Legend: B utterances, W hypotheses, V symbols.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import BLANK

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Objective:
    """The weights. Raises ``ValueError`` for those that cannot be."""

    ctc_weight: float
    lm_weight: float
    token_bonus: float
    length_normalised: bool
    end_threshold: float | None

    def __post_init__(self) -> None:
        if not 0 <= self.ctc_weight <= 1:
            raise ValueError(f"ctc_weight {self.ctc_weight}, allowed: 0 to 1")
        if not 0 <= self.lm_weight < math.inf:
            raise ValueError(f"lm_weight {self.lm_weight}, allowed: 0 or more")
        if not math.isfinite(self.token_bonus):
            raise ValueError(f"token_bonus {self.token_bonus}, allowed: a finite number")
        if self.end_threshold is not None and not 1 <= self.end_threshold < math.inf:
            raise ValueError(f"end_threshold {self.end_threshold}, allowed: 1 or more, or None")

    @property
    def is_own_log_prob(self) -> bool:
        """Whether a score is the recogniser's own log probability and nothing else."""
        return not (self.lm_weight or self.token_bonus or self.length_normalised)

    @property
    def may_rise(self) -> bool:
        """Whether a text's score may be above that of its beginning."""
        return self.length_normalised or self.token_bonus > 0

    def own(self, attention: Doubles, ctc: Doubles | None) -> Doubles:
        """The recogniser's part. ``ctc`` is not None where it has a weight."""
        if not self.ctc_weight:
            return attention
        assert ctc is not None
        weighted = self.ctc_weight * ctc
        return weighted if self.ctc_weight == 1 else weighted + (1 - self.ctc_weight) * attention

    def final(self, total: Doubles, num_tokens: int) -> Doubles:
        """The score of ended texts whose terms sum to ``total``."""
        return total / (num_tokens + 1) if self.length_normalised else total

    def most(self, total_BW: Doubles, num_tokens: int, max_tokens_B: NDArray[np.int64]) -> Doubles:
        """The highest score that open texts, all of ``num_tokens``, can end with: no term but the bonus can rise.

        That is reached at once or at the greatest length, since ``(S + b·k) / (n + k)`` is monotonic in k.
        """
        more_B1 = np.maximum(max_tokens_B - num_tokens, 0)[:, None]
        latest_BW = total_BW + max(self.token_bonus, 0.0) * more_B1
        if self.length_normalised:
            latest_BW = np.maximum(latest_BW / (num_tokens + 1 + more_B1), total_BW / (num_tokens + 1))
        return latest_BW

    def may_end(self, attention_BWV: Doubles) -> NDArray[np.bool_]:
        """Whether log p(end) is at least ``end_threshold`` times that of the best other token: (B, W).

        Against early ends and against loops (Hannun et al. 2019, arXiv 1904.02619). The end is not measured against
        itself: an end that is the likeliest of all may always be chosen, a certain one (log p 0) too.
        """
        if self.end_threshold is None:
            return np.ones(attention_BWV.shape[:2], np.bool_)
        others_BW = attention_BWV[..., BLANK + 1 :].max(axis=-1, initial=-np.inf)
        allowed: NDArray[np.bool_] = attention_BWV[..., BLANK] >= self.end_threshold * others_BW
        return allowed
