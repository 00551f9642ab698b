"""One function a decoder, all alike: log posteriors (T, V) in, tokens out; one thread, blank 0.

The peers keep their own pruning: flashlight-text beam-size-token V and beam threshold 25, fast-ctc-decode
``beam_cut_threshold`` 1e-6. What they need prepared (probabilities, objects) is prepared outside of the timed call;
ours is timed from log posteriors to hypothesis.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_modules.decoding.ctc.prefix_beam import prefix_beam_search
from lightning_modules.decoding.language_models.ngram_language_model import NgramLanguageModel

Tokens = tuple[int, ...]
Decoder = Callable[[NDArray[np.float32]], Callable[[], Tokens]]  # posteriors -> what is timed


def earmark(*, beam_size: int, language_model: NgramLanguageModel | None = None, lm_weight: float = 0.0) -> Decoder:
    """Ours, on one thread, from log posteriors to hypothesis with token frames."""

    def prepare(log_probs_TV: NDArray[np.float32]) -> Callable[[], Tokens]:
        def decode() -> Tokens:
            [hypothesis] = prefix_beam_search(
                log_probs_TV[None],
                [len(log_probs_TV)],
                beam_size=beam_size,
                language_model=language_model,
                lm_weight=lm_weight,
                num_threads=1,
            )
            return hypothesis.tokens

        return decode

    return prepare


def fast_ctc_decode(*, beam_size: int, num_symbols: int) -> Decoder:
    """fast-ctc-decode with its own cut; it is given probabilities."""
    from fast_ctc_decode import beam_search

    alphabet = "".join(chr(0x4E00 + token) for token in range(num_symbols))

    def prepare(log_probs_TV: NDArray[np.float32]) -> Callable[[], Tokens]:
        probs_TV = np.exp(log_probs_TV)

        def decode() -> Tokens:
            text, _ = beam_search(probs_TV, alphabet, beam_size=beam_size, beam_cut_threshold=1e-6)
            return tuple(ord(character) - 0x4E00 for character in text)

        return decode

    return prepare


def flashlight(
    *, beam_size: int, num_symbols: int, log_add: bool, arpa: tuple[Path, tuple[str, ...]] | None = None,
    lm_weight: float = 0.0,
) -> Decoder:  # fmt: skip
    """The lexicon-free decoder; ``arpa`` and the symbols for KenLM, whose log10 the weight turns natural."""
    from flashlight.lib.text import decoder as fl

    model = fl.ZeroLM()
    if arpa is not None:
        from flashlight.lib.text.decoder.kenlm import KenLM
        from flashlight.lib.text.dictionary import Dictionary

        dictionary = Dictionary()
        for symbol in arpa[1]:
            dictionary.add_entry("<space>" if symbol == " " else symbol)
        model = KenLM(str(arpa[0]), dictionary)
    options = fl.LexiconFreeDecoderOptions(
        beam_size=beam_size, beam_size_token=num_symbols, beam_threshold=25.0, lm_weight=lm_weight * math.log(10.0),
        sil_score=0.0, log_add=log_add, criterion_type=fl.CriterionType.CTC,
    )  # fmt: skip
    decoder = fl.LexiconFreeDecoder(options, model, -1, 0, [])

    def prepare(log_probs_TV: NDArray[np.float32]) -> Callable[[], Tokens]:
        def decode() -> Tokens:
            path = decoder.decode(log_probs_TV.ctypes.data, *log_probs_TV.shape)[0].tokens[
                1:-1
            ]  # without its "silence"
            assert len(path) == len(log_probs_TV)
            return tuple(token for token, _ in itertools.groupby(path) if token != 0)

        return decode

    return prepare
