"""A run on a corpus with text rules of its own: texts from outside and Whisper's follow them; its record says them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from datamodules.corpus_folder import data_root
from datamodules.run_warning import RunWarning
from datamodules.texts.corpus_text_rules import FILE
from datamodules.texts.own_text_rules import follow, own_text_rules
from datamodules.texts.text_rules import RULES as OURS
from datamodules.texts.text_rules import normalise
from datamodules.texts.written_words import written_words
from experiments.errors import UserError
from experiments.launching.prepare import prepare_run
from experiments.planning.cell import Cell
from experiments.planning.plan import make_plan
from experiments.runs.journal import Journal
from experiments.runs.run_folder import KEY
from experiments.table_files.spec import read_table
from experiments.tracking.tracked_run import TrackedRun
from experiments.training import train
from experiments.training.corpus_rules import follow_text_rules
from lightning_modules.lm.stored import load_ngrams

from ...kabyle import GENERAL, NORMALISED, RULES, WRITTEN, import_kabyle
from ..stored_runs import Folders

TABLE = """title: Texts from outside
family: lm
base:
  data: {{class_path: datamodules.text.TextDataModule, init_args: {{corpus: mine, batch_size: 2, unit: word}}}}
  scoring:
    class_path: lightning_modules.lm.outside_scoring.OutsideNgrams
    init_args: {{order: 2, min_count: 1, texts: {{kab: {texts}}}}}
rows:
  outside: {{why: counts, stage: score}}
seeds: [0]
columns: {{validation/perplexity_per_token: {{label: p, better: lower}}}}
"""


class Store(Folders):
    """Holds no run."""

    def find(
        self, family: str, *, tags: Mapping[str, Any], having: Sequence[str] = (), limit: int | None = None
    ) -> list[TrackedRun]:
        return []


@pytest.fixture(autouse=True)
def general_rules() -> Iterator[None]:
    """A run's process ends with it; this one goes on."""
    ours = dict(OURS)
    yield
    follow({})
    assert ours == OURS


def data(corpus: str) -> dict[str, Any]:
    """The sections of a run that name its corpus."""
    return {"data": {"class_path": "datamodules.text.TextDataModule", "init_args": {"corpus": corpus}}}


def planned(store: Store, folder: Path) -> Cell:
    (folder / "texts.txt").write_text(f"{WRITTEN}!\nYiwen n wεessas d'\nSdat 5\n", encoding="utf-8")
    (folder / "table.yaml").write_text(TABLE.format(texts=folder / "texts.txt"), encoding="utf-8")
    (cell,) = make_plan(read_table(str(folder / "table.yaml")), store)
    return cell


def ran(cell: Cell, store: Store) -> tuple[set[str], dict[str, float]]:
    """The words of the language model, and the figures."""
    assert cell.key is not None
    run_dir = store.run_dir(cell.key.id)
    run_dir.mkdir(parents=True)
    prepare_run(cell, store, machine={}, git={})
    with pytest.warns(RunWarning, match="sentences are trained on"):
        train.run(run_dir, Journal(run_dir))
    return set(load_ngrams(run_dir / "scores").symbols), json.loads((run_dir / "metrics.json").read_text())


def test_texts_from_outside_follow_the_rules_of_the_runs_corpus(earmark_home: Path, tmp_path: Path) -> None:
    store = Store(earmark_home)
    import_kabyle(tmp_path, rules=None)
    cell = planned(store, tmp_path)
    words, metrics = ran(cell, store)
    assert (metrics["outside/sentences"], metrics["outside/left_out_digits"]) == (1, 1)
    assert {*["γef", "wεezzi", "d", "n", "wεessas"]} <= words
    assert cell.key is not None
    assert json.loads((store.run_dir(cell.key.id) / KEY).read_text())["text_rules"] == {}

    import_kabyle(tmp_path, rules={"kab": RULES})
    cell = planned(store, tmp_path)
    words, metrics = ran(cell, store)
    assert metrics["outside/sentences"] == 2  # without the one that is a training text
    assert metrics["outside/left_out_a_training_text"] == 1
    assert "outside/left_out_digits" not in metrics
    by_hand = ["yiwen", "n", "wɛessas", "d'", "sdat", "semmus"]
    own = own_text_rules({"kab": RULES}, where="rules.yaml")
    assert by_hand == normalise("Yiwen n wεessas d' Sdat 5", language="kab", own=own).split()
    assert {*by_hand, *NORMALISED.split()} <= words
    assert not [word for word in words if set(word) & set("εγ5")]
    assert cell.key is not None
    assert json.loads((store.run_dir(cell.key.id) / KEY).read_text())["text_rules"] == {"kab": RULES}


def test_what_whisper_writes_follows_them_until_another_corpus_is_read(earmark_home: Path, tmp_path: Path) -> None:
    import_kabyle(tmp_path, rules={"kab": RULES})
    import_kabyle(tmp_path, rules=None, name="plain")
    follow_text_rules(data("mine"))
    assert written_words(WRITTEN, language="kab") == (NORMALISED, ())
    assert written_words("’s Avonds", language="nl").text == "'s avonds"
    follow_text_rules(data("plain"))
    assert written_words(WRITTEN, language="kab").text == GENERAL


def test_a_run_whose_corpus_lost_its_rules_does_not_start(earmark_home: Path, tmp_path: Path) -> None:
    import_kabyle(tmp_path, rules={"kab": RULES})
    (data_root() / "mine" / FILE).unlink()
    with pytest.raises(UserError, match=rf"corpus 'mine': .*{FILE} is gone"):
        follow_text_rules(data("mine"))
    cell = planned(Store(earmark_home), tmp_path)
    assert (cell.state, cell.key) == ("stale", None)
    assert f"{FILE} is gone; restore it, or make it again: earmark data import mine … --rebuild" in cell.why
