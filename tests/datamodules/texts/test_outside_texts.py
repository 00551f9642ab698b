"""Texts from elsewhere: sentences of plain files and fortunes."""

from __future__ import annotations

from datamodules.texts.outside_texts import outside_texts


def test_fortunes_are_parted_by_percent_signs_and_lines_within_one_are_joined() -> None:
    found = outside_texts("One fish\nand another. Ha!\n%\n\t-- Nobody\n%\n", language="en")
    assert found.texts[:2] == ("one fish and another", "ha")


def test_repeats_and_what_is_no_letters_are_counted() -> None:
    found = outside_texts("again\nagain\n42 fish\n...\n", language="en")
    assert found.texts == ("again",)
    assert found.left_out["repeated"] == 1
    assert sum(found.left_out.values()) == 3


def test_sentences_end_at_the_full_stops_of_other_scripts() -> None:
    assert outside_texts("「你好。」他说，「再见！」", language="zh").texts == ("你好", "他说 再见")
    assert outside_texts("नमस्ते। कैसे हो।", language="hi").texts == ("नमस्ते", "कैसे हो")
    assert outside_texts("ما اسمك؟ انا بخير", language="ar").texts == ("ما اسمك", "انا بخير")
