"""Pictures of utterances: which are chosen, where their peaks are, and that any text can be drawn."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from matplotlib.image import imread

from datamodules.annotations import UtteranceReferences
from lightning_modules.asr.pictures import choose_utterances, draw_utterances, peaks
from lightning_modules.asr.predictions import PosteriorPredictions
from lightning_modules.metrics.text_scores import score_texts

SYMBOLS = ("<blank>", " ", *"абвёľřç$_{^")
TEXTS = {f"u/{n}": text for n, text in enumerate(["а б в", "ёľř ç", "$_{^$ а", "вб", "а", "бб ё"])}


def references(texts=TEXTS):
    return UtteranceReferences(
        symbols=SYMBOLS,
        sample_rate_hz=16000,
        texts=texts,
        languages={key: "ru" if n % 2 else "cs" for n, key in enumerate(texts)},
        speakers=dict.fromkeys(texts, "$peaker_1"),
        duration_seconds={key: 1.0 + n for n, key in enumerate(texts)},
        training_texts=(),
        load_waveform=lambda key: np.random.default_rng(0).normal(size=16000).astype(np.float32) * 0.1,
    )


def predictions(texts=TEXTS):
    rng = np.random.default_rng(1)
    logits_FV = rng.normal(size=(25 * len(texts), len(SYMBOLS))) * 3
    log_probs_FV = logits_FV - np.log(np.exp(logits_FV).sum(axis=1, keepdims=True))
    return PosteriorPredictions(
        symbols=SYMBOLS,
        utterance_ids=tuple(sorted(texts)),
        log_probs_FV=log_probs_FV.astype(np.float32),
        num_frames_N=np.full(len(texts), 25),
        hop_seconds=0.04,
        encoding_seconds=1.0,
    )


@pytest.mark.integration  # draws for seconds
def test_pictures_replace_older_ones_worst_first_and_every_sign_has_a_glyph(tmp_path):
    hypotheses = {**TEXTS, "u/1": "", "u/2": "$_{^$ б", "u/4": "б " * 90}
    (tmp_path / "99-old.png").write_bytes(b"")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of a missing glyph
        paths = draw_utterances(predictions(), hypotheses, references(), count=2, folder=tmp_path)
    assert sorted(tmp_path.iterdir()) == paths
    names = [path.stem for path in paths]
    assert [name.split("-", 1)[0] for name in names] == ["01", "02"]
    assert names[0] in ("01-u_1", "01-u_2", "01-u_4")  # the three with errors
    for path in paths:
        pixels = imread(path)
        assert pixels.shape[1] >= 1200
        assert len(np.unique(pixels[..., :3].reshape(-1, 3), axis=0)) > 100


def test_utterances_step_from_worst_to_best_and_languages_take_turns():
    texts = {f"u{n:02d}": "abcdefghij" for n in range(20)}
    hypotheses = {key: "abcdefghij"[: 10 - n // 2] for n, key in enumerate(texts)}
    of = references(texts)
    scores = score_texts(texts, hypotheses)
    chosen = choose_utterances(scores, of, count=4)
    rates = [scores.utterances[key].characters.rate for key in chosen]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] >= 0.7
    assert rates[-1] <= 0.2
    assert sorted(of.languages[key] for key in chosen) == ["cs", "cs", "ru", "ru"]
    assert chosen == choose_utterances(scores, of, count=4)
    assert sorted(choose_utterances(scores, of, count=99)) == sorted(texts)
    assert choose_utterances(scores, of, count=0) == []


@pytest.mark.parametrize("seed", range(5))
def test_peaks_are_where_a_walk_along_each_curve_finds_them(seed):
    rng = np.random.default_rng(seed)
    probabilities_TV = rng.dirichlet(np.full(5, 0.25), size=60)
    best_T = probabilities_TV.argmax(axis=1)
    expected = []
    for token in range(1, 5):
        stretch = []
        for frame in range(61):
            if frame < 60 and (probabilities_TV[frame, token] >= 0.2 or best_T[frame] == token):
                stretch.append(frame)
            elif stretch:
                top = max(stretch, key=lambda f, v=token: probabilities_TV[f, v])
                expected.append((top, token, probabilities_TV[top, token]))
                stretch = []
    assert [tuple(peak) for peak in peaks(probabilities_TV)] == sorted(expected)


def test_no_frame_has_no_peak():
    assert peaks(np.empty((0, 4))) == []
