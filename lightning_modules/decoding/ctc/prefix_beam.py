"""Prefix beam search: sums the alignments of each prefix, frame by frame, and keeps the best ``beam_size`` prefixes.

With the forward variables of a prefix (paths that end in a blank, in its last token; Graves 2006) equal prefixes are
one entry of the beam, whatever path led there (Hannun 2014, arXiv 1408.2873, algorithm 1). With a language model the
search maximises ``log p_ctc + lm_weight·log p_lm + word_bonus·|words| + log_word_bonus·log|words|``; Hannun's and
Maas' (2015) own form ``|W|^β`` is ``log_word_bonus=β``. Differs from the papers: plain probabilities, scaled by powers
of two, for logarithms, and no pruning at all but the beam (``beam_steps`` says how it is fast nevertheless).
Legend: B utterances, T frames, V symbols.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any, Literal, TypedDict, Unpack, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from datamodules.annotations import BLANK, Hypothesis
from lightning_modules.decoding.ctc.beam import LOG_SCALE, SLOTS, empty_beam, spell
from lightning_modules.decoding.ctc.beam_steps import no_candidates, run
from lightning_modules.decoding.ctc.fusing import AnyLanguageModel, fuse
from lightning_modules.decoding.ctc.fusion import GIVEN, NOTHING, Fusion
from lightning_modules.decoding.ctc.hotwords import Hotwords
from lightning_modules.decoding.ctc.labelling import align
from lightning_modules.decoding.ctc.rows_by_history import RowsByHistory
from lightning_modules.decoding.language_models.word_ngram import WordNgram
from lightning_modules.decoding.log_posteriors import as_floats, refuse_others

Numbers = NDArray[np.floating] | Tensor
Lengths = NDArray[np.integer] | Tensor | Sequence[int]
Each = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]  # the builtin map, or a thread pool's


class BeamOptions(TypedDict, total=False):
    """The optional keywords of ``prefix_beam_search`` but ``n_best``, for type checkers."""

    blank: int
    language_model: AnyLanguageModel | None
    lm_weight: float
    word_bonus: float
    log_word_bonus: float
    space: int | None
    hotwords: Hotwords | None
    hotword_bonus: float
    num_threads: int | None


@overload
def prefix_beam_search(  # type: ignore[overload-overlap]  # 1 is an int too
    log_probs_BTV: Numbers,
    num_frames_B: Lengths,
    *,
    beam_size: int,
    n_best: Literal[1] = 1,
    **options: Unpack[BeamOptions],
) -> list[Hypothesis]: ...
@overload
def prefix_beam_search(
    log_probs_BTV: Numbers, num_frames_B: Lengths, *, beam_size: int, n_best: int, **options: Unpack[BeamOptions]
) -> list[list[Hypothesis]]: ...
def prefix_beam_search(
    log_probs_BTV: Numbers,
    num_frames_B: Lengths,
    *,
    beam_size: int,
    blank: int = BLANK,
    language_model: AnyLanguageModel | None = None,
    lm_weight: float = 0.5,
    word_bonus: float = 0.0,
    log_word_bonus: float = 0.0,
    space: int | None = None,
    hotwords: Hotwords | None = None,
    hotword_bonus: float = 0.0,
    n_best: int = 1,
    num_threads: int | None = None,
) -> list[Hypothesis] | list[list[Hypothesis]]:
    """One hypothesis an utterance, or where ``n_best`` > 1 a list of up to so many, best first.

    ``log_probs_BTV`` are natural-log posteriors; frames from ``num_frames_B`` on are not looked at. ``language_model``:
    an ``NgramLanguageModel`` of the recogniser's tokens, a ``WordNgram``, or any ``LanguageModel`` of the same symbols
    (where ``blank`` is not 0, its ids are 0 for the boundary and from 1 on the other tokens in their order); its
    probabilities must not exceed 1. Its probability of the sentence's end counts too. ``space`` is the token that ends
    words (default: the model's " "). ``hotword_bonus`` (natural log) is for each character of ``hotwords``; with
    a language model's it is part of ``score``. A prefix that is less probable than the best by more than a factor of
    1e270 is lost. ``frames`` are the tokens' first frames on the hypothesis's best path. Results depend neither on the
    batch nor on ``num_threads`` (default: as many as torch uses). Where nothing has a probability the answer is the
    empty hypothesis with score -inf; where no prefix ends in a listed word, the likeliest one with score -inf.

    Raises ``ValueError`` for shapes, lengths, a blank, weights or a language model that do not fit, for NaN, and for
    log-probabilities above 0.

    Best path reads nothing here, though "a" (token 1) has a probability of 0.64 and "" only 0.36:

    >>> log_probs_BTV = np.log([[[0.6, 0.4], [0.6, 0.4]]])
    >>> [hypothesis] = prefix_beam_search(log_probs_BTV, [2], beam_size=4)
    >>> hypothesis.tokens, round(math.exp(hypothesis.score), 2), hypothesis.frames
    ((1,), 0.64, (0,))
    """
    log_probs_BTV = as_floats(log_probs_BTV)
    lengths_B = np.asarray(torch.as_tensor(num_frames_B).cpu(), dtype=np.int64)
    _check(log_probs_BTV.shape, lengths_B, blank)
    _check_counts(beam_size=beam_size, n_best=n_best, num_threads=num_threads)
    fusion = fuse(
        language_model,
        num_symbols=log_probs_BTV.shape[2],
        blank=blank,
        space=space,
        lm_weight=lm_weight,
        word_bonus=word_bonus,
        log_word_bonus=log_word_bonus,
        hotwords=hotwords,
        hotword_bonus=hotword_bonus,
    )
    workers = min(num_threads or torch.get_num_threads(), len(lengths_B))

    def utterance(index: int) -> _Utterance:
        return _Utterance(index, log_probs_BTV[index, : lengths_B[index]], beam_size, fusion)

    found: list[list[Hypothesis]]
    with ThreadPoolExecutor(workers) if workers > 1 else nullcontext() as pool:
        each: Each = map if pool is None else pool.map
        if fusion.kind == GIVEN:
            assert language_model is not None
            assert not isinstance(language_model, WordNgram)
            utterances = _in_rounds(
                list(each(utterance, range(len(lengths_B)))), each, RowsByHistory(language_model, fusion)
            )
            found = list(each(lambda one: one.hypotheses(n_best), utterances))
        else:
            found = list(each(lambda index: utterance(index).hypotheses(n_best), range(len(lengths_B))))
    return [hypotheses[0] for hypotheses in found] if n_best == 1 else found


def _in_rounds(utterances: list[_Utterance], each: Each, rows: RowsByHistory) -> list[_Utterance]:
    """Let every utterance run until it needs the language model, ask for all of them at once, and again."""
    waiting = utterances
    while waiting:
        done = list(each(_Utterance.run, waiting))
        waiting = [one for one, is_done in zip(waiting, done, strict=True) if not is_done]
        if waiting:
            rows.fill([one.beam for one in waiting])
    return utterances


class _Utterance:
    """One search: posteriors in the form that the compiled frames read, and the beam."""

    def __init__(self, index: int, log_probs_TV: NDArray[np.floating], beam_size: int, fusion: Fusion) -> None:
        num_frames, num_symbols = log_probs_TV.shape
        self.fusion = fusion
        self.log_probs_TV = np.ascontiguousarray(log_probs_TV, dtype=np.float64)
        highest_T = self.log_probs_TV.max(axis=1)
        if len(highest_T):
            refuse_others(float(highest_T.max()), what=f"utterance {index} of the batch")
        highest_T = np.where(np.isneginf(highest_T), 0.0, highest_T)
        self.probs_TV = np.zeros((num_frames, num_symbols + 1))
        np.exp(self.log_probs_TV - highest_T[:, None], out=self.probs_TV[:, :-1])
        self.beam = empty_beam(
            beam_size=beam_size, num_frames=num_frames, num_symbols=num_symbols, has_rows=fusion.kind != NOTHING
        )
        self.beam.reals[LOG_SCALE] = highest_T.sum()
        self.candidates = no_candidates(beam_size=beam_size, num_symbols=num_symbols)

    def run(self) -> bool:
        """Search on; False where rows from outside are missing."""
        is_done: bool = run(self.probs_TV, self.beam, self.candidates, self.fusion)
        return is_done

    def hypotheses(self, n_best: int) -> list[Hypothesis]:
        """The best ``n_best`` prefixes at the sentence's end, best first."""
        self.run()
        beam, fusion = self.beam, self.fusion
        slots_S = beam.slots_S[: beam.counts[SLOTS]]
        total_S = slots_S["in_blank"] + slots_S["in_token"]
        ended_S = total_S
        if fusion.kind != NOTHING:
            ended_S = total_S * beam.rows_SV[: len(slots_S), fusion.blank]
        order = np.lexsort((-total_S, -ended_S))[:n_best]  # stable: the earlier slot of equal ones
        kept = [slot for slot in order.tolist() if ended_S[slot] > 0] or order[:1].tolist()
        return [self._hypothesis(int(slots_S["node"][slot]), total_S[slot], ended_S[slot]) for slot in kept]

    def _hypothesis(self, node: int, total: float, ended: float) -> Hypothesis:
        if total == 0:
            return Hypothesis((), -math.inf, ())
        tokens = tuple(spell(self.beam, node).tolist())
        log_scale = float(self.beam.reals[LOG_SCALE])
        score = math.log(ended) + log_scale if ended > 0 else -math.inf
        frames = align(self.log_probs_TV, tokens, blank=self.fusion.blank)
        if self.fusion.kind == NOTHING:
            return Hypothesis(tokens, score, frames)
        return Hypothesis(
            tokens, score, frames, math.log(total) + log_scale - float(self.beam.nodes_N["log_weight"][node])
        )


def _check(shape_BTV: tuple[int, ...], lengths_B: NDArray[np.int64], blank: int) -> None:
    if len(shape_BTV) != 3 or lengths_B.shape != shape_BTV[:1]:
        raise ValueError(f"log_probs_BTV {shape_BTV} and num_frames_B {lengths_B.shape}, allowed: (B, T, V) and (B,)")
    if not 0 <= blank < shape_BTV[2]:
        raise ValueError(f"blank {blank}, allowed: 0 to {shape_BTV[2] - 1}")
    if ((lengths_B < 0) | (lengths_B > shape_BTV[1])).any():
        raise ValueError(f"num_frames_B {lengths_B.tolist()}, allowed: 0 to {shape_BTV[1]} frames")


def _check_counts(**counts: int | None) -> None:
    for name, count in counts.items():
        if count is not None and count < 1:
            raise ValueError(f"{name} {count}, allowed: 1 or more")
