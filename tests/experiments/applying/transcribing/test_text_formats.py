"""A transcript in each format, read back by readers of the formats' own rules."""

from __future__ import annotations

import json
import re

import pytest

from experiments.applying.transcribing.text_formats import FORMATS
from experiments.applying.transcribing.transcript import ReadPart, Token, Transcript, Word

WORDS = (
    Word("dobrý", 0.25, 0.75, 0.9, (Token("d", 0.25, 0.5, 0.81), Token("ý", 0.5, 0.75, 1.0))),
    Word("<den>", 0.8, 1.0, 0.5),
    Word("později", 3723.4, 3723.9996, 0.25),
)
PARTS = (
    ReadPart(0.0, 2.0, "dobrý <den>", WORDS[:2]),
    ReadPart(2.0, 3.0, ""),
    ReadPart(3720.0, 3724.0, "později", WORDS[2:]),
)
TALK = Transcript("my talk.wav", 3724.0, "aligned", PARTS, 1.5)
UNTIMED = Transcript("a.wav", 3.0, "parts", (ReadPart(0.5, 3.0, "dobrý den"),))


def test_txt_has_a_line_a_part() -> None:
    assert FORMATS["txt"](TALK) == "dobrý <den>\npozději\n"


def test_srt_cues_count_from_one_with_commas() -> None:
    cues = FORMATS["srt"](TALK).strip().split("\n\n")
    assert cues == [
        "1\n00:00:00,250 --> 00:00:01,000\ndobrý <den>",
        "2\n01:02:03,400 --> 01:02:04,000\npozději",
    ]


def test_vtt_escapes_what_would_be_a_tag() -> None:
    text = FORMATS["vtt"](TALK)
    assert text.startswith("WEBVTT\n\n00:00:00.250 --> 00:00:01.000\ndobrý &lt;den&gt;\n\n")


def test_tsv_is_whole_milliseconds_as_whispers() -> None:
    heading, *rows = FORMATS["tsv"](TALK).splitlines()
    assert heading == "start\tend\ttext"
    assert [row.split("\t") for row in rows] == [["250", "1000", "dobrý <den>"], ["3723400", "3724000", "později"]]


def test_json_has_everything() -> None:
    content = json.loads(FORMATS["json"](TALK))
    assert content["text"] == "dobrý <den> později"
    assert content["parts"][0]["words"][0]["tokens"][1] == {"text": "ý", "start": 0.5, "end": 0.75, "probability": 1.0}
    assert (content["left_out_seconds"], content["times"]) == (1.5, "aligned")


def test_ctm_is_nists() -> None:
    lines = FORMATS["ctm"](TALK).splitlines()
    assert lines[0] == "my_talk.wav 1 0.250 0.500 dobrý 0.900"
    assert all(re.fullmatch(r"\S+ 1 \d+\.\d{3} \d+\.\d{3} \S+ [01]\.\d{3}", line) for line in lines)


def test_without_times_of_words_cues_are_the_parts_and_ctm_is_refused() -> None:
    assert "00:00:00,500 --> 00:00:03,000\ndobrý den" in FORMATS["srt"](UNTIMED)
    with pytest.raises(ValueError, match="attends to nothing"):
        FORMATS["ctm"](UNTIMED)


def test_long_parts_become_cues_of_subtitle_length() -> None:
    words = tuple(Word("slovo", 0.3 * at, 0.3 * at + 0.2, 1.0) for at in range(100))
    talk = Transcript("a.wav", 30.0, "aligned", (ReadPart(0.0, 30.0, " ".join(["slovo"] * 100), words),))
    cues = list(talk.cues())
    assert all(len(cue.text) <= 84 and cue.end - cue.start <= 7.0 for cue in cues)
    assert " ".join(cue.text for cue in cues) == talk.text
