"""The likeliest next token, again and again, of an attention decoder: what ``attention_beam`` finds with a beam of 1.

All utterances of a batch go in step; what they read stays on the model's device.
Legend: B utterances, N of them that are still in the batch, V symbols, U steps.
"""

from __future__ import annotations

import torch
from torch import Tensor

from datamodules.annotations import BLANK, Hypothesis
from lightning_modules.decoding.dropping_done import is_worth_dropping, narrow
from lightning_modules.decoding.log_posteriors import refuse_others
from lightning_modules.decoding.step_models import SpellingModel


@torch.inference_mode()
def attention_greedy(model: SpellingModel, *, max_tokens_B: Tensor) -> list[Hypothesis]:
    """One hypothesis an utterance; ``score`` is the natural log of its probability, its end included.

    A text of ``max_tokens_B`` tokens is ended there, whatever the model would go on with. Among equally probable tokens
    the lowest wins. ``frames`` is empty: an attention decoder emits at no frame. Raises ``ValueError`` for NaN and
    for log-probabilities above 0.
    """
    device = model.num_frames_B.device
    limits_N = max_tokens_B.to(device)
    rows_N = torch.arange(len(limits_N), device=device)
    score_B = torch.zeros(len(limits_N), dtype=torch.float64, device=device)
    num_steps = int(limits_N.max()) + 1 if len(limits_N) else 0
    tokens_BU = torch.full((len(limits_N), num_steps), BLANK, device=device)
    open_N = torch.ones_like(rows_N, dtype=torch.bool)
    state, token_N = model.start(), torch.full_like(rows_N, BLANK)
    for step in range(num_steps):
        log_probs_N1V, state = model.step(token_N.unsqueeze(1), state)
        log_probs_NV = log_probs_N1V.squeeze(1)
        best_N, token_N = log_probs_NV.max(dim=-1)  # the first of equal ones
        refuse_others(float(best_N.nan_to_num(nan=0.0).max()), what="the attention decoder's answer")  # NaN: at the end
        at_limit_N = limits_N <= step
        score_B[rows_N] += torch.where(at_limit_N, log_probs_NV[:, BLANK], best_N).double() * open_N
        token_N = token_N.masked_fill(at_limit_N | ~open_N, BLANK)
        tokens_BU[rows_N, step] = token_N
        open_N = token_N != BLANK
        num_open = int(open_N.sum())
        if not num_open:
            break
        if is_worth_dropping(model, num_open=num_open, num_rows=len(rows_N)):
            [kept] = open_N.nonzero(as_tuple=True)
            model, state = narrow(model, state, kept)
            rows_N, limits_N, token_N, open_N = rows_N[kept], limits_N[kept], token_N[kept], open_N[kept]
    return _hypotheses(tokens_BU.tolist(), score_B)


def _hypotheses(texts: list[list[int]], score_B: Tensor) -> list[Hypothesis]:
    if score_B.isnan().any():
        raise ValueError(
            f"the attention decoder answered NaN for row {int(score_B.isnan().int().argmax())} of the batch"
        )
    ended = [tuple(text[: text.index(BLANK)]) for text in texts]
    return [Hypothesis(tokens, score, ()) for tokens, score in zip(ended, score_B.tolist(), strict=True)]
