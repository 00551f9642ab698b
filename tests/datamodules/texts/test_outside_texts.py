"""Texts from elsewhere: sentences of plain files and fortunes, and no held-out text among them."""

from __future__ import annotations

from datamodules.texts.outside_texts import outside_texts


def test_held_out_texts_and_near_ones_are_left_out_and_counted() -> None:
    content = (
        "Please hold the line.\nPlease hold the lime!\nPlease, leave a message after the tone.\nplease HOLD the line"
    )
    found = outside_texts(content, language="en", held_out=["please hold the line", "goodbye"])
    assert found.texts == ("please leave a message after the tone",)
    assert found.left_out == {"a held-out text": 2, "nearly a held-out text": 1}


def test_fortunes_are_parted_by_percent_signs_and_lines_within_one_are_joined() -> None:
    found = outside_texts("One fish\nand another. Ha!\n%\n\t-- Nobody\n%\n", language="en", held_out=[])
    assert found.texts[:2] == ("one fish and another", "ha")


def test_repeats_and_what_is_no_letters_are_counted() -> None:
    found = outside_texts("again\nagain\n42 fish\n...\n", language="en", held_out=[])
    assert found.texts == ("again",)
    assert found.left_out["repeated"] == 1
    assert sum(found.left_out.values()) == 3
