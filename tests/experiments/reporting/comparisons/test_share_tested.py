"""n_test / n_train of folds, which the corrected t-test needs: of corpora their clips, of k deals one part of k - 2."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from datamodules.corpus_folder import CorpusCard
from experiments.reporting.comparisons.columns import share_tested
from experiments.stored_results.split_references import TestSplits
from experiments.table_files.folds import in_fold, read_folds


def share(stored: ModuleType, folder: Path, folds: object, *, finished: int) -> float | None:
    """Of a table whose first folds have a finished run."""
    settings = read_folds(folds, where="t.yaml")
    table = replace(stored.make_table(folder, "sed", ["base"]), folds=settings)
    tracker = stored.Folders(folder)
    cells = [
        replace(stored.make_cell(table, tracker, "base", number, {}), fold=fold, row=in_fold(table.rows["base"], of))
        for number, (fold, of) in enumerate(settings.items())
    ]
    return share_tested(table, cells[:finished], TestSplits())


@pytest.mark.parametrize(("num_deals", "finished"), [(3, 3), (5, 5), (5, 2)])
def test_of_deals_two_parts_do_not_train(stored: ModuleType, tmp_path: Path, num_deals: int, finished: int) -> None:
    found = share(stored, tmp_path, {"deals": num_deals}, finished=finished)
    assert found == pytest.approx(1 / (num_deals - 2))


def test_of_corpora_the_cards_count(stored: ModuleType, earmark_home: Path) -> None:
    for name, (train, test) in {"a": (40, 10), "b": (20, 10)}.items():
        folder = earmark_home / "data" / "x" / name
        folder.mkdir(parents=True)
        CorpusCard(f"x/{name}", "d", ("dog",), 16000, True, {}, {"train": train, "test": test}, "").write(folder)
    folds = {name: {"data.corpus": f"x/{name}"} for name in "ab"}
    assert share(stored, earmark_home, folds, finished=2) == pytest.approx((10 / 40 + 10 / 20) / 2)
