"""Beam search of transducers by alignment length (Saon, Tüske & Audhkhasi, ICASSP 2020), batched.

Step i extends hypotheses that took i = t + u decisions, t blanks and u tokens, by one more: so all of a beam are as
long, and equal texts are at the same frame and become one by adding their probabilities. A beam that holds every text
therefore gives each its exact probability. With a language model the search maximises
``log p(y|x) + lm_weight·log p_lm(y, end) + token_bonus·|y|``. Differs from the paper: a text whose last frame is read
leaves the beam at once and takes no place in it, and the search ends when nothing in it can win any more.
Legend beside that of ``step_models``: C candidates of an utterance, N best of it, U places for tokens.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from datamodules.annotations import BLANK, Hypothesis
from lightning_modules.decoding.language_models.language_model import LanguageModel
from lightning_modules.decoding.language_models.token_fusion import TokenFusion
from lightning_modules.decoding.log_posteriors import refuse_others
from lightning_modules.decoding.step_models import State, TransducerModel, pick
from lightning_modules.decoding.transducer.transducer_greedy import choose

IMPOSSIBLE = -math.inf


@torch.no_grad()
def transducer_beam_search(
    model: TransducerModel,
    *,
    beam_size: int,
    language_model: LanguageModel | None = None,
    lm_weight: float = 0.5,
    token_bonus: float = 0.0,
    tags: Collection[int] = (),
    n_best: int = 1,
    max_tokens_per_frame: float = 2.0,
) -> list[list[Hypothesis]]:
    """Up to ``n_best`` hypotheses of each utterance, best first.

    A text has at most ``max_tokens_per_frame`` tokens a frame on average, rounded up. ``language_model`` has the
    recogniser's tokens and probabilities of at most 1; its probability of the sentence's end counts too. ``tags`` are
    tokens that say a language; they are no text and have no ``token_bonus``. ``score`` is what was maximised,
    ``ctc_score`` the transducer's own log probability where a language model took part; ``frames`` are the tokens'
    frames on the best alignment that was met. Where nothing has a probability, the answer is the empty hypothesis with
    score -inf. Results do not depend on the batch. Raises ``ValueError`` for settings, utterances
    without frames or a language model that do not fit, and for a model that gives NaN or log-probabilities above 0.
    """
    _check(model, beam_size=beam_size, n_best=n_best, lm_weight=lm_weight, max_tokens_per_frame=max_tokens_per_frame)
    fusion = TokenFusion(language_model, lm_weight=lm_weight, token_bonus=token_bonus, tags=tags)
    limits_B = (model.num_frames_B * max_tokens_per_frame).ceil().long()
    beam = _start(model, fusion, max_tokens=int(limits_B.max()))
    best = _nothing(beam, n_best)
    for step in range(int((model.num_frames_B + limits_B).max())):
        candidates, ended = _extend(model, beam, step, limits_B)
        best = _best(best, ended)
        beam = _next_beam(model, fusion, beam, candidates, step, beam_size)
        # Descendants share their ancestors' probability, and a language model only lowers it.
        ahead_B = torch.logsumexp(beam.log_prob_BW + beam.extra_BW, dim=1)
        ahead_B += max(token_bonus, 0.0) * (limits_B - beam.num_tokens_BW.min(dim=1).values)
        lost_B = best.fused_BN[:, -1] >= ahead_B
        if bool(lost_B.all()):
            break
        beam = replace(beam, log_prob_BW=beam.log_prob_BW.masked_fill(lost_B.unsqueeze(1), IMPOSSIBLE))
    return _hypotheses(best, with_language_model=language_model is not None)


@dataclass(frozen=True)
class _Beam:
    """W hypotheses of each utterance; those of log probability -inf are none."""

    log_prob_BW: Tensor  # float64, the transducer's, all alignments met
    path_BW: Tensor  # the best alignment's
    extra_BW: Tensor  # language model and bonus, weighted
    num_tokens_BW: Tensor
    tokens_BWU: Tensor
    frames_BWU: Tensor
    extra_BWV: Tensor  # what the next token would add to ``extra``; column 0: the end
    state: State


class _Candidates(NamedTuple):
    """What each hypothesis can become: column 0 by its blank (equal texts already added), the others by a token."""

    log_prob_BWV: Tensor
    path_BWV: Tensor
    frames_BWU: Tensor  # of column 0


class _Ended(NamedTuple):
    """Texts whose last frame is read."""

    fused_BN: Tensor
    log_prob_BN: Tensor
    num_tokens_BN: Tensor
    tokens_BNU: Tensor
    frames_BNU: Tensor


def _start(model: TransducerModel, fusion: TokenFusion, *, max_tokens: int) -> _Beam:
    num_frames_B = model.num_frames_B
    zeros_B1 = torch.zeros(len(num_frames_B), 1, dtype=torch.float64, device=num_frames_B.device)
    counts_B1 = zeros_B1.long()
    none_B1U = counts_B1.unsqueeze(-1).repeat(1, 1, max_tokens)
    state = model.start()
    num_symbols = model.log_probs(counts_B1, state).shape[-1]
    extra_B1V = fusion.first_extra(num_symbols).to(zeros_B1.device).repeat(*zeros_B1.shape, 1)
    extra_B1V = fusion.renewed(extra_B1V, none_B1U, counts_B1, zeros_B1 == 0)
    return _Beam(zeros_B1, zeros_B1, zeros_B1, counts_B1, none_B1U, none_B1U, extra_B1V, state)


def _extend(model: TransducerModel, beam: _Beam, step: int, limits_B: Tensor) -> tuple[_Candidates, _Ended]:
    """Every blank and token after step ``step``, and the texts that the blank of the last frame ends."""
    frame_BW, last_B1 = step - beam.num_tokens_BW, model.num_frames_B.unsqueeze(1) - 1
    own_BWV = model.log_probs(torch.minimum(frame_BW.clamp(min=0), last_B1), beam.state).double()
    refuse_others(float(own_BWV.max()), what="the transducer's output")
    own_BWV[..., 1:].masked_fill_((beam.num_tokens_BW >= limits_B.unsqueeze(1)).unsqueeze(-1), IMPOSSIBLE)
    log_prob_BWV, path_BWV = own_BWV + beam.log_prob_BW.unsqueeze(-1), own_BWV + beam.path_BW.unsqueeze(-1)
    ends_BW = frame_BW == last_B1
    log_prob_BW = log_prob_BWV[..., BLANK].masked_fill(~ends_BW, IMPOSSIBLE)
    fused_BW = log_prob_BW + beam.extra_BW + beam.extra_BWV[..., BLANK]
    ended = _Ended(fused_BW, log_prob_BW, beam.num_tokens_BW, beam.tokens_BWU, beam.frames_BWU)
    log_prob_BWV[..., BLANK].masked_fill_(ends_BW, IMPOSSIBLE)
    path_BWV[..., BLANK].masked_fill_(ends_BW, IMPOSSIBLE)
    return _merged(beam, log_prob_BWV, path_BWV, frame_BW), ended


def _merged(beam: _Beam, log_prob_BWV: Tensor, path_BWV: Tensor, frame_BW: Tensor) -> _Candidates:
    """A text that is reached both by a blank from itself and by its last token is one candidate, the blank's."""
    last_BW1 = (beam.num_tokens_BW - 1).clamp(min=0).unsqueeze(-1)
    token_BW1 = beam.tokens_BWU.gather(-1, last_BW1)
    shorter_BWU = beam.tokens_BWU.scatter(-1, last_BW1, BLANK)
    alive_BW = beam.log_prob_BW > IMPOSSIBLE
    longest = int(beam.num_tokens_BW.max())
    equal_BWW = (shorter_BWU[:, :, None, :longest] == beam.tokens_BWU[:, None, :, :longest]).all(-1)
    equal_BWW &= alive_BW.unsqueeze(1) & (alive_BW & (beam.num_tokens_BW > 0)).unsqueeze(2)
    both_BW, parent_BW = equal_BWW.max(dim=-1)
    rows_BW = torch.arange(len(parent_BW), device=parent_BW.device).unsqueeze(1).expand_as(parent_BW)
    place = rows_BW, parent_BW, token_BW1.squeeze(-1)
    arrived_BW, arrived_path_BW = (
        values_BWV[place].masked_fill(~both_BW, IMPOSSIBLE) for values_BWV in (log_prob_BWV, path_BWV)
    )
    by_token_BWU = beam.frames_BWU[rows_BW, parent_BW].scatter(-1, last_BW1, frame_BW[rows_BW, parent_BW].unsqueeze(-1))
    better_BW1 = (arrived_path_BW > path_BWV[..., BLANK]).unsqueeze(-1)
    frames_BWU = torch.where(better_BW1, by_token_BWU, beam.frames_BWU)
    for values_BWV in (log_prob_BWV, path_BWV):
        values_BWV[tuple(index_BW[both_BW] for index_BW in place)] = IMPOSSIBLE
    log_prob_BWV[..., BLANK] = torch.logaddexp(log_prob_BWV[..., BLANK], arrived_BW)
    path_BWV[..., BLANK] = torch.maximum(path_BWV[..., BLANK], arrived_path_BW)
    return _Candidates(log_prob_BWV, path_BWV, frames_BWU)


def _next_beam(
    model: TransducerModel, fusion: TokenFusion, beam: _Beam, candidates: _Candidates, step: int, beam_size: int
) -> _Beam:
    """The best candidates, their texts read."""
    extra_BWV = beam.extra_BW.unsqueeze(-1) + beam.extra_BWV
    extra_BWV[..., BLANK] = beam.extra_BW
    fused_BC = (candidates.log_prob_BWV + extra_BWV).flatten(1)
    fused_BW, chosen_BW = fused_BC.topk(min(beam_size, fused_BC.shape[1]), dim=1)
    num_symbols = extra_BWV.shape[-1]
    parent_BW, token_BW = chosen_BW // num_symbols, chosen_BW % num_symbols
    writes_BW = (token_BW != BLANK) & (fused_BW > IMPOSSIBLE)
    num_tokens_BW, tokens_BWU, before_BWU, frames_BWU, extra_next_BWV, *state = pick(
        (
            beam.num_tokens_BW, beam.tokens_BWU, beam.frames_BWU, candidates.frames_BWU, beam.extra_BWV, *beam.state
        ),
        parent_BW,
    )  # fmt: skip
    place_BW1 = num_tokens_BW.clamp(max=tokens_BWU.shape[-1] - 1).unsqueeze(-1)  # the clamped ones do not write
    written_BWU = tokens_BWU.scatter(-1, place_BW1, token_BW.unsqueeze(-1))
    heard_BWU = before_BWU.scatter(-1, place_BW1, (step - num_tokens_BW).unsqueeze(-1))
    writes_BW1 = writes_BW.unsqueeze(-1)
    after = choose(writes_BW, model.read(token_BW, tuple(state)), tuple(state))
    log_prob_BW = (
        candidates.log_prob_BWV.flatten(1).gather(1, chosen_BW).masked_fill(fused_BW == IMPOSSIBLE, IMPOSSIBLE)
    )
    tokens_BWU = torch.where(writes_BW1, written_BWU, tokens_BWU)
    num_tokens_BW = num_tokens_BW + writes_BW
    return _Beam(
        log_prob_BW=log_prob_BW,
        path_BW=candidates.path_BWV.flatten(1).gather(1, chosen_BW),
        extra_BW=extra_BWV.flatten(1).gather(1, chosen_BW),
        num_tokens_BW=num_tokens_BW,
        tokens_BWU=tokens_BWU,
        frames_BWU=torch.where(writes_BW1, heard_BWU, frames_BWU),
        extra_BWV=fusion.renewed(extra_next_BWV, tokens_BWU, num_tokens_BW, writes_BW),
        state=after,
    )


def _nothing(beam: _Beam, n_best: int) -> _Ended:
    """``n_best`` places for what ends, the empty text with no probability in each."""
    impossible_BN = torch.full_like(beam.log_prob_BW, IMPOSSIBLE).repeat(1, n_best)
    none_BNU = beam.tokens_BWU.repeat(1, n_best, 1)
    return _Ended(impossible_BN, impossible_BN, impossible_BN.new_zeros(impossible_BN.shape).long(), none_BNU, none_BNU)


def _best(best: _Ended, ended: _Ended) -> _Ended:
    """As many as ``best`` has out of both."""
    if bool((ended.fused_BN == IMPOSSIBLE).all()):
        return best
    fused_BN = torch.cat([best.fused_BN, ended.fused_BN], dim=1)
    chosen_BN = fused_BN.topk(best.fused_BN.shape[1], dim=1).indices
    both = tuple(torch.cat(pair, dim=1) for pair in zip(best, ended, strict=True))
    return _Ended(*pick(both, chosen_BN))


def _hypotheses(best: _Ended, *, with_language_model: bool) -> list[list[Hypothesis]]:
    lists = []
    for fused_N, log_prob_N, num_tokens_N, tokens_NU, frames_NU in zip(*(part.tolist() for part in best), strict=True):
        row = [
            Hypothesis(tuple(tokens_U[:count]), fused, tuple(frames_U[:count]), own if with_language_model else None)
            for fused, own, count, tokens_U, frames_U in zip(
                fused_N, log_prob_N, num_tokens_N, tokens_NU, frames_NU, strict=True
            )
        ]
        lists.append([hypothesis for hypothesis in row if hypothesis.score > IMPOSSIBLE] or row[:1])
    return lists


def _check(
    model: TransducerModel, *, beam_size: int, n_best: int, lm_weight: float, max_tokens_per_frame: float
) -> None:
    if beam_size < 1 or n_best < 1:
        raise ValueError(f"beam_size {beam_size} and n_best {n_best}, allowed: 1 or more")
    if not (lm_weight >= 0 and max_tokens_per_frame > 0):
        raise ValueError(
            f"lm_weight {lm_weight} and max_tokens_per_frame {max_tokens_per_frame}, allowed: 0 or more, and above 0"
        )
    if bool((model.num_frames_B < 1).any()):
        raise ValueError(f"num_frames_B {model.num_frames_B.tolist()}, allowed: 1 or more")
