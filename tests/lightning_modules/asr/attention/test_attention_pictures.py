"""Pictures of alignments: which are drawn, that any text can be, and what is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from datamodules.annotations import UtteranceReferences
from lightning_modules.asr.attention.attention_pictures import END, Alignment, _draw_attention, draw_alignments
from lightning_modules.asr.pictures import visible
from lightning_modules.asr.predictions import PosteriorPredictions

SYMBOLS = ("<blank>", " ", *"абвёľřç$_{^")
TEXTS = {f"u/{n}": text for n, text in enumerate(["а б в", "ёľř ç", "$_{^$ а", "вб", "а", "бб ё"])}
HYPOTHESES = {**TEXTS, "u/1": "", "u/4": "б" * 90}


def references():
    return UtteranceReferences(
        symbols=SYMBOLS,
        sample_rate_hz=16000,
        texts=TEXTS,
        languages=dict.fromkeys(TEXTS, "ru"),
        speakers=dict.fromkeys(TEXTS, "$peaker_1"),
        duration_seconds=dict.fromkeys(TEXTS, 1.0),
        training_texts=(),
        load_waveform=lambda key: np.random.default_rng(0).normal(size=16000).astype(np.float32) * 0.1,
    )


def alignments(num_frames=13):
    found = {}
    for key, text in HYPOTHESES.items():
        tokens = tuple(SYMBOLS.index(character) for character in text)
        rows = np.linspace(0, num_frames - 1, len(tokens) + 1).astype(int)
        found[key] = Alignment(tokens, np.eye(num_frames, dtype=np.float32)[rows], hop_seconds=0.08)
    return found


def posteriors():
    probabilities_FV = np.random.default_rng(1).dirichlet(np.full(len(SYMBOLS), 0.1), size=25 * len(TEXTS)) + 1e-9
    return PosteriorPredictions(
        symbols=SYMBOLS,
        utterance_ids=tuple(sorted(TEXTS)),
        log_probs_FV=np.log(probabilities_FV).astype(np.float32),
        num_frames_N=np.full(len(TEXTS), 25),
        hop_seconds=0.04,
        encoding_seconds=1.0,
    )


@pytest.mark.integration  # draws for seconds
def test_worst_to_best_and_taller_with_the_posteriors_in_between(tmp_path):
    (tmp_path / "99-old.png").write_bytes(b"")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of a missing glyph
        alone = draw_alignments(alignments(), HYPOTHESES, references(), count=3, folder=tmp_path)
        heights = [imread(path).shape[0] for path in alone]
        both = draw_alignments(
            alignments(), HYPOTHESES, references(), count=3, folder=tmp_path, posteriors=posteriors()
        )
    assert alone == both == sorted(tmp_path.iterdir())
    assert alone[0].stem in ("01-u_1", "01-u_4")  # the two with errors
    assert [path.stem[:2] for path in alone] == ["01", "02", "03"]
    for path, height in zip(both, heights, strict=True):
        assert imread(path).shape[0] == pytest.approx(height + 2.4 * 110, abs=2)


def test_rows_are_read_from_the_top_and_columns_lie_where_their_frames_are():
    ax = Figure().subplots()
    alignment = alignments()["u/2"]
    _draw_attention(ax, alignment, SYMBOLS, height_points=100)
    (image,) = ax.images
    left, right, bottom, top = image.get_extent()
    assert (left, right) == (0, pytest.approx(13 * 0.08))
    assert bottom > top  # the first row is the uppermost
    assert np.array_equal(image.get_array(), alignment.weights_UT)
    assert list(ax.get_yticks()) == list(range(len(TEXTS["u/2"]) + 1))
    assert [label.get_text() for label in ax.get_yticklabels()] == [*"$_{^$", visible(" "), "а", END]


@pytest.mark.parametrize(
    ("weights_UT", "says"),
    [
        (np.eye(3), "weights_UT is 3x3, expected a row for each of 3 tokens and the end"),
        (np.array([[1.0, 0], [0.5, 0.4], [0, 1], [1, 0]]), "weights_UT row 1 sums to 0.9, expected 1"),
    ],
)
def test_weights_that_are_none_are_refused(weights_UT, says):
    with pytest.raises(ValueError, match=says):
        Alignment((1, 2, 3), weights_UT, hop_seconds=0.08)


def test_an_utterance_without_alignment_or_posteriors_is_named(tmp_path):
    few = {key: alignment for key, alignment in alignments().items() if key != "u/4"}
    with pytest.raises(ValueError, match=r"alignments have no utterance 'u/4'"):
        draw_alignments(few, HYPOTHESES, references(), count=6, folder=tmp_path)
    with pytest.raises(ValueError, match=r"posteriors have no utterance 'u/4'"):
        draw_alignments(
            alignments(),
            HYPOTHESES,
            references(),
            count=6,
            folder=tmp_path,
            posteriors=PosteriorPredictions(
                symbols=SYMBOLS,
                utterance_ids=(),
                log_probs_FV=np.zeros((0, len(SYMBOLS)), np.float32),
                num_frames_N=np.zeros(0, np.int64),
                hop_seconds=0.04,
                encoding_seconds=0.0,
            ),
        )
