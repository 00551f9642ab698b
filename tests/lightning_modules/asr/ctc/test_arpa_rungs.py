"""An ARPA file of another toolkit in the ladder: the texts and rates of the same n-grams counted here."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datamodules.annotations import TextReferences
from datamodules.texts.tokenizer import Tokenizer, word_tokenizer
from lightning_modules.asr.ctc.decoder import Decoder, PrefixBeam
from lightning_modules.asr.ctc.fused_decoders import FusedBeam, Rescored
from lightning_modules.decoding.language_models.language_model import BackoffNgrams
from lightning_modules.lm.arpa_scoring import ArpaNgrams
from lightning_modules.lm.ngram_scoring import NgramScoring
from lightning_modules.lm.stored import load_ngrams

from ...lm.foreign_arpa import as_kenlm, as_srilm
from .test_ladder import TEXTS, TOKENIZER, folders, scores

__all__ = ["folders"]  # the fixture

WEIGHTS: dict[str, Any] = {"lm_weights": [1.0], "word_bonuses": [1.0]}  # where each grid starts
UNITS = {"characters": TOKENIZER, "words": word_tokenizer(TEXTS * 3)}


def _texts(tokenizer: Tokenizer) -> TextReferences:
    return TextReferences(
        symbols=tokenizer.symbols,
        unit=tokenizer.unit,
        texts={str(number): text for number, text in enumerate(TEXTS)},
        languages=dict.fromkeys(map(str, range(len(TEXTS))), "en"),
        training_texts=tuple(TEXTS * 3),
    )


@pytest.mark.parametrize(
    ("unit", "decoder", "write", "zipped"),
    [
        ("characters", FusedBeam(beam_size=8, **WEIGHTS), as_kenlm, True),
        ("words", FusedBeam(beam_size=8, **WEIGHTS), as_srilm, False),
        ("words", Rescored(beam_size=12, n_best=12, **WEIGHTS), as_kenlm, True),
    ],
    ids=["characters of KenLM", "words of SRILM", "words of KenLM"],
)
def test_a_foreign_file_decodes_as_the_same_ngrams_do(
    unit: str,
    decoder: Decoder,
    write: Callable[[BackoffNgrams], str],
    zipped: bool,
    folders: dict[str, Path],
    tmp_path: Path,
) -> None:
    known = dict.fromkeys(("validation", "test"), _texts(UNITS[unit]))
    ours, theirs, out = (tmp_path / name for name in ("ours", "theirs", "out"))
    for folder in (ours, theirs):
        folder.mkdir()
        (out / folder.name).mkdir(parents=True)
    counted = NgramScoring(order=4).score(predictions={}, references=known, output_dir=ours)
    written = write(load_ngrams(ours)).encode()
    file = tmp_path / ("foreign.arpa.gz" if zipped else "foreign.arpa")
    file.write_bytes(gzip.compress(written) if zipped else written)
    read = ArpaNgrams(file=file).score(predictions={}, references=known, output_dir=theirs)
    assert read == pytest.approx(counted, rel=1e-5)

    of = {**folders, "ours": ours, "theirs": theirs}
    figures = {name: scores(decoder, of, out / name, name) for name in ("ours", "theirs")}
    for figure in ("test/wer", "test/cer", "validation/wer", *(f"decoding/{name}" for name in decoder.weight_grid)):
        assert figures["theirs"][figure] == figures["ours"][figure], figure
    lists = [(out / name / "hypotheses_test.tsv").read_bytes() for name in ("ours", "theirs")]
    assert lists[0] == lists[1]
    weights = [json.loads((out / name / "decoding.json").read_text())["weights"] for name in ("ours", "theirs")]
    assert weights[0] == weights[1]
    alone = scores(PrefixBeam(beam_size=8), of, out)  # what decides is the model, not the posteriors
    assert alone["test/wer"] > figures["theirs"]["test/wer"] + 0.1
