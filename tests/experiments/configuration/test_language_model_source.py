"""A row whose decoder hears a language model names one: said before anything is trained."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lightning_modules.asr
from experiments.configuration.check import Question, check
from experiments.configuration.language_model_source import check_language_model, hears_language_model
from experiments.errors import UserError
from lightning_modules.asr.ctc.decoder import Decoder
from lightning_modules.asr.ctc.fused_decoders import FusedBeam, Rescored
from lightning_modules.asr.scoring.decoding_scoring import DecodingScoring

CTC = "lightning_modules.asr.ctc"
SCORING = "lightning_modules.asr.scoring"


def _scoring(decoder: Any) -> dict[str, Any]:
    return {"class_path": f"{SCORING}.decoding_scoring.DecodingScoring", "init_args": {"decoder": decoder}}


def _question(scoring: dict[str, Any], *sources: str, has_data: bool = True) -> Question:
    data = {"class_path": "datamodules.asr.SpeechDataModule",
            "init_args": {"corpus": "spoken_tones/tiny", "batch_seconds": 20}}  # fmt: skip
    return Question("t.yaml: rows.a", "score", 0, (), has_data, {"data": data, "scoring": scoring}, sources)


def test_a_decoder_that_needs_one_is_refused_without(tiny_speech: Path) -> None:
    check([_question(_scoring(f"{CTC}.decoder.PrefixBeam"), "own")])
    beam = {"class_path": f"{CTC}.fused_decoders.FusedBeam", "init_args": {"beam_size": 8}}
    check([_question(_scoring(beam), "own", "language_model")])
    said = (
        r"^t\.yaml: rows\.a: scoring\.decoder: FusedBeam needs the run of a language model: "
        r"from: \{language_model: row or table/row\}$"
    )
    with pytest.raises(UserError, match=said):
        check([_question(_scoring(beam), "own")])
    with pytest.raises(UserError, match=said):  # before there are data too
        check([_question(_scoring(beam), "own", has_data=False)])


def test_one_of_several_decoders_is_named() -> None:
    decoders = {"plain": f"{CTC}.decoder.Greedy", "wide": {"class_path": f"{CTC}.look_ahead_beam.LookAheadBeam"}}
    several = {"class_path": f"{SCORING}.several_decodings.SeveralDecodings", "init_args": {"decoders": decoders}}
    with pytest.raises(UserError, match=r"scoring\.decoders\.wide: LookAheadBeam needs the run of a language model"):
        check([_question(several, "own", has_data=False)])


def _subclasses(of: type) -> Iterator[type]:
    for found in of.__subclasses__():
        yield found
        yield from _subclasses(found)


def test_every_decoder_of_ours_is_known_for_what_it_reads() -> None:
    package = lightning_modules.asr
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
    reads = ("read_language_model(", "read_character_model(")
    hear = {
        decoder: any(read in inspect.getsource(base) for base in decoder.__mro__[:-3] for read in reads)
        for decoder in _subclasses(Decoder)
        if decoder.__module__.startswith(package.__name__)
    }
    assert {decoder: hears_language_model(decoder) for decoder in hear} == hear
    assert sum(hear.values()) >= 7
    assert not all(hear.values())


class _WithItsOwn(FusedBeam):
    def prepare(self, **_: Any) -> None:
        """A model of its own."""


class _Renamed(Rescored):
    """The same under another name."""


class _OwnScoring(DecodingScoring):
    def score(self, **_: Any) -> dict[str, float]:
        """With a model of its own."""
        return {}


def test_what_a_user_s_own_class_does_is_its_own_affair() -> None:
    assert not hears_language_model(_WithItsOwn)
    assert hears_language_model(_Renamed)
    own = _scoring(f"{__name__}._Renamed")
    with pytest.raises(UserError, match="_Renamed needs"):
        check_language_model({"scoring": own}, ["own"], where="t.yaml: rows.a")
    check_language_model({"scoring": {**own, "class_path": f"{__name__}._OwnScoring"}}, ["own"], where="t.yaml: rows.a")
