"""What a command on a run names as the next one: words that its parser takes, of the files that were written."""

from __future__ import annotations

import io
import shlex
import sys
from pathlib import Path

import pytest

from experiments.cli import build_parser
from experiments.commands.shell.next_command import say_open
from experiments.commands.using.next_use import after_events, after_texts
from lightning_modules.asr.attention.ctc_attention import CTCAttention
from lightning_modules.asr.attention.las import ListenAttendSpell
from lightning_modules.asr.ctc.ctc import CTC


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def watched(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Both streams become terminals, from within the test: pytest changes them after fixtures."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


def parsed(said: Terminal) -> list[str]:
    """The words of the line, without its reason; they parse."""
    prefix, words = said.getvalue().split("    ")[0].split(" ", 1)
    earmark, *rest = shlex.split(words)
    assert (prefix, earmark) == ("next:", "earmark")
    build_parser().parse_args(rest)
    return rest


def test_label_files_beside_recordings_are_corrected_and_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    said = watched(monkeypatch)
    after_events("weak_sed/mil", "demo", [Path("my garden")], ["dcase", "audacity"])
    assert parsed(said)[:4] == ["data", "import", "corrected", "--task"]
    assert "'my garden'" in said.getvalue()


@pytest.mark.parametrize(("folders", "formats"), [([], ["audacity"]), ([Path("new")], ["dcase", "scores"])])
def test_other_predictions_are_looked_at(
    monkeypatch: pytest.MonkeyPatch, folders: list[Path], formats: list[str]
) -> None:
    said = watched(monkeypatch)
    after_events("weak_sed/mil", "demo", folders, formats)
    assert parsed(said) == ["demo", "weak_sed/mil", "--scale", "demo", "--output", "page"]


@pytest.mark.parametrize(
    ("system", "audio", "command"),
    [
        (CTC, Path("talk.wav"), "align"),
        (CTCAttention, Path("talk.wav"), "align"),
        (CTC, None, "demo"),
        (CTCAttention, None, "export"),
        (ListenAttendSpell, Path("talk.wav"), "export"),
    ],
)
def test_texts_are_aligned_or_the_recogniser_shown(
    monkeypatch: pytest.MonkeyPatch, system: type, audio: Path | None, command: str
) -> None:
    said = watched(monkeypatch)
    after_texts(object.__new__(system), "ctc_cells/lstm", None, audio=audio)
    assert parsed(said)[:2] == [command, "ctc_cells/lstm"]
    assert ("talk.txt" in said.getvalue()) == (command == "align")


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_page_is_opened_by_a_program_that_is_there(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    said = watched(monkeypatch)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr("shutil.which", lambda name: None)
    say_open(Path("page/index.html"))
    assert said.getvalue() == ""
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    say_open(Path("page/index.html"))
    assert said.getvalue() == f"next: {'open' if platform == 'darwin' else 'xdg-open'} page/index.html\n"
