"""Given texts on a small recogniser: its own text has the times that its transcript has, others are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from experiments.applying.aligning.aligner import align_texts
from experiments.applying.aligning.given_texts import GivenText, Spelling
from experiments.applying.chosen_run import ChosenRun
from experiments.applying.transcribing.parts import Part
from experiments.applying.transcribing.reading import Reader
from experiments.applying.transcribing.recordings import stretch_of
from lightning_modules.asr.ctc.ctc import CTC

from ....lightning_modules.asr.small_recognisers import FEATURES, small_encoder

RATE_HZ = 8000
SYMBOLS = ("<blank>", "a", "b", "c")  # an untrained network would write spaces that no text has


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    torch.manual_seed(3)
    system = CTC(symbols=SYMBOLS, sample_rate_hz=RATE_HZ, encoder=small_encoder(), features=FEATURES)
    with torch.no_grad():
        system.classifier.weight.mul_(60.0)
    folder = tmp_path_factory.mktemp("run")
    return Reader(system.eval(), ChosenRun("small", "a", folder, folder, {}, "asr", {}), sample_rate_hz=RATE_HZ)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("audio") / "talk.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.3, 0.3, 2 * RATE_HZ), RATE_HZ)
    return path


def test_the_recognisers_own_text_has_its_own_times(reader: Reader, talk: Path) -> None:
    read = reader.read(Part(0, stretch_of(talk, start=0.5, duration=1.0, sample_rate_hz=RATE_HZ).waveform_S))
    given = GivenText("u", talk, read.text, start=0.5, duration=1.0, channel=0)
    failed: dict[str, str] = {}
    spelling = Spelling(SYMBOLS, "character")
    [aligned] = align_texts([given], reader, spelling, prior_scale=0.0, failed=failed.__setitem__)
    assert not failed
    assert aligned.words == read.words
    assert (aligned.start, aligned.duration) == (0.5, 1.0)
    assert aligned.log_prob_per_frame <= 0


def test_priors_and_texts_that_have_no_alignment(reader: Reader, talk: Path) -> None:
    texts = [
        GivenText("good", talk, "Aba!"), GivenText("long", talk, "ab" * 500), GivenText("gone", Path("no.wav"), "a"),
        GivenText("letters", talk, "xyz"),
    ]  # fmt: skip
    failed: dict[str, str] = {}
    spelling = Spelling(SYMBOLS, "character")
    [aligned] = align_texts(texts, reader, spelling, prior_scale=0.5, failed=failed.__setitem__)
    assert [word.text for word in aligned.words] == ["aba"]
    assert "frames for 1000 tokens" in failed["long"]
    assert "no.wav" in failed["gone"]
    assert "does not write: x y z" in failed["letters"]


@pytest.mark.parametrize(("channel", "names_channel", "remarks"), [
    (None, True, ("the mean of 2 channels",)), (0, False, ("channel 0 of 2 (from 0), since none is named",)),
    (1, True, ()),
])  # fmt: skip
def test_what_was_heard_of_several_channels_is_said(
    reader: Reader, tmp_path: Path, channel: int | None, names_channel: bool, remarks: tuple[str, ...]
) -> None:
    audio_SC = np.random.default_rng(1).uniform(-0.3, 0.3, (4000, 2))
    soundfile.write(tmp_path / "two.wav", audio_SC, 4000)
    given = GivenText("u", tmp_path / "two.wav", "a", channel=channel, names_channel=names_channel)
    failed: dict[str, str] = {}
    [aligned] = align_texts([given], reader, Spelling(SYMBOLS, "character"), prior_scale=0.0, failed=failed.__setitem__)
    band = "4000 Hz: nothing above 2000 Hz, where the recogniser of 8000 Hz listens too"
    assert aligned.remarks == (*remarks, band)
