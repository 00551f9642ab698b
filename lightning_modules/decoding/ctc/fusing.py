"""From a language model and its weights to what the compiled search multiplies by: the checks, and the kinds."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lightning_modules.decoding.ctc.fusion import BONUS, GIVEN, LOOK_AHEAD, NOTHING, TOKENS, WORDS, Fusion
from lightning_modules.decoding.ctc.hotwords import NO_HOTWORDS, Hotwords
from lightning_modules.decoding.language_models.language_model import LanguageModel
from lightning_modules.decoding.language_models.look_ahead import NO_LOOK_AHEAD, NO_TABLE, LookAheadNgram
from lightning_modules.decoding.language_models.ngram_language_model import NgramLanguageModel
from lightning_modules.decoding.language_models.ngram_table import NgramTable
from lightning_modules.decoding.language_models.spelling import Spelling, compile_spelling
from lightning_modules.decoding.language_models.word_ngram import SPACE, UNKNOWN_LOG_PROB, WordNgram
from lightning_modules.decoding.texts import MARK, are_words, has_subwords, is_tag

AnyLanguageModel = LanguageModel | WordNgram

_NO_SPELLING = compile_spelling([], is_closed=False)


def fuse(
    language_model: AnyLanguageModel | None,
    *,
    num_symbols: int,
    blank: int,
    space: int | None,
    lm_weight: float,
    word_bonus: float,
    log_word_bonus: float,
    hotwords: Hotwords | None = None,
    hotword_bonus: float = 0.0,
) -> Fusion:
    """Check everything against the recogniser, ``ValueError`` where something does not fit.

    A model of weight 0 still takes part: its word list holds.
    """
    if language_model is not None and len(language_model.symbols) != num_symbols:
        raise ValueError(f"a language model of {len(language_model.symbols)} symbols for {num_symbols} posteriors")
    if not 0 <= lm_weight < math.inf:
        raise ValueError(f"lm_weight {lm_weight}, allowed: 0 or more")
    if not (math.isfinite(word_bonus) and math.isfinite(log_word_bonus)):
        raise ValueError(f"word_bonus {word_bonus} and log_word_bonus {log_word_bonus}, allowed: finite numbers")
    if space is None:
        space = _space(language_model, blank)
    if space != -1 and (not 0 <= space < num_symbols or space == blank):
        raise ValueError(f"space {space}, allowed: a token from 0 to {num_symbols - 1} other than the blank {blank}")
    has_bonus = word_bonus != 0 or log_word_bonus != 0
    writes_words = space == -1 and language_model is not None and are_words(language_model.symbols)
    if space == -1 and not writes_words and (has_bonus or isinstance(language_model, WordNgram)):
        raise ValueError("a word bonus needs to know where words end: give the token of the space as space=")
    is_tag_V = _tags(language_model, num_symbols, blank)
    begins_word_V = _begins_word(language_model, blank, num_symbols=num_symbols, space=space)
    most_V = np.ones(num_symbols)
    most_V[~is_tag_V if writes_words else begins_word_V] = math.exp(max(0.0, word_bonus)) * 2 ** max(
        0.0, log_word_bonus
    )
    if hotwords is not None and len(hotwords.symbols) != num_symbols:
        raise ValueError(f"hotwords in {len(hotwords.symbols)} symbols for {num_symbols} posteriors")
    hotword_table = NO_HOTWORDS if hotwords is None else hotwords.table(hotword_bonus)
    if hotwords is not None:
        others_V = np.delete(np.arange(num_symbols), blank)  # the table's columns from 1 on
        most_V[others_V] *= hotword_table.factor_PV[:, 1:].max(axis=0)
    table, spelling, unknown_word, unknown_log_prob = _tables(language_model, lm_weight)
    return Fusion(
        kind=_kind(language_model, has_bonus or hotwords is not None),
        table=table,
        spelling=spelling,
        unknown_word=unknown_word,
        unknown_log_prob=unknown_log_prob,
        look_ahead=language_model.look_ahead if isinstance(language_model, LookAheadNgram) else NO_LOOK_AHEAD,
        lm_weight=float(lm_weight),
        word_bonus=float(word_bonus),
        log_word_bonus=float(log_word_bonus),
        space=space,
        begins_word_V=begins_word_V,
        blank=blank,
        is_tag_V=is_tag_V,
        writes_words=writes_words,
        hotwords=hotword_table,
        most_V=most_V,
    )


def _space(language_model: AnyLanguageModel | None, blank: int) -> int:
    """The recogniser's token of the model's space, or of its mark of subwords; -1 where there is none."""
    if language_model is None:
        return -1
    space = MARK if has_subwords(language_model.symbols) else SPACE
    if space not in language_model.symbols[1:]:
        return -1
    return _own(language_model.symbols.index(space), blank)


def _begins_word(
    language_model: AnyLanguageModel | None, blank: int, *, num_symbols: int, space: int
) -> NDArray[np.bool_]:
    """See ``Fusion``, (V,)."""
    begins_word_V = np.zeros(num_symbols, np.bool_)
    if space != -1:
        begins_word_V[space] = True
    if language_model is not None and has_subwords(language_model.symbols):
        for token, symbol in enumerate(language_model.symbols):
            if symbol.startswith(MARK):
                begins_word_V[_own(token, blank)] = True
    return begins_word_V


def _own(lm_token: int, blank: int) -> int:
    """The recogniser's token of a model's; not of its boundary."""
    return lm_token - 1 if lm_token <= blank else lm_token


def _tags(language_model: AnyLanguageModel | None, num_symbols: int, blank: int) -> NDArray[np.bool_]:
    """Which of the recogniser's tokens say a language; without a model no symbol is known, and none does."""
    is_tag_V = np.zeros(num_symbols, np.bool_)
    if language_model is not None:
        others_V = np.delete(np.arange(num_symbols), blank)  # the model's ids from 1 on
        is_tag_V[others_V] = [is_tag(symbol) for symbol in language_model.symbols[1:]]
    return is_tag_V


def _kind(language_model: AnyLanguageModel | None, has_bonus: bool) -> int:
    if language_model is None:
        return BONUS if has_bonus else NOTHING
    if isinstance(language_model, WordNgram):
        return LOOK_AHEAD if isinstance(language_model, LookAheadNgram) else WORDS
    return TOKENS if isinstance(language_model, NgramLanguageModel) else GIVEN


def _tables(language_model: AnyLanguageModel | None, lm_weight: float) -> tuple[NgramTable, Spelling, int, float]:
    if isinstance(language_model, WordNgram):
        unknown = language_model.unknown_word, language_model.unknown_log_prob
        return language_model.table, language_model.spelling, *unknown
    table = language_model.powers(lm_weight) if isinstance(language_model, NgramLanguageModel) else NO_TABLE
    return table, _NO_SPELLING, -1, UNKNOWN_LOG_PROB
