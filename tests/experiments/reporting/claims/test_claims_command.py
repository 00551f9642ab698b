"""``earmark claims``: which pack a line asks, and that a row with a search is the trial that validation chose."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from experiments.cli import main
from experiments.commands import claims
from experiments.errors import UserError
from experiments.stored_results.packs import packed_store

PACK = Path(__file__).resolve().parents[4] / "results" / "tagger_search-demo.tar.xz"
OF_A_SEARCH = """title: Of a search
tuned:
  says: A tuned network tags better than none.
  because: it has heard the classes
  evidence:
    - {table: tagger_search, scale: demo, row: tagger, column: test/tagging_f1_macro, above: 0.1}
    - {table: tagger_search, scale: study, row: tagger, column: test/tagging_f1_macro, above: 0.1}
"""


@pytest.fixture
def packs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> claims._Packs:
    """Three packs of one table, of scale demo, study, and of demo with ``--set``."""

    def opened(file: Path) -> SimpleNamespace:
        scale, *changed = file.stem.split("_")
        return SimpleNamespace(table=SimpleNamespace(name="t", scale=scale, overrides=dict.fromkeys(changed, 1)))

    monkeypatch.setattr(packed_store, "open_packs", lambda files, folder: files[0])
    monkeypatch.setattr(claims, "of_packs", opened)
    return claims._Packs([Path("demo_seed.tar"), Path("demo.tar"), Path("study.tar")], tmp_path)


def test_what_was_made_with_set_answers_nothing_and_is_named(
    capsys: pytest.CaptureFixture[str], packs: claims._Packs
) -> None:
    found: Any = packs.of("t", "demo")
    assert found.table.overrides == {}
    assert capsys.readouterr().err == "demo_seed.tar: made with --set seed=1, so it answers no claim\n"


def test_a_line_that_names_a_scale_asks_its_pack_and_one_that_does_not_is_refused(packs: claims._Packs) -> None:
    found: Any = packs.of("t", "study")
    assert found.table.scale == "study"
    assert packs.of("t", "full") is None
    assert packs.of("other", None) is None
    with pytest.raises(UserError, match="--results: 2 packs of table t, of scale demo, study; allowed: one"):
        packs.of("t", None)


@pytest.mark.integration
def test_a_row_with_a_search_is_the_trial_that_validation_chose(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(OF_A_SEARCH)
    assert main(["claims", str(path), "--results", str(PACK), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["title"] == "Of a search"
    first, second = said["claims"]["tuned"]["evidence"]
    assert main(["report", "--results", str(PACK), "--json"]) == 0
    mean = json.loads(capsys.readouterr().out)["rows"]["tagger"]["test/tagging_f1_macro"]["mean"]
    assert first["effect"] == pytest.approx(mean - 0.1)
    assert first["why"] == "one run says nothing of others"
    assert second["why"] == "no results of table tagger_search at scale study"
