"""Params files with a mistake in them: one line that names file, key, value and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiments.applying.predicting import settings as predicting
from experiments.applying.transcribing import settings as transcribing
from experiments.errors import UserError


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("batch_size: null", "settings.batch_size None, allowed: int"),  # which no run has of its own
        ("batch_size: true", "settings.batch_size True, allowed: int"),
        ("one_list: 1", "settings.one_list 1, allowed: bool"),
        ("formats: [dcase]", "settings.formats ['dcase'], allowed: str"),
        ("batchsize: 3", "did you mean 'batch_size'"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, setting: str, said: str) -> None:
    path = tmp_path / "predict.yaml"
    path.write_text(f"run: {{text: abc, key: abcd}}\nsettings: {{{setting}}}\n")
    with pytest.raises(UserError) as refused:
        predicting.load_params(path)
    assert said in str(refused.value)
    assert str(refused.value).startswith(str(path))


def test_what_the_run_decides_may_be_null(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("run: {text: abc, key: abcd}\nsettings: {threshold: null, window_seconds: 4}\n")
    assert predicting.load_params(path) == ("abcd", predicting.Settings(window_seconds=4))
    path.write_text("run: {text: table/row, key: abc}\nsettings: {row: null, max_seconds: 12}\n")
    assert transcribing.load_params(path) == ("abc", transcribing.Settings(max_seconds=12))


def test_a_file_of_something_else_is_refused_with_whose_is_meant(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("a: 1\n")
    with pytest.raises(UserError, match=r"a transcribe\.yaml that earmark transcribe wrote"):
        transcribing.load_params(path)


@pytest.mark.parametrize("load", [predicting.load_params, transcribing.load_params])
def test_a_run_comes_back_by_its_key_and_a_folder_by_its_path(tmp_path: Path, load: Callable[[Path], Any]) -> None:
    """The best run of a row may be another by the time that its params are read back."""
    path = tmp_path / "params.yaml"
    for text, said in (("table/row", "abcd"), (str(tmp_path), str(tmp_path))):
        path.write_text(f"run: {{text: {text}, key: abcd}}\nsettings: {{}}\n")
        assert load(path)[0] == said
