"""Table files and arguments that are nobody's honest work: each is one line before anything is written or trained."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.commands.table_arguments import table_arguments
from experiments.configuration.trainer_section import check_trainer
from experiments.errors import UserError
from experiments.table_files.spec import read_table
from experiments.table_files.table_values import check_corpus, check_name
from experiments.table_files.yaml_files import read_yaml

TABLE = "family: sed\nbase: {}\nrows:\n  a: {why: none}\nseeds: [0]\nscales: {demo: {}}\n"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("family: sed", "family: ../../../evil", "family: name '../../../evil'; allowed: letters"),
        ("family: sed", "family: ..", "family: name '..'"),
        ("family: sed", "family: /tmp/evil", "family: name '/tmp/evil'"),
        ("  a: ", "  ../a: ", "rows: name '../a'"),
        ("  a: ", "  ..: ", "name '..'"),
        ("{demo: {}}", "{../demo: {}}", "scales: name '../demo'"),
        ("[0]", "[4294967296]", "seeds: expected an integer from 0 to 4294967295, got 4294967296"),
    ],
)
def test_a_name_that_leads_out_of_its_place_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(TABLE.replace(old, new))
    with pytest.raises(UserError) as caught:
        read_table(str(path))
    assert says.removeprefix("rows: ") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("corpus", ["../../evil", "/etc", "tones/../..", "..", "a/b/c", "", 3, None])
def test_a_corpus_stays_under_the_data_root(corpus: object) -> None:
    with pytest.raises(UserError, match=r"t\.yaml: rows\.a: data\.corpus: "):
        check_corpus(corpus, where="t.yaml: rows.a: data.corpus")


@given(st.text())
def test_a_name_that_is_taken_is_one_part_of_a_path(name: str) -> None:
    for check, parts in ((check_name, 1), (check_corpus, 2)):
        try:
            check(name, where="here")
        except UserError:
            continue
        root = Path("/root")
        assert (root / name).resolve().is_relative_to(root)
        assert 1 <= len(Path(name).parts) <= parts


BOMBS = {
    "lists": "a0: &a0 [1, 1]\n" + "".join(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 40)),
    "merges": "a0: &a0 {x: 1}\n"
    + "".join(f"a{k}: &a{k} {{<<: [{', '.join([f'*a{k - 1}'] * 9)}]}}\n" for k in range(1, 40)),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_aliases_of_aliases_do_not_hang(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(BOMBS[kind])
    with pytest.raises(UserError, match="more than 100,000 values, each alias counted in full"):
        read_yaml(path)


def test_aliases_of_moderate_size_are_read(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("a: &a [1, 2]\nb: [*a, *a]\nc: {<<: {x: *a}, y: 1}\n")
    assert read_yaml(path) == {"a": [1, 2], "b": [[1, 2], [1, 2]], "c": {"x": [1, 2], "y": 1}}


def _parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False)
    table_arguments(parser)
    return parser.parse_args(["t", *arguments])


def test_rows_and_seeds_may_be_repeated() -> None:
    parsed = _parsed("--rows", "a", "--rows", "b,c", "--seeds", "0", "--seeds", "1")
    assert (parsed.rows, parsed.seeds) == (["a", "b", "c"], [0, 1])
    assert _parsed().rows == _parsed().seeds == []


@pytest.mark.parametrize(
    ("option", "value"), [("--rows", ","), ("--rows", ""), ("--seeds", ","), ("--seeds", "4294967296")]
)
def test_an_option_that_names_nothing_is_refused(option: str, value: str) -> None:
    with pytest.raises(argparse.ArgumentError, match=option):
        _parsed(option, value)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"limit_val_batches": 0}, "trainer.limit_val_batches: got 0, without validation no epoch can be chosen"),
        ({"limit_val_batches": 0.0}, "trainer.limit_val_batches: got 0.0"),
        ({"limit_train_batches": 0}, "trainer.limit_train_batches: got 0, nothing would be trained"),
        ({"max_epochs": 0}, "trainer.max_epochs: got 0"),
        ({"limit_predict_batches": 3}, "trainer.limit_predict_batches: got 3; every clip is scored"),
        ({"check_val_every_n_epoch": 3, "max_epochs": 2}, "without validation in 2 epochs none can be chosen"),
    ],
)
def test_a_trainer_that_chooses_no_epoch_is_refused(settings: dict[str, float], says: str) -> None:
    with pytest.raises(UserError) as caught:
        check_trainer(settings, where="t.yaml: rows.a")
    assert says in str(caught.value)


def test_a_usual_trainer_is_taken() -> None:
    check_trainer({"max_epochs": 3, "check_val_every_n_epoch": 3, "limit_val_batches": None}, where="")
    check_trainer({"max_epochs": -1, "check_val_every_n_epoch": 3, "limit_predict_batches": 1.0}, where="")
