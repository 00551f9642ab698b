"""Three-letter codes find the rules of their language; what has no rules of its own, and what vanishes, is said."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from datamodules.importers.entry import ManifestEntry, language_code
from datamodules.importers.kaldi import read_kaldi
from datamodules.importers.table import read_tsv
from datamodules.importers.taken_texts import TextsTaken
from datamodules.run_warning import RunWarning
from datamodules.texts.language_codes import TWO_LETTERS
from datamodules.texts.text_rules import RULES, normalise


def entry(language: str, text: str = "Ab") -> ManifestEntry:
    return ManifestEntry("u", Path("u.wav"), text, "train.tsv, line 2", language=language)


def test_the_table_has_every_language_with_rules_and_is_well_formed() -> None:
    assert {code for code in RULES if len(code) == 2} <= set(TWO_LETTERS.values())
    assert all(re.fullmatch("[a-z]{3}", long) and re.fullmatch("[a-z]{2}", two) for long, two in TWO_LETTERS.items())
    assert len(set(TWO_LETTERS.values())) == 183  # as many two-letter codes as ISO 639-1 has today
    for pair in (("fre", "fra"), ("ger", "deu"), ("cze", "ces"), ("slo", "slk"), ("dut", "nld"), ("gre", "ell")):
        assert len({TWO_LETTERS[code] for code in pair}) == 1


def test_turkish_capitals_under_a_code_of_three_letters(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("audio\ttext\tlanguage\na.wav\tISPARTA İzmir\ttur\n", encoding="utf-8")
    [read] = read_tsv(tmp_path / "train.tsv")
    assert read.language == "tr"
    assert TextsTaken().take(read, "train").text == "ısparta izmir"
    assert language_code("kab", key="", place="") == "kab"
    for code in ("tur", "azj", "aze", "crh", "tr-TR"):
        assert normalise("ISPARTA", language=code) == "ısparta"


def test_a_language_with_generic_rules_alone_is_said_and_another_is_not() -> None:
    with pytest.warns(RunWarning, match=r"language 'kab' has the generic text rules alone"):
        TextsTaken().take(entry("kab"), "train")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TextsTaken().take(entry("tr"), "train")


@pytest.mark.parametrize("with_segments", [True, False])
def test_kaldi_utterances_without_a_text_are_counted_and_named(tmp_path: Path, with_segments: bool) -> None:
    names = ["a", "b", "c", "d", "e"]
    if with_segments:
        (tmp_path / "wav.scp").write_text("r r.wav\n")
        (tmp_path / "segments").write_text("".join(f"{name} r {n} {n + 1}\n" for n, name in enumerate(names)))
    else:
        (tmp_path / "wav.scp").write_text("".join(f"{name} {name}.wav\n" for name in names))
    (tmp_path / "text").write_text("b hello\n")
    with pytest.warns(RunWarning, match=r"left out utterances without a line in text: 4 \(a, c, d, …\)"):
        assert [read.utterance_id for read in read_kaldi(tmp_path)] == ["b"]


def test_such_warnings_are_one_line_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "wav.scp").write_text("a a.wav\nb b.wav\n")
    (tmp_path / "text").write_text("b hello\n")
    command = [sys.executable, "-m", "experiments", "data", "check", str(tmp_path), "--language", "kab"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1  # the audio is missing
    said = done.stderr.splitlines()
    assert f"warning: {tmp_path}: left out utterances without a line in text: 1 (a)" in said
    assert any(line.startswith("warning: language 'kab' has the generic text rules alone") for line in said)
