"""T∘L∘G decoding against every path and every way to back off, and our G against kaldilm's."""

import math
from itertools import groupby, product

import numpy as np
import pytest

from lightning_modules.decoding.ctc.labelling import labelling_log_prob
from lightning_modules.decoding.language_models.language_model import BackoffNgrams, Ngram
from lightning_modules.decoding.wfst.label_priors import label_log_priors
from lightning_modules.decoding.wfst.wfst import WfstDecoder
from lightning_modules.decoding.wfst.wfst_graph import grammar_fst

pytest.importorskip("kaldifst", reason="needs the extra `wfst`")
WORDS = ("a", "ab", "ba", "b")


def word_ngrams(order, *, seed):
    """Random n-grams over some of all histories; token 1 is <unk>, 2 … the words."""
    random = np.random.default_rng(seed)
    symbols = ("<blank>", "<unk>", *WORDS)
    entry = lambda: Ngram(float(-random.exponential(2.0)), float(-random.exponential(1.0)))  # noqa: E731
    tables = [{(token,): entry() for token in range(len(symbols))}]
    for _ in range(1, order):
        contexts = [gram for gram in tables[-1] if gram[-1] != 0 or gram == (0,)]
        grams = [(*context, token) for context in contexts for token in range(len(symbols))]
        tables.append({gram: entry() for gram in grams if random.random() < 0.3})
    return BackoffNgrams(symbols, "word", tuple(tables))


def best_log_prob(ngrams, context, rest):
    """The likeliest way through a back-off graph: from every context it may also use a shorter one."""
    if not rest:
        return 0.0
    best, cost = -math.inf, 0.0
    while True:
        gram = (*context, rest[0])
        if gram in ngrams.tables[len(context)]:
            after = gram[max(0, len(gram) - ngrams.order + 1) :]
            best = max(best, cost + ngrams.tables[len(context)][gram].log_prob + best_log_prob(ngrams, after, rest[1:]))
        if not context:
            return best
        known = ngrams.tables[len(context) - 1].get(context)
        cost += 0.0 if known is None else known.log_backoff
        context = context[1:]


def sentence_score(ngrams, words):
    start = (0,) if ngrams.order > 1 else ()
    return best_log_prob(ngrams, start, (*(ngrams.symbols.index(word) for word in words), 0))


def brute_force(scores_TV, symbols, blank, ngrams, lm_weight, word_bonus):
    best = (-math.inf, None)
    for path in product(range(len(symbols)), repeat=len(scores_TV)):
        text = "".join(symbols[token] for token, _ in groupby(path) if token != blank)
        core = text.removeprefix(" ").removesuffix(" ")
        words = core.split(" ") if core else []
        if set(words) <= set(WORDS) and text != "  ":
            acoustic = sum(scores_TV[t, token] for t, token in enumerate(path))
            total = acoustic + lm_weight * sentence_score(ngrams, words) + word_bonus * len(words)
            best = max(best, (float(total), text))
    return best


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("blank", [0, 3])
@pytest.mark.parametrize(("lm_weight", "word_bonus"), [(1.0, 0.0), (0.4, 1.5), (2.0, -0.5)])
def test_finds_the_best_path_over_all_sentences(order, blank, lm_weight, word_bonus):
    symbols = (" ", "a", "b")
    symbols = (*symbols[:blank], "<blank>", *symbols[blank:])
    random = np.random.default_rng([order, blank])
    ngrams = word_ngrams(order, seed=order)
    decoder = WfstDecoder(symbols=symbols, words=WORDS, ngrams=ngrams, blank=blank)
    log_probs_BTV = np.log(random.dirichlet(np.full(4, 0.5), (4, 6))).astype(np.float32)
    lengths = np.array([6, 6, 5, 0])
    log_priors_V = label_log_priors(log_probs_BTV, lengths)
    for prior_scale in (0.0, 0.7):
        found = decoder.decode(
            log_probs_BTV,
            lengths,
            lm_weight=lm_weight,
            word_bonus=word_bonus,
            log_priors_V=log_priors_V,
            prior_scale=prior_scale,
            beam=1000.0,
        )
        assert decoder.num_unfinished == 0
        for row, hypothesis in enumerate(found):
            log_probs_TV = log_probs_BTV[row, : lengths[row]]
            scores_TV = log_probs_TV - prior_scale * log_priors_V
            score, text = brute_force(scores_TV, symbols, blank, ngrams, lm_weight, word_bonus)
            assert hypothesis.score == pytest.approx(score, abs=0.02)  # Kaldi's minimisation rounds weights to 2^-10
            assert "".join(symbols[token] for token in hypothesis.tokens) == text
            assert hypothesis.ctc_score == labelling_log_prob(log_probs_TV, hypothesis.tokens, blank=blank)
            assert all(0 <= frame < lengths[row] for frame in hypothesis.frames)
            assert list(hypothesis.frames) == sorted(set(hypothesis.frames))
            assert len(hypothesis.frames) == len(hypothesis.tokens)


def costs(text, backoff, sentences):
    """The least cost of each sentence (labels) in an FST text whose ``backoff`` label is free."""
    arcs, finals, start = {}, {}, None
    for line in text.strip().splitlines():
        fields = line.split()
        start = fields[0] if start is None else start
        if len(fields) <= 2:
            finals[fields[0]] = float(fields[1]) if len(fields) == 2 else 0.0
        else:
            weight = float(fields[4]) if len(fields) == 5 else 0.0
            arcs.setdefault(fields[0], []).append((int(fields[2]), fields[1], weight))

    def best(state, rest):
        options = [finals[state]] if not rest and state in finals else []
        for label, to, weight in arcs.get(state, []):
            if label == backoff:
                options.append(weight + best(to, rest))
            elif rest and label == rest[0]:
                options.append(weight + best(to, rest[1:]))
        return min(options, default=math.inf)

    return [best(start, sentence) for sentence in sentences]


@pytest.mark.parametrize("order", [2, 3, 4])
def test_the_grammar_weighs_sentences_as_kaldilms(order, tmp_path):
    kaldilm = pytest.importorskip("kaldilm")
    from lightning_modules.lm.arpa import write_arpa

    ngrams = word_ngrams(order, seed=10 + order)
    write_arpa(tmp_path / "words.arpa", ngrams)
    words = (*WORDS, "#0")
    table = ["<eps>", *words, "<s>", "</s>"]
    (tmp_path / "words.txt").write_text("".join(f"{word} {label}\n" for label, word in enumerate(table)))
    theirs = kaldilm.arpa2fst(
        str(tmp_path / "words.arpa"),
        disambig_symbol="#0",
        read_symbol_table=str(tmp_path / "words.txt"),
        max_arpa_warnings=0,
    )
    ours = grammar_fst(ngrams, {word: label for label, word in enumerate(words, start=1)})
    sentences = [labels for length in range(5) for labels in product(range(1, 5), repeat=length)]
    assert costs(ours, 5, sentences) == pytest.approx(costs(theirs, 5, sentences), abs=1e-3)
