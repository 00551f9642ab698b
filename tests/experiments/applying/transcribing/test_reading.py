"""A small untrained recogniser in use: the text is its greedy one, its words have times, its row's decoder is asked."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray

from datamodules.run_warning import RunWarning
from datamodules.texts.own_text_rules import own_text_rules
from experiments.applying.chosen_run import ChosenRun
from experiments.applying.transcribing.hotword_beam import HotwordBeam, with_hotwords
from experiments.applying.transcribing.parts import Part
from experiments.applying.transcribing.reading import Reader
from experiments.applying.transcribing.recordings import Transcriber, stretch_of
from experiments.applying.transcribing.row_decoder import RowDecoder
from experiments.applying.transcribing.settings import Settings
from experiments.errors import UserError
from lightning_modules.asr.attention.attention_decoders import AttentionBeam
from lightning_modules.asr.ctc.ctc import CTC
from lightning_modules.asr.ctc.decoder import PrefixBeam
from lightning_modules.asr.predictions import PosteriorPredictions
from lightning_modules.decoding.texts import spell

from ....lightning_modules.asr.small_recognisers import FEATURES, small_encoder

RATE_HZ = 8000
SYMBOLS = ("<blank>", " ", "a", "b", "c")


@pytest.fixture(scope="module")
def system() -> CTC:
    torch.manual_seed(3)
    system = CTC(symbols=SYMBOLS, sample_rate_hz=RATE_HZ, encoder=small_encoder(), features=FEATURES)
    with torch.no_grad():  # an untrained output says one symbol for ever; a sharp one says many
        system.classifier.weight.mul_(60.0)
    return system.eval()


@pytest.fixture
def chosen(tmp_path: Path, system: CTC) -> ChosenRun:
    """A run's folder with the predictions of validation, which decoders are prepared with."""
    folder = tmp_path / "run"
    (folder / "predictions").mkdir(parents=True)
    log_probs_FV = np.log(np.full((3, len(SYMBOLS)), 1 / len(SYMBOLS), dtype=np.float32))
    PosteriorPredictions(
        symbols=SYMBOLS, utterance_ids=("v",), num_frames_N=np.array([3]), hop_seconds=system.hop_seconds,
        encoding_seconds=0.0, log_probs_FV=log_probs_FV,
    ).save(folder / "predictions" / "validation.npz")  # fmt: skip
    return ChosenRun("small", "abc", folder, folder, {"data": {"init_args": {}}}, "asr", {})


def noise(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(-0.3, 0.3, round(seconds * RATE_HZ)).astype(np.float32)


def test_text_is_the_systems_and_words_lie_within_the_part(system: CTC, chosen: ChosenRun) -> None:
    waveform_S = noise(1.0)
    read = Reader(system, chosen, sample_rate_hz=RATE_HZ).read(Part(RATE_HZ // 2, waveform_S))
    encoded = system.encode(torch.from_numpy(waveform_S)[None], torch.tensor([len(waveform_S)]))
    [hypothesis] = system.greedy(encoded)
    assert read.text == spell(hypothesis.tokens, SYMBOLS) != ""
    assert " ".join(word.text for word in read.words) == read.text
    edges = [edge for word in read.words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert 0.5 <= edges[0] < edges[-1] <= 1.5 == read.end
    assert all(0 < word.confidence <= 1 for word in read.words if word.confidence is not None)


def test_a_part_without_a_frame_has_no_text(system: CTC, chosen: ChosenRun) -> None:
    assert Reader(system, chosen, sample_rate_hz=RATE_HZ).read(Part(0, noise(0.0))).text == ""


def test_another_rows_decoder_reads_and_one_that_does_not_fit_is_refused(system: CTC, chosen: ChosenRun) -> None:
    by = RowDecoder("row t/beam", PrefixBeam(beam_size=20), {}, {})
    reader = Reader(system, chosen, sample_rate_hz=RATE_HZ, by=by)
    part = Part(0, noise(1.0))
    log_probs_TV = reader.log_posteriors(part)
    [expected] = PrefixBeam(beam_size=20).decode(_predictions(system, log_probs_TV), {})
    assert reader.read(part).text == spell(expected.tokens, SYMBOLS)
    reader.close()
    with pytest.raises(UserError, match="row t/att: its decoder reads those of EncoderDecoder, not of a CTC"):
        Reader(system, chosen, sample_rate_hz=RATE_HZ, by=RowDecoder("row t/att", AttentionBeam(), {}, {}))


def test_hotwords_pull_the_beam_to_a_listed_word(system: CTC, chosen: ChosenRun, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("ABBA\nq\n", encoding="utf-8")
    by = with_hotwords(None, names, bonus=60.0, beam_size=200)
    with pytest.warns(RunWarning, match="1 hotwords have characters that this recogniser does not write"):
        reader = Reader(system, chosen, sample_rate_hz=RATE_HZ, by=by)
    part = Part(0, noise(0.6))
    assert "abba" in reader.read(part).text.split()
    without = with_hotwords(None, names, bonus=0.0, beam_size=200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = Reader(system, chosen, sample_rate_hz=RATE_HZ, by=without).read(part).text
    by_beam = RowDecoder("row t/beam", PrefixBeam(beam_size=200), {}, {})
    assert plain == Reader(system, chosen, sample_rate_hz=RATE_HZ, by=by_beam).read(part).text
    names.write_text("room 101\n", encoding="utf-8")
    with pytest.raises(UserError, match="words as they are spoken"):
        with_hotwords(None, names, bonus=1.0, beam_size=10)


def test_hotwords_have_the_form_of_the_corpus_s_own_rules(tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("’Aεb\nL'ami 5\n", encoding="utf-8")
    given = {"kab": {"letters": "'", "map": {"ε": "ɛ", "5": "semmus"}}}

    def phrases(rules: dict[str, Any]) -> tuple[str, ...]:
        by = with_hotwords(
            None, names, bonus=1.0, beam_size=10, rules=own_text_rules(rules, where="r.yaml")
        )  # fmt: skip
        assert isinstance(by.decoder, HotwordBeam)
        return by.decoder.phrases

    assert phrases(given) == ("'aɛb", "l'ami semmus")
    assert phrases({**given, "fr": {"script": None}}) == ("'aɛb", "aεb", "l'ami semmus")  # French has digits in none
    with pytest.raises(UserError, match=r"^--hotwords \S+names\.txt: \"L'ami 5\": digits: '5'; allowed: words as they"):
        phrases({})


def test_a_stereo_file_of_another_rate_is_read_as_training_hears_it(
    system: CTC, chosen: ChosenRun, tmp_path: Path
) -> None:
    audio_SC = np.random.default_rng(1).uniform(-0.3, 0.3, (44100, 2)).astype(np.float32)
    soundfile.write(tmp_path / "talk.flac", audio_SC, 44100)
    transcriber = Transcriber(Reader(system, chosen, sample_rate_hz=RATE_HZ), Settings(cut="quiet"))
    advanced: list[float] = []
    talk = transcriber.file(tmp_path / "talk.flac", name="talk.flac", advance=advanced.append)
    heard_S = stretch_of(tmp_path / "talk.flac", sample_rate_hz=RATE_HZ).waveform_S
    assert talk.text == transcriber.reader.read(Part(0, heard_S)).text
    assert talk.remarks == ("the mean of 2 channels",)
    assert talk.duration == advanced[-1] == 1.0
    half = transcriber.stretch(tmp_path / "talk.flac", name="talk.flac", start=0.5, duration=0.25)
    assert half.duration == pytest.approx(0.25)
    assert half.remarks == talk.remarks
    with pytest.raises(ValueError, match="a start of 3 s, the file has 1 s"):
        transcriber.stretch(tmp_path / "talk.flac", name="talk.flac", start=3.0, duration=None)


def _predictions(system: CTC, log_probs_TV: NDArray[np.float32]) -> PosteriorPredictions:
    return PosteriorPredictions(
        symbols=SYMBOLS, utterance_ids=("part",), num_frames_N=np.array([len(log_probs_TV)]),
        hop_seconds=system.hop_seconds, encoding_seconds=0.0, log_probs_FV=log_probs_TV,
    )  # fmt: skip
