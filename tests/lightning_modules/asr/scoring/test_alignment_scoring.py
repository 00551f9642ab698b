"""Alignments of what was stored: on lattices that can be read by eye, and what is refused."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from datamodules.annotations import UtteranceReferences
from datamodules.phones import Phone, TimedReferences
from datamodules.run_warning import RunWarning
from lightning_modules.asr.aligner import EvenAligner
from lightning_modules.asr.attention.attention_aligner import AttentionAligner
from lightning_modules.asr.attention.stored_decoder import save_speller
from lightning_modules.asr.ctc.ctc_aligner import CtcAligner
from lightning_modules.asr.predictions import EncodedPredictions, PosteriorPredictions
from lightning_modules.asr.scoring.alignment_scoring import AlignmentScoring
from lightning_modules.layers.attention import ContentAttention, SummaryContext
from lightning_modules.layers.speller import Speller, SpellerSettings

SYMBOLS = ("<blank>", " ", "a", "b")
HOP = 0.1
PHONES = (
    Phone(0.0, 0.1, "pau"),
    Phone(0.1, 0.3, "a", 1, "a"),
    Phone(0.3, 0.5, "b", 1, "b"),
    Phone(0.5, 1.0, "b", 2, "b"),
)


def references(split: str, *, text: str = "ab b", phones: tuple[Phone, ...] = PHONES) -> TimedReferences:
    names = [f"{split}0"]
    return TimedReferences(
        symbols=SYMBOLS,
        sample_rate_hz=16_000,
        texts=dict.fromkeys(names, text),
        languages=dict.fromkeys(names, "en"),
        speakers=dict.fromkeys(names, "x"),
        duration_seconds=dict.fromkeys(names, 1.0),
        training_texts=(text,),
        load_waveform=lambda _: np.zeros(16_000, np.float32),
        phones=dict.fromkeys(names, phones) if phones else {},
    )


def store(folder: Path, path: str = "-ab- -b---") -> Path:
    """Posteriors of .9 along ``path`` (- is the blank), a frame a sign."""
    probabilities_TV = np.full((len(path), len(SYMBOLS)), 0.1 / 3)
    for frame, sign in enumerate(path):
        probabilities_TV[frame, 0 if sign == "-" else SYMBOLS.index(sign)] = 0.9
    for split in ("validation", "test"):
        PosteriorPredictions(
            symbols=SYMBOLS, utterance_ids=(f"{split}0",), num_frames_N=np.array([len(path)]), hop_seconds=HOP,
            encoding_seconds=1.0, log_probs_FV=np.log(probabilities_TV).astype(np.float32),
        ).save(folder / f"{split}.npz")  # fmt: skip
    return folder


def both() -> dict[str, TimedReferences]:
    return {split: references(split) for split in ("validation", "test")}


def score(scoring: AlignmentScoring, folder: Path, known: dict[str, TimedReferences] | None = None) -> dict[str, float]:
    return scoring.score(predictions={"own": folder}, references=known or both(), output_dir=folder / "scores")


def test_the_best_path_of_ctc_is_read_in_milliseconds(tmp_path: Path) -> None:
    found = score(AlignmentScoring(aligner=CtcAligner()), store(tmp_path))
    rows = [line.split("\t") for line in (tmp_path / "scores" / "boundaries.tsv").read_text().splitlines()]
    assert rows[1:] == [
        ["test0", "ab", "0.100", "0.300", "0.100", "0.500"],
        ["test0", "b", "0.600", "0.700", "0.500", "1.000"],
    ]
    assert found["test/boundary_ms"] == pytest.approx(150)  # 0, -200, 100, -300
    assert found["test/word_end_ms_signed"] == pytest.approx(-250)
    assert found["test/boundary_within_100_ms"] == pytest.approx(0.5)
    assert found["test/words"] == 2
    # Peaks at .15, .25 and .65 s of sounds from .1 to .3, .3 to .5 and .5 to 1 s.
    assert found["test/peak_place"] == pytest.approx(0.25)
    assert found["test/peaks_in_phone"] == pytest.approx(2 / 3)
    assert json.loads((tmp_path / "scores" / "scores.json").read_text())["metrics"] == found


def test_gap_and_shift_are_fitted_on_validation(tmp_path: Path) -> None:
    scoring = AlignmentScoring(aligner=CtcAligner(), gap_seconds=[0.0, 0.4], shift_seconds=[0.0, 0.05, 0.1])
    found = score(scoring, store(tmp_path))
    assert found["aligning/gap_seconds"] >= 0.3  # .3 to .6 s is shared: the words meet at .45 s and a shift
    assert found["test/boundary_ms"] < 100
    assert json.loads((tmp_path / "scores" / "alignment.json").read_text())["weights"]["gap_seconds"] >= 0.3


def test_priors_make_blanks_dearer_and_letters_longer(tmp_path: Path) -> None:
    folder = store(tmp_path)
    plain = score(AlignmentScoring(aligner=CtcAligner()), folder)
    divided = score(AlignmentScoring(aligner=CtcAligner(prior_scales=[3.0])), folder)
    assert divided["test/word_end_ms"] < plain["test/word_end_ms"]


def test_the_floor_spreads_letters_evenly(tmp_path: Path) -> None:
    scoring = AlignmentScoring(aligner=EvenAligner(lead_seconds=[0.1]))
    found = scoring.score(predictions={}, references=both(), output_dir=tmp_path)
    rows = [line.split("\t")[2:4] for line in (tmp_path / "boundaries.tsv").read_text().splitlines()]
    assert rows[1:] == [["0.100", "0.700"], ["0.700", "1.000"]]
    assert found["test/word_end_ms"] == pytest.approx(100)


def store_speller(folder: Path, attention: type[ContentAttention] | type[SummaryContext]) -> Path:
    torch.manual_seed(0)
    settings = SpellerSettings(attention=partial(attention, units=3), cell="gru", embedding_units=3, hidden_units=4)
    speller = Speller(num_symbols=len(SYMBOLS), num_encoded=5, settings=settings, attend_first=True)
    save_speller(folder, speller, symbols=SYMBOLS)
    for split in ("validation", "test"):
        EncodedPredictions(
            symbols=SYMBOLS, utterance_ids=(f"{split}0",), num_frames_N=np.array([10]), hop_seconds=HOP,
            encoding_seconds=1.0, encoded_FH=np.random.default_rng(0).normal(size=(10, 5)).astype(np.float32),
        ).save(folder / f"{split}.encoded.npz")  # fmt: skip
    return folder


def test_attention_is_read_from_left_to_right(tmp_path: Path) -> None:
    aligner = AttentionAligner()
    aligner.prepare(folders={"own": store_speller(tmp_path, ContentAttention)}, references=both())
    [times] = aligner.align("test", {}).times.values()
    assert len(times) == len("ab b")
    assert [time.end_seconds for time in times[:-1]] == [time.start_seconds for time in times[1:]]
    assert times[0].start_seconds == 0
    assert times[-1].end_seconds <= 0.9 + 1e-9  # the end of the text has a frame of its own
    score(AlignmentScoring(aligner=aligner), tmp_path)


def test_a_summary_vector_attends_to_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="attends to nothing"):
        score(AlignmentScoring(aligner=AttentionAligner()), store_speller(tmp_path, SummaryContext))


def test_what_cannot_be_aligned_is_counted_and_named(tmp_path: Path) -> None:
    known = both() | {"test": references("test", text="ab c", phones=(*PHONES[:3], Phone(0.5, 1, "c", 2, "c")))}
    with pytest.warns(RunWarning, match=r"test: 1 of 1 utterances are not aligned: test0 \(no symbol c\)"):
        found = score(AlignmentScoring(aligner=CtcAligner()), store(tmp_path), known)
    assert (found["test/words"], found["test/words_left_out"]) == (0, 2)
    assert "test/boundary_ms" not in found
    with pytest.warns(RunWarning, match="no phones"):
        score(AlignmentScoring(aligner=CtcAligner()), tmp_path, both() | {"test": references("test", phones=())})
    store(tmp_path, "ab")
    with pytest.warns(RunWarning, match="2 frames for 4 tokens"):
        score(AlignmentScoring(aligner=CtcAligner()), tmp_path)


def test_references_without_phones_are_refused(tmp_path: Path) -> None:
    plain = {
        split: UtteranceReferences(**{name: value for name, value in vars(of).items() if name != "phones"})
        for split, of in both().items()
    }
    with pytest.raises(ValueError, match=r"datamodules\.timed_speech\.TimedSpeechDataModule"):
        AlignmentScoring(aligner=CtcAligner()).score(predictions={}, references=plain, output_dir=tmp_path)


@pytest.mark.parametrize("settings", [{"gap_seconds": []}, {"gap_seconds": [-0.1]}, {"shift_seconds": []}])
def test_candidates_out_of_range_are_refused(settings: dict[str, list[float]]) -> None:
    with pytest.raises(ValueError, match="one number or more"):
        AlignmentScoring(aligner=CtcAligner(), **settings)
    with pytest.raises(ValueError, match="prior_scales"):
        CtcAligner(prior_scales=[-1.0])
