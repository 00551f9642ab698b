"""Arguments that argparse itself leaves over: files behind options are the command's, anything else is refused."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from experiments import cli
from experiments.commands.using import predict, transcribe


@pytest.mark.parametrize(
    ("module", "command", "files"), [(transcribe, "transcribe", "audio"), (predict, "predict", "words")]
)
def test_files_may_stand_behind_options(
    module: Any, command: str, files: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[argparse.Namespace] = []

    def ask(arguments: argparse.Namespace) -> int:
        asked.append(arguments)
        return 0

    monkeypatch.setattr(module, "run", ask)
    assert cli.main([command, "RUN", "-o", "out", "a.wav", "b.wav"]) == 0
    assert getattr(asked[0], files)[-2:] == ["a.wav", "b.wav"]
    with pytest.raises(SystemExit):
        cli.main([command, "RUN", "a.wav", "--outptu", "out", "b.wav"])
    assert "unknown argument '--outptu'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["plan", "weak_sed", "a.wav"])
    assert "unknown argument 'a.wav'" in capsys.readouterr().err
