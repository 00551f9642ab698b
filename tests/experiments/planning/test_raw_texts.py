"""Files of words that a row takes as they stand: said where the corpus's own text rules would have them otherwise."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from datamodules.corpus_folder import data_root, read_card
from datamodules.run_warning import RunWarning
from experiments.planning.cell import Cell
from experiments.planning.checked_corpora import CheckedCorpora
from experiments.planning.raw_texts import warn_of_raw_texts
from experiments.runs.keys import RunKey
from experiments.table_files.spec import Row, Table

from ...kabyle import NORMALISED, RULES, WRITTEN, import_kabyle


def said(scoring: dict[str, Any], *, state: str = "missing") -> list[str]:
    config = {
        "data": {"class_path": "m.D", "init_args": {"corpus": "mine"}},
        "scoring": {"class_path": "m.S", "init_args": scoring},
    }
    row = Row("t", "biased", "", "score", config, {})
    table = Table("t", Path("t.yaml"), "T", "asr", "demo", {"biased": row}, (0, 1), (), {}, (), ())
    cells = [Cell(table, row, seed, RunKey("c", "d", "e", seed, ""), {}, state, "", None) for seed in (0, 1)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_raw_texts(cells)
    return [str(one.message) for one in caught if one.category is RunWarning]


def test_hotwords_and_word_lists_that_are_not_as_the_corpus_writes(earmark_home: Path, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text(f"{WRITTEN}\n\n{NORMALISED}\nsemmus\n", encoding="utf-8")
    biased = {"decoder": {"class_path": "m.HotwordBeam", "init_args": {"hotwords": str(names)}}}
    import_kabyle(tmp_path, rules=None)
    assert said(biased) == []
    import_kabyle(tmp_path, rules={"kab": RULES})
    [line] = said(biased)
    kept = f"(text rules of corpus 'mine': {data_root()}/mine/text_rules.json); a row takes the file as it stands"
    says = f"1 of 3 phrases are written otherwise than its texts can be ({WRITTEN})"
    assert line == f"row biased: hotwords {names}: {says} {kept}"
    assert said(biased, state="finished") == []
    [line] = said({"word_list": "words.txt"})
    assert line == f"row biased: word_list words.txt: its words are compared as they stand, not normalised {kept}"
    names.write_text(f"{NORMALISED}\n", encoding="utf-8")
    assert said({**biased, "word_list": None}) == []


def test_a_plan_says_what_an_older_earmark_did_not_keep(earmark_home: Path, tmp_path: Path) -> None:
    card = import_kabyle(tmp_path, rules=None)
    replace(card, description=f"{card.description}, text rules of rules.yaml").write(data_root() / "mine")
    with pytest.warns(RunWarning, match=r"'mine' was imported with the text rules of rules\.yaml and does not keep"):
        assert CheckedCorpora().digest("mine") == read_card("mine").digest
