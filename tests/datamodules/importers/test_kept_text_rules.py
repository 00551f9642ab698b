"""A corpus keeps the text rules that it was imported with: in its digest, under check, read again, never stale."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from datamodules.corpora.card_digest import card_digest
from datamodules.corpus_changes import check_files
from datamodules.corpus_files import CorpusChangedError, audio_files, facts_of
from datamodules.corpus_folder import CorpusCard, data_root, read_card
from datamodules.run_warning import RunWarning
from datamodules.texts.corpus_text_rules import (
    FILE,
    given_rules,
    recorded_rules,
    rules_not_kept,
    text_rules_of,
    warn_of_rules_not_kept,
)
from datamodules.texts.own_text_rules import own_text_rules
from experiments.cli import main

from ...kabyle import RULES, import_kabyle

KABYLE = {"kab": RULES, "yo": {"letters": "@"}}
Import = Callable[..., CorpusCard]


@pytest.fixture
def again(earmark_home: Path, tmp_path: Path) -> Import:
    """Imports the corpus by rules; by none where none are given."""
    return lambda rules, name="mine": import_kabyle(tmp_path, rules=rules, name=name, french=True)


def found_digest(name: str = "mine") -> str:
    folder = data_root() / name
    facts = {file: facts_of(Path(file)) for file in audio_files(folder)}
    return card_digest(folder, has_classes=False, audio=facts)


def test_rules_of_the_corpus_s_languages_are_kept_and_read_again(again: Import) -> None:
    card = again(KABYLE)
    assert json.loads((data_root() / "mine" / FILE).read_text(encoding="utf-8")) == {"fr": {}, "kab": RULES}
    assert text_rules_of("mine") == own_text_rules({"kab": RULES, "fr": {}}, where="rules.yaml")
    assert recorded_rules("mine") == given_rules("mine")
    assert (read_card("mine"), found_digest()) == (card, card.digest)
    assert rules_not_kept("mine") == ""
    check_files("mine")


def test_a_corpus_without_rules_keeps_its_digest_and_other_rules_are_other_data(again: Import) -> None:
    plain = again(None).digest
    assert found_digest() == plain
    assert (given_rules("mine"), recorded_rules("mine")) == ({}, {})
    harmless = {"kab": {"apostrophe_before": "q"}}  # changes none of its texts, but those that come later
    card = again(harmless)
    content = (data_root() / "mine" / FILE).read_bytes()
    assert card.digest == hashlib.sha256(plain.encode() + b" text rules " + content).hexdigest() == found_digest()
    assert again({"kab": {"apostrophe_before": "qz"}}).digest != card.digest
    assert again(None).digest == plain  # nothing of the former rules is left
    assert (given_rules("mine"), found_digest()) == ({}, plain)


def test_rules_of_other_languages_alone_are_said_and_change_nothing(again: Import) -> None:
    plain = again(None)
    with pytest.warns(RunWarning, match=r"rules\.yaml: kba: no utterance of it, .* \(fr, kab\)"):
        card = again({"kba": {"letters": "@"}})
    assert card == plain
    assert not (data_root() / "mine" / FILE).exists()


def test_edited_damaged_and_lost_rules_are_refused_in_one_line(again: Import) -> None:
    again(KABYLE)
    path = data_root() / "mine" / FILE
    kept = path.read_text(encoding="utf-8")
    path.write_text(kept.replace("ɛ", "e"), encoding="utf-8")
    with pytest.raises(CorpusChangedError, match=rf"1 of \d+ files changed since it was imported \({FILE}\)"):
        check_files("mine")
    assert main(["data", "check", "mine", "--digest"]) == 1
    path.write_text('{"kab": {"letter": "x"}}', encoding="utf-8")
    with pytest.raises(CorpusChangedError, match=r"is damaged \(.*kab\.letter: no such key, allowed: script, letters"):
        given_rules("mine")
    path.unlink()
    with pytest.raises(CorpusChangedError, match=rf"{FILE} is gone; restore it, or make it again: earmark data import"):
        text_rules_of("mine")


def test_a_corpus_that_an_older_earmark_imported_with_rules_says_that_it_has_none(again: Import) -> None:
    old = replace(again(None), description="imported from train.tsv, text rules of rules.yaml")
    old.write(data_root() / "mine")
    assert (rules_not_kept("mine"), given_rules("mine"), recorded_rules("mine")) == ("rules.yaml", {}, None)
    with pytest.warns(RunWarning, match=r"with the text rules of rules\.yaml and does not keep them"):
        warn_of_rules_not_kept("mine")


def test_of_joined_corpora_the_first_one_s_rules_of_a_language_count_and_it_is_said(again: Import) -> None:
    again(KABYLE, "one")
    again({"kab": {"letters": "@"}}, "two")
    with pytest.warns(RunWarning, match=r"'one' and 'two' have different text rules of 'kab': .* those of 'one'"):
        assert given_rules("one + two") == given_rules("one")
    again(KABYLE, "two")
    with warnings.catch_warnings():
        warnings.simplefilter("error", RunWarning)
        assert given_rules("one + two") == given_rules("one")
    again(None, "three")
    with pytest.warns(RunWarning, match=r"^'three' was prepared without .* in kab, those .* follow the rules of one$"):
        assert given_rules("three + one") == given_rules("one")


def test_checking_a_corpus_with_rules_of_its_own_calls_none_of_them_generic(
    again: Import, capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    again(KABYLE)
    recwarn.clear()
    main(["data", "check", "mine", "--json"])
    capsys.readouterr()
    assert not [warning for warning in recwarn if "generic text rules" in str(warning.message)]
    again(None)
    with pytest.warns(RunWarning, match="language 'kab' has the generic text rules alone"):
        main(["data", "check", "mine", "--json"])
