"""Beam search of attention decoders, B utterances with W hypotheses each at once, alone or with CTC and language model.

Each step the ``beam_size`` best continuations of an utterance's open texts are kept, ends among them; what ended leaves
the beam, the rest is read on (``attention_objective`` says what is maximised). An utterance is done when none of its
open texts can still enter its ``n_best``: by the same score that ranks them, at the most that it could become. Where
scores may rise with length that bound is loose; there an utterance is also done when ``beam_size`` texts have ended
("first come, first served", Kasai et al. 2022, arXiv 2204.05424). At ``max_tokens_B`` tokens a text can only end.
Legend: B utterances, W hypotheses, V symbols, U tokens, K continuations.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from datamodules.annotations import BLANK, Hypothesis
from lightning_modules.decoding.attention.attention_candidates import NOBODY, best_places
from lightning_modules.decoding.attention.attention_objective import Doubles, Objective
from lightning_modules.decoding.ctc.ctc_prefix_scores import CtcPrefixScorer
from lightning_modules.decoding.dropping_done import is_worth_dropping, narrow
from lightning_modules.decoding.language_models.language_model import LanguageModel
from lightning_modules.decoding.log_posteriors import refuse_others
from lightning_modules.decoding.step_models import SpellingModel, pick

Integers = NDArray[np.int64]


@torch.inference_mode()
def attention_beam_search(
    model: SpellingModel,
    *,
    max_tokens_B: Tensor | Integers | Sequence[int],
    beam_size: int,
    n_best: int = 1,
    ctc: CtcPrefixScorer | None = None,
    ctc_weight: float = 0.0,
    language_model: LanguageModel | None = None,
    lm_weight: float = 0.0,
    token_bonus: float = 0.0,
    tags: Collection[int] = (),
    length_normalised: bool,
    end_threshold: float | None,
) -> list[list[Hypothesis]]:
    """Up to ``n_best`` texts an utterance, best first, all different.

    ``max_tokens_B`` is the greatest number of tokens. ``ctc`` is of the same utterances and symbols, ``language_model``
    of the same symbols; both are asked only where they have a weight. ``tags`` are tokens that say a language;
    they are no text and have no ``token_bonus``. With ``end_threshold`` a text may end only where the decoder's
    log p(end) is at least that many times the best other token's (not asked at the greatest length). ``score`` is what
    was maximised, per token where ``length_normalised``; ``ctc_score`` the recogniser's own log probability
    ``(1 − λ) log p_att + λ log p_ctc`` where ``score`` is something else. Where no text has a probability the answer is
    the empty one with score -inf. Raises ``ValueError`` for weights, counts, a CTC or a language model that do not fit,
    and for NaN.
    """
    objective = Objective(ctc_weight, lm_weight, token_bonus, length_normalised, end_threshold)
    limits_B = np.asarray(torch.as_tensor(max_tokens_B).cpu(), np.int64)
    num_utterances = len(model.num_frames_B)
    if limits_B.shape != (num_utterances,) or (limits_B < 0).any():
        raise ValueError(f"max_tokens_B {limits_B.tolist()}, allowed: {num_utterances} numbers of 0 or more")
    if not 1 <= n_best <= beam_size:
        raise ValueError(f"n_best {n_best}, allowed: 1 to beam_size {beam_size}")
    if ctc_weight and (ctc is None or len(ctc.num_frames_B) != num_utterances):
        have = "none" if ctc is None else str(len(ctc.num_frames_B))
        raise ValueError(f"ctc_weight {ctc_weight} with CTC scores of {have}, allowed: of {num_utterances} utterances")
    if lm_weight and language_model is None:
        raise ValueError(f"lm_weight {lm_weight} with no language model, allowed: 0")
    search = _Search(
        model,
        objective,
        [BLANK, *tags],
        limits_B,
        beam_size,
        n_best,
        ctc if ctc_weight else None,
        language_model if lm_weight else None,
    )
    num_tokens = 0
    while search.rows_N.size:
        search.step(num_tokens)
        num_tokens += 1
    return [_ranked(ended, n_best) for ended in search.ended]


def _ranked(ended: list[Hypothesis], n_best: int) -> list[Hypothesis]:
    best = sorted(ended, key=lambda hypothesis: -hypothesis.score)[:n_best]
    return best or [Hypothesis((), -math.inf, ())]


class _Search:
    """The open texts of the utterances that are not done, row by row of the batch (N rows), and all ended texts."""

    def __init__(
        self,
        model: SpellingModel,
        objective: Objective,
        without_bonus: list[int],
        limits_B: Integers,
        beam_size: int,
        n_best: int,
        ctc: CtcPrefixScorer | None,
        language_model: LanguageModel | None,
    ) -> None:
        self.model, self.objective, self.language_model = model, objective, language_model
        self.without_bonus = without_bonus
        self.beam_size, self.n_best = beam_size, n_best
        self.ended: list[list[Hypothesis]] = [[] for _ in limits_B]
        self.rows_N = np.arange(len(limits_B))
        self.limits_N = limits_B
        self.worst_N = np.full(len(limits_B), -np.inf)  # the n_best-th score so far
        self.state = model.start()
        self.ctc = None if ctc is None else (ctc, ctc.start())
        self.tokens_NW = np.full((len(limits_B), 1), BLANK)
        self.is_open_NW = np.ones((len(limits_B), 1), np.bool_)
        self.attention_NW, self.lm_NW = np.zeros((len(limits_B), 1)), np.zeros((len(limits_B), 1))
        self.texts_NWU = np.empty((len(limits_B), 1, 0), np.int64)

    def step(self, num_tokens: int) -> None:
        """Read one more token of each open text, all of ``num_tokens``, and keep the best continuations."""
        device = self.model.num_frames_B.device
        answer_NWV, self.state = self.model.step(torch.from_numpy(self.tokens_NW).to(device), self.state)
        next_NWV = answer_NWV.double().cpu().numpy()
        if np.isnan(next_NWV).any():
            raise ValueError(f"the attention decoder answered NaN after {num_tokens} tokens")
        if next_NWV.size:
            refuse_others(float(next_NWV.max()), what="the attention decoder's answer")
        attention_NWV = self.attention_NW[..., None] + next_NWV
        own_NWV = self.objective.own(attention_NWV, self._ctc(attention_NWV.shape[2]))
        lm_NWV = self._lm(attention_NWV.shape[2])
        total_NWV = own_NWV + self.objective.token_bonus * self._lengths(attention_NWV.shape[2])
        if lm_NWV is not None:
            total_NWV += self.objective.lm_weight * lm_NWV
        must_end_N = self.limits_N <= num_tokens
        total_NWV[~self.is_open_NW] = -np.inf
        total_NWV[..., BLANK][~(self.objective.may_end(next_NWV) | must_end_N[:, None])] = -np.inf
        total_NWV[must_end_N, :, BLANK + 1 :] = -np.inf
        places_NK = best_places(total_NWV.reshape(len(self.rows_N), -1), min(self.beam_size, total_NWV[0].size))
        self._end(places_NK, total_NWV, own_NWV, num_tokens)
        self._go_on(places_NK, attention_NWV, lm_NWV, total_NWV, num_tokens)

    def _lengths(self, num_symbols: int) -> Doubles:
        """How many tokens of all continuations count as text."""
        counts_V = np.ones(num_symbols)
        counts_V[self.without_bonus] = 0.0
        lengths_NWV: Doubles = counts_V[self.texts_NWU].sum(axis=2)[..., None] + counts_V
        return lengths_NWV

    def _ctc(self, num_symbols: int) -> Doubles | None:
        if self.ctc is None:
            return None
        scorer, state = self.ctc
        if scorer.num_symbols != num_symbols:
            raise ValueError(f"CTC scores of {scorer.num_symbols} symbols, allowed: the decoder's {num_symbols}")
        return scorer.log_probs(state)

    def _lm(self, num_symbols: int) -> Doubles | None:
        """The language model's log probability of all continuations, asked once for all open texts."""
        if self.language_model is None:
            return None
        if len(self.language_model.symbols) != num_symbols:
            have = len(self.language_model.symbols)
            raise ValueError(f"a language model of {have} symbols, allowed: the decoder's {num_symbols}")
        lm_NWV = np.zeros((*self.is_open_NW.shape, num_symbols))
        histories = [tuple(text) for text in self.texts_NWU[self.is_open_NW].tolist()]
        lm_NWV[self.is_open_NW] = self.language_model.next_log_probs(histories)
        if np.isnan(lm_NWV).any():
            raise ValueError("the language model answered NaN")
        return self.lm_NW[..., None] + lm_NWV

    def _end(self, places_NK: Integers, total_NWV: Doubles, own_NWV: Doubles, num_tokens: int) -> None:
        """Store the texts that were chosen to end."""
        num_symbols = total_NWV.shape[2]
        for row, k in np.argwhere((places_NK % num_symbols == BLANK) & (places_NK != NOBODY)).tolist():
            w = places_NK[row, k] // num_symbols
            score = float(self.objective.final(total_NWV[row, w, BLANK], num_tokens))
            own = None if self.objective.is_own_log_prob else float(own_NWV[row, w, BLANK])
            ended = self.ended[self.rows_N[row]]
            ended.append(Hypothesis(tuple(self.texts_NWU[row, w].tolist()), score, (), own))
            if len(ended) >= self.n_best:
                self.worst_N[row] = heapq.nlargest(self.n_best, (hypothesis.score for hypothesis in ended))[-1]

    def _go_on(
        self, places_NK: Integers, attention_NWV: Doubles, lm_NWV: Doubles | None, total_NWV: Doubles, num_tokens: int
    ) -> None:
        """Make the texts that were chosen to go on the open ones, but those of utterances that are done."""
        num_symbols = total_NWV.shape[2]
        is_open_NK = (places_NK != NOBODY) & (places_NK % num_symbols != BLANK)
        rows_N1 = np.arange(len(self.rows_N))[:, None]
        parents_NK, tokens_NK = np.where(is_open_NK, places_NK // num_symbols, 0), places_NK % num_symbols
        total_NK = np.where(is_open_NK, total_NWV[rows_N1, parents_NK, tokens_NK], -np.inf)
        is_open_NK &= ~self._is_done(total_NK, num_tokens + 1)[:, None]
        # Open ones to the front, so that the beam is no wider than the fullest utterance.
        order_NW = np.argsort(~is_open_NK, axis=1, kind="stable")[:, : is_open_NK.sum(axis=1).max()]
        self.is_open_NW = is_open_NK[rows_N1, order_NW]
        parents_NW = np.where(self.is_open_NW, parents_NK[rows_N1, order_NW], 0)
        self.tokens_NW = np.where(self.is_open_NW, tokens_NK[rows_N1, order_NW], BLANK)
        self.attention_NW = attention_NWV[rows_N1, parents_NW, self.tokens_NW]
        if lm_NWV is not None:
            self.lm_NW = lm_NWV[rows_N1, parents_NW, self.tokens_NW]
        self.texts_NWU = np.concatenate([self.texts_NWU[rows_N1, parents_NW], self.tokens_NW[..., None]], axis=2)
        if not self.is_open_NW.size:
            self.rows_N = self.rows_N[:0]
            return
        self.state = pick(self.state, torch.from_numpy(parents_NW).to(self.model.num_frames_B.device))
        if self.ctc is not None:
            scorer, state = self.ctc
            self.ctc = scorer, scorer.extend(state, parents_NW, self.tokens_NW)
        self._drop_done()

    def _is_done(self, total_NK: Doubles, num_tokens: int) -> NDArray[np.bool_]:
        """Which utterances need no further step, given the scores of their texts of ``num_tokens`` (-inf: none)."""
        most_N = self.objective.most(total_NK, num_tokens, self.limits_N).max(axis=1)
        is_done_N: NDArray[np.bool_] = most_N <= self.worst_N
        if self.objective.may_rise:
            is_done_N |= np.array([len(self.ended[row]) >= self.beam_size for row in self.rows_N.tolist()], np.bool_)
        return is_done_N

    def _drop_done(self) -> None:
        kept = np.flatnonzero(self.is_open_NW.any(axis=1))
        if not is_worth_dropping(self.model, num_open=len(kept), num_rows=len(self.rows_N)):
            return
        kept_on_device = torch.from_numpy(kept).to(self.model.num_frames_B.device)
        self.model, self.state = narrow(self.model, self.state, kept_on_device)
        if self.ctc is not None:
            scorer, state = self.ctc
            self.ctc = scorer.rows(kept), state.rows(kept)
        self.rows_N, self.limits_N, self.worst_N = self.rows_N[kept], self.limits_N[kept], self.worst_N[kept]
        self.tokens_NW, self.is_open_NW = self.tokens_NW[kept], self.is_open_NW[kept]
        self.attention_NW, self.lm_NW, self.texts_NWU = self.attention_NW[kept], self.lm_NW[kept], self.texts_NWU[kept]
