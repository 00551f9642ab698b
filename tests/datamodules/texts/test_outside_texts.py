"""Texts from elsewhere: sentences of plain files and fortunes."""

from __future__ import annotations

from datamodules.texts.outside_texts import outside_texts


def test_fortunes_are_parted_by_percent_signs_and_lines_within_one_are_joined() -> None:
    found = outside_texts("One fish\nand another. Ha!\n%\n\t-- Nobody\n%\n", language="en")
    assert found.texts[:2] == ("one fish and another", "ha")


def test_who_said_a_fortune_is_no_sentence() -> None:
    said = (
        'No full stop\n\t\t-- Mark Twain, "A Book"\n\t\t   (of his. Later)\n',
        "Unindented.\n--Andy\n",
        "In colour.\n\x1b[33m    -- Debian\n",
        "-- First line of all\n",
        "Go on\n-- she said --\nand on.\n",
        "An arrow.\n--> there\n",
    )
    found = outside_texts("%\n".join(said), language="en")
    assert found.left_out == {"an attribution": 3, "signs": 1}
    assert found.texts == (
        "no full stop", "unindented", "in colour", "first line of all", "go on she said and on", "an arrow",
    )  # fmt: skip
    assert outside_texts("Ahoj.\n-- Nazdar.\n", language="cs").texts == ("ahoj", "nazdar")  # no fortunes


def test_italian_fortunes_with_accents_typed_as_apostrophes_are_left_out() -> None:
    found = outside_texts("%\nPerche' no? E' tardi. Un po' di pane. L'acqua e` qui.\n%\n", language="it")
    assert found.texts == ("un po' di pane",)
    assert found.left_out == {"accents typed as apostrophes": 3}
    assert outside_texts("%\nThe dogs' tea'\n", language="en").texts == ("the dogs tea",)


def test_repeats_and_what_is_no_letters_are_counted() -> None:
    found = outside_texts("again\nagain\n42 fish\n...\n", language="en")
    assert found.texts == ("again",)
    assert found.left_out["repeated"] == 1
    assert sum(found.left_out.values()) == 3


def test_sentences_end_at_the_full_stops_of_other_scripts() -> None:
    assert outside_texts("「你好。」他说，「再见！」", language="zh").texts == ("你好", "他说 再见")
    assert outside_texts("नमस्ते। कैसे हो।", language="hi").texts == ("नमस्ते", "कैसे हो")
    assert outside_texts("ما اسمك؟ انا بخير", language="ar").texts == ("ما اسمك", "انا بخير")
