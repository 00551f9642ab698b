"""Word decoding in a weighted finite-state transducer T∘L∘G (Eesen: Miao, Gowayyed & Metze 2015).

``max over paths π of Σ_t (log y_t^{π_t} − κ log P(π_t)) + α · log P_G(words) + β · |words|``: one pass over a graph
that knows every word, with posteriors divided by label priors. A beam search by Kaldi's ``FasterDecoder``; α is the
inverse of Kaldi's acoustic scale. It maximises over paths, not over sums of paths, and where G has an n-gram it may
still back off if that is likelier, as every back-off graph. Legend: B utterances, T frames, V symbols.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from datamodules.annotations import BLANK, Hypothesis
from lightning_modules.decoding.ctc.labelling import labelling_log_prob
from lightning_modules.decoding.language_models.language_model import BackoffNgrams
from lightning_modules.decoding.log_posteriors import as_floats, refuse_others
from lightning_modules.decoding.wfst.wfst_graph import SPACE, compose_graph, spell_words

LOG_ZERO = -1e4  # what a posterior of zero counts: infinities would make the search's adaptive beam undefined
MIN_ACTIVE = 20  # Kaldi's own default: so many tokens survive a frame whatever the beam
WIDENINGS = (1.0, 2.0, 4.0)


class _Path(NamedTuple):
    """The graph's best path: a label a frame (token ids), its cost, and whether it ends where a sentence may."""

    labels_T: tuple[int, ...]
    cost: float
    is_final: bool


class WfstDecoder:
    """A graph over a word list and an n-gram, built once; ``decode`` takes the weights.

    Attributes: ``num_words`` of the graph, and ``num_unspellable`` that were left out of it because a character is no
    symbol; after ``decode``: ``num_widened`` utterances that needed a wider beam, ``num_unfinished`` that got no whole
    sentence even so.
    """

    def __init__(
        self, *, symbols: Sequence[str], words: Iterable[str], ngrams: BackoffNgrams, blank: int = BLANK
    ) -> None:
        """``words`` without a unigram can't be written.

        Raises ``ValueError`` where the packages are missing, for a word list that the symbols cannot spell, symbols
        without a space, and n-grams over characters.
        """
        self._kaldifst, self._kaldi_decoder = _packages()
        lexicon = spell_words(words, symbols, blank=blank)
        self.symbols, self.blank = tuple(symbols), blank
        self.num_words, self.num_unspellable = len(lexicon.spellings), lexicon.num_unspellable
        self.num_widened = self.num_unfinished = 0
        self._graph = compose_graph(self._kaldifst, lexicon=lexicon, ngrams=ngrams, symbols=symbols, blank=blank)
        self._rewarded: tuple[float, Any] = (0.0, self._graph)

    def decode(
        self,
        log_probs_BTV: NDArray[np.floating] | Tensor,
        num_frames_B: NDArray[np.integer] | Tensor | Sequence[int],
        *,
        lm_weight: float = 1.0,
        word_bonus: float = 0.0,
        log_priors_V: NDArray[np.floating] | None = None,
        prior_scale: float = 1.0,
        beam: float = 12.0,
        max_active: int = 3000,
    ) -> list[Hypothesis]:
        """The best sentence of each utterance. ``beam`` is in units of ``score`` (nats).

        ``log_priors_V`` (``label_priors``; None: no division) are weighted by ``prior_scale``; ``lm_weight`` > 0.
        ``tokens`` are the words' spellings and the spaces around them (one at either end where it was heard);
        ``score`` is the formula above, ``ctc_score`` the log of the tokens' exact CTC probability.

        Where the search ends within a word, the beam is doubled, and doubled again. If that does not help either, the
        words that its best path has completed are the answer (perhaps none), with the unfinished path's score.

        Raises ``ValueError`` for settings out of range, for NaN, for log-probabilities above 0, and for priors that are
        not finite or not one a symbol.
        """
        if not (lm_weight > 0 and beam > 0 and max_active > MIN_ACTIVE):
            raise ValueError(
                f"lm_weight {lm_weight}, beam {beam}, max_active {max_active}, "
                f"allowed: weight and beam above 0, max_active above {MIN_ACTIVE}"
            )
        log_probs_BTV = as_floats(log_probs_BTV).astype(np.float32)
        for row, (log_probs_TV, num_frames) in enumerate(zip(log_probs_BTV, num_frames_B, strict=True)):
            if int(num_frames):
                refuse_others(float(log_probs_TV[: int(num_frames)].max()), what=f"row {row} of log_probs_BTV")
        scores_BTV = np.maximum(log_probs_BTV, LOG_ZERO)
        if log_priors_V is not None:
            priors_V = np.asarray(log_priors_V, dtype=np.float32)
            if priors_V.shape != log_probs_BTV.shape[2:] or not np.isfinite(priors_V).all():
                raise ValueError(
                    f"log_priors_V {priors_V.shape} with {int((~np.isfinite(priors_V)).sum())} numbers that are not "
                    f"finite, allowed: {log_probs_BTV.shape[2:]}, all finite"
                )
            scores_BTV = scores_BTV - np.float32(prior_scale) * priors_V
        graph = self._with_bonus(word_bonus / lm_weight)
        self.num_widened = self.num_unfinished = 0
        hypotheses: list[Hypothesis] = []
        for log_probs_TV, scores_TV, num_frames in zip(log_probs_BTV, scores_BTV, num_frames_B, strict=True):
            costs_TV = np.ascontiguousarray(scores_TV[: int(num_frames)] / np.float32(lm_weight))
            path = self._search(graph, costs_TV, beam / lm_weight, max_active)
            tokens, frames = self._collapse(path)
            ctc_score = labelling_log_prob(log_probs_TV[: int(num_frames)], tokens, blank=self.blank)
            hypotheses.append(Hypothesis(tokens, -path.cost * lm_weight, frames, ctc_score))
        return hypotheses

    def _search(self, graph: Any, scaled_TV: NDArray[np.float32], beam: float, max_active: int) -> _Path:
        for widening in WIDENINGS:
            options = self._kaldi_decoder.FasterDecoderOptions(
                beam=beam * widening, max_active=max_active, min_active=MIN_ACTIVE
            )
            decoder = self._kaldi_decoder.FasterDecoder(graph, options)
            decoder.decode(self._kaldi_decoder.DecodableCtc(scaled_TV))
            if decoder.reached_final():
                self.num_widened += widening > 1.0
                return self._path(decoder, is_final=True)
        self.num_unfinished += 1
        return self._path(decoder, is_final=False)

    def _path(self, decoder: Any, *, is_final: bool) -> _Path:
        found, lattice = decoder.get_best_path(use_final_probs=is_final)
        if not found:
            return _Path((), np.inf, False)
        _, labels, _, weight = self._kaldifst.get_linear_symbol_sequence(lattice)
        return _Path(tuple(label - 1 for label in labels), weight.value1 + weight.value2, is_final)

    def _collapse(self, path: _Path) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Tokens and their first frames; of an unfinished path, those before its last space."""
        tokens, frames = [], []
        for label, run in groupby(range(len(path.labels_T)), key=lambda frame: path.labels_T[frame]):
            if label != self.blank:
                tokens.append(label)
                frames.append(next(run))
        if not path.is_final:
            space = self.symbols.index(SPACE)
            kept = max((index for index, token in enumerate(tokens) if token == space), default=0)
            tokens, frames = tokens[:kept], frames[:kept]
        return tuple(tokens), tuple(frames)

    def _with_bonus(self, bonus: float) -> Any:
        """The graph with every word's cost lowered (each path has a word's label once); the last one is kept."""
        if bonus != self._rewarded[0]:
            arcs_of, weight = self._kaldifst.ArcIterator, self._kaldifst.TropicalWeight
            graph = self._graph.copy()
            graph.set_final(graph.start, graph.final(graph.start))  # a copy shares its arcs until it is written to
            for state in self._word_states:
                for arc in arcs_of(graph, state):
                    if arc.olabel:
                        arc.weight = weight(arc.weight.value - bonus)
            self._rewarded = (bonus, graph)
        return self._rewarded[1]

    @cached_property
    def _word_states(self) -> list[int]:
        """The states that some word leaves: few, and going through all arcs takes seconds."""
        fst = self._kaldifst
        return [s for s in fst.StateIterator(self._graph) if any(arc.olabel for arc in fst.ArcIterator(self._graph, s))]


def _packages() -> tuple[Any, Any]:
    try:
        import kaldi_decoder
        import kaldifst
    except ImportError as error:
        raise ValueError(f"WFST decoding needs the package {error.name}: pip install 'earmark[wfst]'") from None
    return kaldifst, kaldi_decoder
