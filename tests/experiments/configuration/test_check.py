"""Configurations that another process checks: its answer is what a check here would have said."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from datamodules.run_warning import RunWarning
from experiments.configuration import check, schema
from experiments.configuration.check import Question
from experiments.errors import UserError

CONFIG = {
    "model": {"class_path": "a.B", "init_args": {"lr": 1e-5, "on": True, "name": "1e-5", "none": None, "n": [1, 2.5]}}
}


def _answer(folder: Path, *questions: Question) -> None:
    check.ask(folder, questions)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warnings, "showwarning", warnings.showwarning)
        assert check.main([str(folder)]) == 0
    check.hear(folder)


def test_a_question_arrives_as_it_was_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(schema, "build", lambda config, **more: asked.append(("build", config, more)))
    monkeypatch.setattr(schema, "parse", lambda config, **more: asked.append(("parse", config, more)))
    _answer(tmp_path, Question("t.yaml: rows.a", "fit", 3, ("mine",), True, CONFIG),
            Question("t.yaml: rows.b", "score", 0, (), False, CONFIG))  # fmt: skip
    assert asked == [
        ("build", CONFIG, {"stage": "fit", "seed": 3, "where": "t.yaml: rows.a", "imports": ["mine"]}),
        ("parse", CONFIG, {"stage": "score", "seed": 0, "where": "t.yaml: rows.b", "imports": []}),
    ]


def test_a_refusal_and_what_classes_warn_of_are_said_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(config: object, *, where: str, **_: object) -> None:
        warnings.warn("two clips are clipped", RunWarning, stacklevel=1)
        if where == "b":
            raise UserError("b: model: unknown key 'nothing'")

    monkeypatch.setattr(schema, "build", build)
    questions = [Question(where, "fit", 0, (), True, CONFIG) for where in "ab"]
    with pytest.warns(RunWarning, match="two clips"):
        _answer(tmp_path, questions[0])
    with pytest.raises(UserError, match="unknown key 'nothing'"), pytest.warns(RunWarning):
        _answer(tmp_path, *questions)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("nowhere.txt", None, "No such file or directory; expected a text file, a word or phrase a line"),
        ("latin.txt", b"caf\xe9\n", "not UTF-8; expected a text file, a word or phrase a line"),
        ("empty.txt", b"\n", "holds no word; expected a word or phrase a line"),
    ],
)
def test_a_file_that_a_decoder_cannot_read_is_named(
    tiny_speech: Path, tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    decoder = {
        "class_path": "lightning_modules.asr.ctc.hotword_beam.HotwordBeam",
        "init_args": {"hotwords": str(tmp_path / name)},
    }
    config = {
        "data": {
            "class_path": "datamodules.asr.SpeechDataModule",
            "init_args": {"corpus": "spoken_tones/tiny", "batch_seconds": 20},
        },
        "scoring": {
            "class_path": "lightning_modules.asr.scoring.decoding_scoring.DecodingScoring",
            "init_args": {"decoder": decoder},
        },
    }
    with pytest.raises(UserError) as refused:
        check.check([Question("t.yaml: rows.a", "score", 0, (), True, config, ("own", "language_model"))])
    assert str(refused.value) == f"t.yaml: rows.a: hotwords {tmp_path / name}: {says}"
