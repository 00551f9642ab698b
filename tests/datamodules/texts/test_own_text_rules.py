"""A user's own text rules: what they keep, and how a wrong one is refused."""

from __future__ import annotations

import pytest

from datamodules.texts.own_text_rules import own_text_rules
from datamodules.texts.text_rules import RULES, UnspeakableTextError, normalise


def test_a_letter_that_ours_would_lose_is_kept_and_characters_are_mapped() -> None:
    own = own_text_rules(
        {"kab": {"script": "LATIN", "letters": "'%", "map": {"ε": "ɛ"}}, "lg": {"apostrophe_after": "G"}},
        where="rules.yaml",
    )
    assert normalise("'As εa % 'a'", language="kab", own=own) == "'as ɛa % 'a'"
    assert normalise("%", language="kab", own=own) == "%"
    assert normalise("Ng' 'n' eng'", language="lug", own=own) == "ng' n eng'"
    with pytest.raises(UnspeakableTextError, match="another script"):
        normalise("азул", language="kab", own=own)


def test_what_a_language_does_not_say_is_as_ever_and_so_are_other_languages() -> None:
    own = own_text_rules({"nl": {"letters": "@"}}, where="rules.yaml")
    assert normalise("'s Avonds @ 'huis'", language="nl", own=own) == "'s avonds @ huis"
    assert own["nl"].leading == RULES["nl"].leading
    assert normalise("ISPARTA", language="tr", own=own) == "ısparta"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([], r"r.yaml: \[\], allowed: a mapping with texts for keys"),
        ({1: {}}, r"r.yaml: \{1: \{\}\}, allowed: a mapping"),
        ({"ha": "'"}, r"r.yaml: ha: .*, allowed: a mapping"),
        ({"ha": {"leters": "'"}}, "r.yaml: ha.leters: no such key, allowed: script, letters, map, "),
        ({"ha": {"letters": ["'"]}}, r"r.yaml: ha.letters: .*, allowed: characters in quotes, without spaces"),
        ({"ha": {"apostrophe_before": "y y"}}, "r.yaml: ha.apostrophe_before: 'y y', allowed: characters"),
        ({"ha": {"map": {"a": 1}}}, "r.yaml: ha.map.a: 1, allowed: text in quotes"),
        ({"ha": {"map": "a"}}, "r.yaml: ha.map: 'a', allowed: a mapping"),
        ({"ha": {"script": "latin"}}, r"r.yaml: ha.script: 'latin', allowed: null for any, or .*LATIN, CYRILLIC"),
    ],
)
def test_a_wrong_rule_is_refused_with_file_key_value_and_what_is_allowed(value: object, says: str) -> None:
    with pytest.raises(ValueError, match=says) as told:
        own_text_rules(value, where="r.yaml")
    assert "\n" not in str(told.value)
