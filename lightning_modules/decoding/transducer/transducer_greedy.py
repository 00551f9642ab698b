"""Greedy decoding of transducers: at each frame the likeliest tokens until the blank is likelier (Graves 2012).

All utterances of a batch walk side by side, each at its own frame; those that are at their end wait. The best path is
not always the best text, whose probability is the sum over its paths (``transducer_beam`` maximises that).
"""

from __future__ import annotations

import torch
from torch import Tensor

from datamodules.annotations import BLANK, Hypothesis
from lightning_modules.decoding.log_posteriors import refuse_others
from lightning_modules.decoding.step_models import State, TransducerModel


@torch.no_grad()
def transducer_greedy(model: TransducerModel, *, max_tokens_per_frame: int = 4) -> list[Hypothesis]:
    """One hypothesis an utterance; ``score`` is the natural log of its path's probability.

    After ``max_tokens_per_frame`` tokens a frame's blank is taken, however likely (it counts). Among equally probable
    symbols the lowest index wins. Raises ``ValueError`` for a cap below 1, and for a model that gives
    NaN or log-probabilities above 0.
    """
    if max_tokens_per_frame < 1:
        raise ValueError(f"max_tokens_per_frame must be 1 or more, got {max_tokens_per_frame}")
    ends_B1 = model.num_frames_B.unsqueeze(1)
    frame_B1, here_B1 = torch.zeros_like(ends_B1), torch.zeros_like(ends_B1)  # tokens at this frame so far
    score_B1 = torch.zeros(ends_B1.shape, dtype=torch.float64, device=ends_B1.device)
    state, path = model.start(), []
    while bool((walks_B1 := frame_B1 < ends_B1).any()):
        log_probs_B1V = model.log_probs(torch.minimum(frame_B1, ends_B1 - 1), state)
        peak_B1, token_B1 = log_probs_B1V.max(dim=-1)
        refuse_others(float(peak_B1.max()), what="the transducer's output")
        blank_B1 = (token_B1 == BLANK) | (here_B1 == max_tokens_per_frame)
        peak_B1 = torch.where(blank_B1, log_probs_B1V[..., BLANK], peak_B1)
        score_B1 += torch.where(walks_B1, peak_B1.double(), 0.0)
        writes_B1 = walks_B1 & ~blank_B1
        path.append((torch.where(writes_B1, token_B1, BLANK), frame_B1))
        if bool(writes_B1.any()):
            state = choose(writes_B1, model.read(token_B1, state), state)
        frame_B1 = frame_B1 + (walks_B1 & blank_B1)
        here_B1 = torch.where(blank_B1, 0, here_B1 + 1)
    return _hypotheses(path, score_B1)


def choose(first_BW: Tensor, first: State, second: State) -> State:
    """Each hypothesis' state out of one of two."""
    return tuple(
        torch.where(first_BW.view(*first_BW.shape, *[1] * (one.dim() - 2)), one, other)
        for one, other in zip(first, second, strict=True)
    )


def _hypotheses(path: list[tuple[Tensor, Tensor]], score_B1: Tensor) -> list[Hypothesis]:
    scores = score_B1.squeeze(1).tolist()
    if not path:
        return [Hypothesis((), score, ()) for score in scores]
    token_BI, frame_BI = (torch.cat(column, dim=1).cpu() for column in zip(*path, strict=True))
    return [
        Hypothesis(tuple(token_I[token_I != BLANK].tolist()), score, tuple(frame_I[token_I != BLANK].tolist()))
        for token_I, frame_I, score in zip(token_BI, frame_BI, scores, strict=True)
    ]
