"""A row's decoder out of its folder: class, fitted weights, the folders of its ``from:``; or why not, in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datamodules.run_warning import RunWarning
from experiments.applying.chosen_run import ChosenRun
from experiments.applying.transcribing.row_decoder import own_decoder, row_decoder
from experiments.errors import UserError
from experiments.table_files.yaml_files import to_yaml
from lightning_modules.asr.ctc.decoder import Greedy, PrefixBeam
from lightning_modules.asr.ctc.fused_decoders import FusedBeam

SCORING = "lightning_modules.asr.scoring.decoding_scoring.DecodingScoring"
SEVERAL: Any = {
    "class_path": "lightning_modules.asr.scoring.several_decodings.SeveralDecodings",
    "init_args": {
        "decoders": {
            "greedy": "lightning_modules.asr.ctc.decoder.Greedy",
            "beam": {"class_path": "lightning_modules.asr.ctc.decoder.PrefixBeam", "init_args": {"beam_size": 9}},
            "fused": {
                "class_path": "lightning_modules.asr.ctc.fused_decoders.FusedBeam",
                "init_args": {"beam_size": 7},
            },
        }
    },
}
FUSED: Any = {
    "class_path": "lightning_modules.asr.ctc.fused_decoders.FusedBeam",
    "init_args": {"beam_size": 7, "log_bonus": True},
}


def run_folder(home: Path, key: str, decoder: Any, *, sources: dict[str, str], weights: dict[str, float]) -> Path:
    folder = home / key
    (folder / "scores").mkdir(parents=True)
    (folder / "predictions").mkdir()
    record = {"scoring": {"class_path": SCORING, "init_args": {"decoder": decoder}}, "from": sources, "stage": "score"}
    (folder / "config.yaml").write_text(to_yaml(record), encoding="utf-8")
    (folder / "scores" / "decoding.json").write_text(json.dumps({"weights": weights}), encoding="utf-8")
    return folder


def several_folder(home: Path, key: str, *, chosen: str) -> Path:
    """As ``SeveralDecodings`` leaves it; the weights under the plain name are of nobody here."""
    folder = run_folder(home, key, None, sources={"seed": "../gone"}, weights={"of": 0.0})
    record = {"scoring": SEVERAL, "from": {"seed": "../gone"}, "stage": "fit"}
    (folder / "config.yaml").write_text(to_yaml(record), encoding="utf-8")
    for name in ("greedy", "beam", "fused"):
        (folder / "scores" / name).mkdir()
        weights = {"lm_weight": 0.7, "word_bonus": 0.2} if name == "fused" else {}
        (folder / "scores" / name / "decoding.json").write_text(json.dumps({"weights": weights}), encoding="utf-8")
    content = {"chosen": chosen, "by": "validation/cer", "of": ["greedy", "beam", "fused"]}
    (folder / "scores" / "chosen_decoder.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def chosen(folder: Path, **config: Any) -> ChosenRun:
    return ChosenRun("greedy seed 0", folder.name, folder, folder, config, "asr", {})


def test_a_rows_decoder_has_its_weights_and_its_language_model(tmp_path: Path) -> None:
    for name in ("own1", "lm1"):
        (tmp_path / name / "scores").mkdir(parents=True)
    sources = {"own": "../own1", "language_model": "../lm1"}
    folder = run_folder(tmp_path, "row1", FUSED, sources=sources, weights={"lm_weight": 0.5, "word_bonus": 1.5})
    by = row_decoder(str(folder), chosen(tmp_path / "own1"))
    assert isinstance(by.decoder, FusedBeam)
    assert (by.decoder.beam_size, by.decoder.log_bonus) == (7, True)
    assert by.weights == {"lm_weight": 0.5, "word_bonus": 1.5}
    assert {name: path.resolve() for name, path in by.folders.items()} == {
        "language_model": tmp_path / "lm1" / "scores"
    }
    with pytest.warns(RunWarning, match="fitted on the validation set of run own1, not of greedy seed 0"):
        row_decoder(str(folder), chosen(tmp_path / "other"))


def test_the_runs_own_decoder_is_that_of_its_scoring(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, "own1", "lightning_modules.asr.ctc.decoder.Greedy", sources={}, weights={})
    scoring = {"class_path": SCORING, "init_args": {"decoder": "lightning_modules.asr.ctc.decoder.Greedy"}}
    by = own_decoder(chosen(folder, scoring=scoring))
    assert by is not None
    assert isinstance(by.decoder, Greedy)
    assert own_decoder(chosen(folder)) is None


def test_rows_that_decode_nothing_are_refused(tmp_path: Path) -> None:
    (tmp_path / "own1").mkdir()
    own = chosen(tmp_path / "own1")
    without = run_folder(tmp_path, "row1", None, sources={"own": "../own1"}, weights={})
    with pytest.raises(UserError, match="chose no decoder's weights"):
        row_decoder(str(without), own)
    old = run_folder(tmp_path, "row2", FUSED, sources={"own": "../own1"}, weights={"lm_weight": 0.5})
    with pytest.raises(UserError, match="has no word_bonus"):
        row_decoder(str(old), own)
    sources = {"own": "../own1", "language_model": "../gone"}
    gone = run_folder(tmp_path, "row3", FUSED, sources=sources, weights={"lm_weight": 0.5, "word_bonus": 0.0})
    with pytest.raises(UserError, match=r"from\.language_model: its folder .* is gone"):
        row_decoder(str(gone), own)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("ctc_decoding/beam_character_0", r"unknown row 'beam_character_0'.*; allowed: constant, greedy, .*wfst"),
        ("ctc_decoding/wfst", r"no finished run at scale (\S+); run: earmark run ctc_decoding --scale \1 --rows wfst"),
    ],
)
def test_rows_without_a_finished_run_say_what_is_to_be_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: str, message: str
) -> None:
    class Empty:
        def __init__(self, root: Path) -> None:
            pass

        def find(self, *_: Any, **__: Any) -> list[Any]:
            return []

    monkeypatch.setattr("experiments.tracking.mlflow_store.Tracker", Empty)
    with pytest.raises(UserError, match=f"^--row {row}: {message}$"):
        row_decoder(row, chosen(tmp_path))


def test_of_several_decoders_it_is_the_one_that_validation_chose(tmp_path: Path) -> None:
    folder = several_folder(tmp_path, "own1", chosen="beam")
    own = chosen(folder, scoring=SEVERAL)
    for by in (own_decoder(own), row_decoder(str(folder), own)):  # the seed's folder is gone, and not needed
        assert by is not None
        assert isinstance(by.decoder, PrefixBeam)
        assert (by.decoder.beam_size, by.weights, by.folders) == (9, {}, {})
        assert by.name.endswith(" (beam, which validation chose of beam, fused, greedy)")
    fused = several_folder(tmp_path, "own2", chosen="fused")
    by = own_decoder(chosen(fused, scoring=SEVERAL))
    assert by is not None
    assert isinstance(by.decoder, FusedBeam)
    assert by.weights == {"lm_weight": 0.7, "word_bonus": 0.2}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "no such file, and it says what validation chose; score the run again"),
        ("{", "not as scoring writes it (JSONDecodeError: "),
        ("{}", "not as scoring writes it (KeyError: 'chosen')"),
        ('{"chosen": "wfst"}', "chosen 'wfst', allowed: beam, fused, greedy"),
    ],
)
def test_a_choice_that_is_not_to_be_read_is_one_line_that_names_the_file(
    tmp_path: Path, content: str | None, why: str
) -> None:
    folder = several_folder(tmp_path, "own1", chosen="beam")
    path = folder / "scores" / "chosen_decoder.json"
    if content is None:
        path.unlink()
    else:
        path.write_text(content, encoding="utf-8")
    own = chosen(folder, scoring=SEVERAL)
    with pytest.raises(UserError) as of_the_run:
        own_decoder(own)
    with pytest.raises(UserError) as of_a_row:
        row_decoder(str(folder), own)
    for name, error in (("run greedy seed 0", of_the_run), (f"--row {folder}", of_a_row)):
        assert str(error.value).startswith(f"{name}: {path}: {why}")
        assert "\n" not in str(error.value)


def test_weights_of_the_chosen_decoder_that_are_gone_are_named(tmp_path: Path) -> None:
    folder = several_folder(tmp_path, "own1", chosen="beam")
    (folder / "scores" / "beam" / "decoding.json").unlink()
    with pytest.raises(UserError, match=r"scores/beam/decoding\.json: no such file"):
        own_decoder(chosen(folder, scoring=SEVERAL))
