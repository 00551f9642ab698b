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


@pytest.mark.parametrize(
    "command",
    [
        "predict abc",
        "transcribe abc",
        "transcribe --hotwords anna abc",
        "align abc --manifest",
        "data import mine --task speech --train",
        "export abc",
        "results merge",
        "fit",
        "report weak_sed --output",
    ],
)
def test_an_empty_text_is_no_path(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    """What a variable that nobody has set leaves: this folder would be meant."""
    with pytest.raises(SystemExit) as left:
        cli.main([*command.split(), ""])
    assert left.value.code == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "expected a path, got an empty text" in line
