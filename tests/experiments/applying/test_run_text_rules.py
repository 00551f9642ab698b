"""Whose text rules a run's texts follow: its record's, else its corpus's, else the general ones, which is said."""

from __future__ import annotations

import json
import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import pytest

from datamodules.corpus_folder import data_root
from datamodules.run_warning import RunWarning
from datamodules.texts.own_text_rules import own_text_rules
from datamodules.texts.text_rules import TextRules
from experiments.applying.chosen_run import EXPORTED, ChosenRun, read_folder
from experiments.applying.run_text_rules import text_rules_of_run
from experiments.errors import UserError

from ...kabyle import RULES, import_kabyle

OWN = own_text_rules({"kab": RULES}, where="rules.yaml")
CONFIG = {"data": {"class_path": "m.D", "init_args": {"corpus": "mine"}}, "model": {"class_path": "m.M"}}
CHOSEN = ChosenRun("ctc seed 0", "abc", Path("abc"), Path("abc"), CONFIG, "asr", {})


def quietly(chosen: ChosenRun) -> dict[str, TextRules]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", RunWarning)
        return text_rules_of_run(chosen)


def test_the_runs_own_record_needs_no_corpus(earmark_home: Path) -> None:
    assert quietly(replace(CHOSEN, text_rules={"kab": RULES})) == OWN
    assert quietly(replace(CHOSEN, text_rules={})) == {}
    with pytest.raises(UserError, match=r"run ctc seed 0: text_rules: kab\.letter: no such key, allowed: script, "):
        text_rules_of_run(replace(CHOSEN, text_rules={"kab": {"letter": "x"}}))


def test_a_run_without_a_record_has_the_rules_of_its_corpus(earmark_home: Path, tmp_path: Path) -> None:
    card = import_kabyle(tmp_path, rules={"kab": RULES})
    assert quietly(CHOSEN) == OWN
    assert quietly(replace(CHOSEN, corpus_digest=card.digest)) == OWN
    with pytest.warns(RunWarning, match="trained on another mine than the one on this disk, whose text rules count"):
        assert text_rules_of_run(replace(CHOSEN, corpus_digest="other")) == OWN
    plain = import_kabyle(tmp_path, rules=None)
    assert quietly(replace(CHOSEN, corpus_digest="other")) == {}
    replace(plain, description="imported, text rules of rules.yaml").write(data_root() / "mine")
    with pytest.warns(RunWarning, match="does not keep them"):
        assert text_rules_of_run(CHOSEN) == {}
    shutil.rmtree(data_root() / "mine")
    with pytest.warns(RunWarning, match=r"does not say whether .* follow the general rules .*'mine' is not prepared"):
        assert text_rules_of_run(CHOSEN) == {}
    ours = {**CONFIG, "data": {"class_path": "m.D", "init_args": {"corpus": ["prompts", "spoken_tones/tiny"]}}}
    assert quietly(replace(CHOSEN, config=ours)) == {}  # earmark's own corpora have none


@pytest.mark.parametrize("rules", [None, {}, {"kab": RULES}])
def test_records_of_runs_and_of_exported_folders_are_read(tmp_path: Path, rules: object) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "best.ckpt").touch()
    (tmp_path / "config.yaml").write_text("model: {class_path: m.M}\n")
    more = {} if rules is None else {"text_rules": rules}
    (tmp_path / "key.json").write_text(json.dumps({"data": "d", **more}))
    chosen = read_folder(tmp_path)
    assert (chosen.corpus_digest, chosen.text_rules) == ("d", rules)
    record = {"name": "a", "key": "b", "family": "asr", "config": {}, "weights": "w.safetensors", **more}
    (tmp_path / "w.safetensors").touch()
    (tmp_path / EXPORTED).write_text(json.dumps(record))
    assert read_folder(tmp_path).text_rules == rules
