"""``phones.tsv``: what it says of words and letters, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from datamodules.phones import (
    FILE,
    HEADER,
    Phone,
    check_phones,
    letter_spans,
    phone_lines,
    read_phones,
    shifted,
    word_spans,
)

SAID = (
    Phone(0.0, 0.1, "pau"),
    Phone(0.1, 0.2, "j", 1),
    Phone(0.2, 0.3, "e", 1, "е"),
    Phone(0.3, 0.5, "ll", 1, "ль"),
    Phone(0.5, 0.6, "d", 2, "д"),
    Phone(0.6, 0.7, "a", 2, "а"),
    Phone(0.7, 0.9, "j", 2),
)


def test_words_and_letters_have_the_times_of_their_phones() -> None:
    assert word_spans(SAID) == [(0.1, 0.5), (0.5, 0.9)]
    assert letter_spans(SAID) == [[(0.1, 0.3), (0.3, 0.5), (0.3, 0.5)], [(0.5, 0.6), (0.6, 0.9)]]


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("\n".join([HEADER, *phone_lines("x", SAID)]) + "\n")
    assert read_phones(tmp_path) == {"x": SAID}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("start\n", "line 1: 'start', allowed: "),
        (f"{HEADER}\nx\t0\t1\ta\t1\n", "line 2: .*allowed: six columns"),
        (f"{HEADER}\nx\t0\tsoon\ta\t1\ta\n", "line 2: .*soon"),
        ("", "line 1: ''"),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(ValueError, match=says):
        read_phones(tmp_path)


def test_phones_must_spell_the_text_in_its_time() -> None:
    check_phones("x", "ель да", SAID, duration_seconds=0.9)
    with pytest.raises(ValueError, match=r"utterance 'x': its phones spell 'ель да', allowed: its text 'ель дан'"):
        check_phones("x", "ель дан", SAID, duration_seconds=0.9)
    with pytest.raises(ValueError, match=r"phone 'j' from 0.7 s to 0.9 s, allowed: after 0.7 s and within its 0.8 s"):
        check_phones("x", "ель да", SAID, duration_seconds=0.8)
    with pytest.raises(ValueError, match=r"allowed: after 0\.9 s"):
        check_phones("x", "ель да", (*SAID, Phone(0.4, 0.5, "pau")), duration_seconds=0.9)


def test_trimmed_silence_takes_its_time_from_all_phones() -> None:
    moved = shifted(SAID, -0.1, duration_seconds=0.75)
    assert [phone.name for phone in moved] == ["j", "e", "ll", "d", "a", "j"]
    assert moved[0][:2] == (0.0, 0.1)
    assert moved[-1].end_seconds == 0.75
