"""Weights that travel: packed in one home, merged into another, and what stands on them says the same, bit for bit."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from experiments.cli import main
from experiments.errors import UserError
from experiments.stored_results.packs.archive import read_archive, write_archive
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import TrackedRun

from ....launches import earmark

TABLE = str(Path(__file__).parents[2] / "tiny_transfer.yaml")
BEST = "checkpoints/best.ckpt"
CONSTANT = "scoring: lightning_modules.asr.scoring.constant_scoring.ConstantScoring"
GREEDY = (
    "scoring: {class_path: lightning_modules.asr.scoring.decoding_scoring.DecodingScoring, "
    "init_args: {decoder: lightning_modules.asr.ctc.decoder.Greedy, num_pictures: 0}}"
)
SAFE, KEPT = "checkpoints/best.safetensors", "checkpoints/best.json"
pytestmark = pytest.mark.integration
Printed = Callable[..., str]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seed and a row that starts from it, trained."""
    folder = tmp_path_factory.mktemp("first") / "home"
    assert earmark(folder, "data", "spoken_tones", "--scale", "tiny").returncode == 0
    done = earmark(folder, "run", TABLE, "--rows", "frozen", "--seeds", "1", "--slots", "1")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def packs(home: Path) -> dict[str, Path]:
    """The seed's pack with weights and without."""
    paths = {name: home.parent / f"{name}.tar.xz" for name in ("with", "without")}
    for name, path in paths.items():
        more = ("--weights", "seed_model") if name == "with" else ()
        done = earmark(home, "results", "pack", TABLE, "--rows", "seed_model", *more, "--output", str(path))
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == f"weights are in it of {'1 run' if more else 'no runs'}"
    return paths


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    """What a command prints, and that it ends so."""

    def run(*arguments: object, code: int = 0) -> str:
        assert main([str(argument) for argument in arguments]) == code
        said = capsys.readouterr()
        return said.out + said.err

    return run


def _folder(home: Path, row: str = "seed_model") -> Path:
    tracker = Tracker(home)
    return tracker.run_dir(_run(home, row).tags["key"])


def _run(home: Path, row: str = "seed_model") -> TrackedRun:
    (run,) = Tracker(home).find("asr", tags={"row.tiny_transfer": row})
    return run


def _checkpoint(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(path, weights_only=True)
    return loaded


def _posteriors(home: Path, monkeypatch: pytest.MonkeyPatch) -> torch.Tensor:
    """Of the seed on a sound that it has not heard, as ``earmark transcribe`` asks it."""
    from experiments.applying.chosen_run import choose_run
    from experiments.applying.loaded_system import load_system

    monkeypatch.setenv("EARMARK_HOME", str(home))
    system: Any = load_system(choose_run(f"{TABLE}/seed_model"))
    torch.manual_seed(0)
    with torch.inference_mode():
        log_probs_BTV, _ = system.posteriors(system.encode(torch.randn(1, 12000), torch.tensor([12000])))
    assert log_probs_BTV.shape[1] > 10
    return log_probs_BTV


def _predictions(folder: Path) -> dict[str, tuple[str, bytes]]:
    """Every array of the test split, but how long it took."""
    with np.load(folder / "predictions" / "test.npz") as file:
        arrays = {name: file[name] for name in file.files if "seconds" not in name}
    assert any(name.startswith("log_probs") for name in arrays), list(arrays)
    return {name: (str(array.dtype), array.tobytes()) for name, array in arrays.items()}


def _spoilt(pack: Path, target: Path, change: Callable[[dict[str, bytes], str], object]) -> Path:
    files = dict(read_archive(pack).files)
    change(files, next(name for name in files if name.endswith(SAFE)).removesuffix(SAFE))
    write_archive(target, files)
    return target


def test_a_pack_with_weights_is_the_same_bytes_again(home: Path, packs: dict[str, Path]) -> None:
    again = packs["with"].with_name("again.tar.xz")
    line = ("results", "pack", TABLE, "--rows", "seed_model", "--weights", "all", "--output", str(again))
    assert earmark(home, *line).returncode == 0
    assert again.read_bytes() == packs["with"].read_bytes()
    added = set(read_archive(again).files) - set(read_archive(packs["without"]).files)
    assert {name.partition("checkpoints/")[2] for name in added} == {"best.safetensors", "best.json"}
    assert b"optimizer" not in b"".join(read_archive(again).files[name] for name in added)


def test_a_merged_seed_says_the_same_and_is_fine_tuned_to_the_same(
    home: Path, packs: dict[str, Path], other: Path, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "1 runs merged, 0 were here with the same figures\nweights came with 1 of them\n" in printed(
        "results", "merge", packs["with"]
    )
    merged, first = _checkpoint(_folder(other) / BEST), _checkpoint(_folder(home) / BEST)
    assert set(merged) == {"symbols", "epoch", "global_step", "state_dict"}
    assert merged["symbols"] == first["symbols"]
    assert merged["state_dict"].keys() == first["state_dict"].keys()
    artifacts = Tracker(other).artifact_folder(_run(other).artifact_uri)
    assert artifacts is not None
    assert (artifacts / BEST).read_bytes() == (_folder(other) / BEST).read_bytes()
    here = _posteriors(other, monkeypatch)  # without a corpus: its sample rate came with the pack
    assert torch.equal(here, _posteriors(home, monkeypatch))

    shutil.copytree(home / "data", other / "data")
    monkeypatch.setenv("EARMARK_HOME", str(other))
    plan = json.loads(printed("plan", TABLE, "--rows", "frozen", "--seeds", "1", "--json"))
    assert [(cell["state"], cell["would_run"]) for cell in plan["cells"]] == [("finished", False), ("missing", True)]
    done = earmark(other, "run", TABLE, "--rows", "frozen", "--seeds", "1", "--slots", "1")
    assert done.returncode == 0, done.stderr
    tuned = [_folder(of, "frozen") for of in (home, other)]
    assert tuned[0].name == tuned[1].name, "one key"
    assert _predictions(tuned[0]) == _predictions(tuned[1])
    states = [_checkpoint(folder / BEST)["state_dict"] for folder in tuned]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])

    edited = other / "tiny_transfer.yaml"  # scored in another way, a cell predicts again from weights alone
    edited.write_text(Path(TABLE).read_text().replace(CONSTANT, GREEDY))
    cell = ("--rows", "seed_model")
    (planned,) = json.loads(printed("plan", edited, *cell, "--json"))["cells"]
    assert planned["state"] == "unpredicted"
    assert not (_folder(other) / "predictions").exists()
    done = earmark(other, "run", str(edited), *cell, "--rescore", "--slots", "1")
    assert done.returncode == 0, done.stderr
    (again,) = (path for path in other.glob("mlruns/runs/*/predictions") if path.parent.name != tuned[1].name)
    assert _predictions(again.parent) == _predictions(_folder(home))


def test_a_run_without_weights_gets_them_and_one_that_has_some_keeps_its_own(
    packs: dict[str, Path], home: Path, other: Path, printed: Printed
) -> None:
    shutil.copytree(home / "data", other / "data")
    assert "weights" not in printed("results", "merge", packs["without"])
    path = _folder(other) / BEST
    assert not path.exists()
    planned = json.loads(printed("plan", TABLE, "--rows", "frozen", "--seeds", "1", "--json"))["cells"]
    says = "tiny_transfer/seed_model seed 0 came in a pack without its weights, which from.seed of this row reads: "
    option = "merge one of earmark results pack tiny_transfer --weights seed_model"
    assert [cell["why"] for cell in planned if cell["state"] == "missing"] == [f"merged run: {says}{option}"]
    done = earmark(other, "run", TABLE, "--rows", "frozen", "--seeds", "1", "--slots", "1")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert says in done.stderr

    assert "0 runs merged, 1 were here with the same figures\nweights came with 1 of them\n" in printed(
        "results", "merge", packs["without"], packs["with"]
    )
    artifacts = Tracker(other).artifact_folder(_run(other).artifact_uri)
    assert artifacts is not None
    assert (artifacts / BEST).samefile(path)
    plan = json.loads(printed("plan", TABLE, "--rows", "frozen", "--seeds", "1", "--json"))
    assert [cell["would_run"] for cell in plan["cells"]] == [False, True]

    before = path.read_bytes()
    path.unlink()
    torch.save({"symbols": ["own"], "state_dict": {}}, path)
    assert "weights" not in printed("results", "merge", packs["with"])
    assert path.read_bytes() != before
    assert _checkpoint(path)["symbols"] == ["own"]


def test_a_run_that_another_table_trained_is_found_by_a_row_of_the_same_cells(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from experiments.applying.chosen_run import choose_run

    monkeypatch.setenv("EARMARK_HOME", str(home))
    renamed = tmp_path / "renamed.yaml"
    row = "  first: {why: the same, seeds: [0], set: {data.languages: [en], trainer.max_epochs: 1}}\n"
    renamed.write_text(Path(TABLE).read_text().replace("  seed_model: {", row + "  seed_model: {"))
    assert choose_run(f"{renamed}/first").key_id == _folder(home).name
    with pytest.raises(UserError, match="run renamed/scratch: no finished training at scale demo"):
        choose_run(f"{renamed}/scratch")


def _cut(files: dict[str, bytes], run: str) -> None:
    files[run + SAFE] = files[run + SAFE][:-4]


def _other_shape(files: dict[str, bytes], run: str) -> None:
    data = files[run + SAFE]
    changed = re.sub(rb'"shape":\[(\d)', lambda found: b'"shape":[%d' % (int(found[1]) % 9 + 1), data, count=1)
    assert changed != data
    files[run + SAFE] = changed


SPOILT: dict[str, Callable[[dict[str, bytes], str], object]] = {
    f"{SAFE}: no safetensors, or damaged ones: ": _cut,
    f"{SAFE}: no safetensors, or damaged": lambda files, run: files.update({run + SAFE: b"\x80\x04K\x01."}),
    f"{SAFE}: no safetensors, or": _other_shape,
    f"{KEPT}: it holds no mapping": lambda files, run: files.update({run + KEPT: b"[]"}),
    f"{KEPT}: Expecting value": lambda files, run: files.update({run + KEPT: b"nothing"}),
    f"{KEPT}: it holds 'loops'; allowed: symbols": lambda files, run: files.update({run + KEPT: b'{"loops": 1}'}),
    f"weights without {KEPT}": lambda files, run: files.pop(run + KEPT),
    f"weights without {SAFE}": lambda files, run: files.pop(run + SAFE),
}


@pytest.mark.parametrize("says", SPOILT)
def test_damaged_weights_are_refused_in_a_line_before_anything_is_written(
    says: str, packs: dict[str, Path], other: Path, printed: Printed, tmp_path: Path
) -> None:
    spoilt = _spoilt(packs["with"], tmp_path / "spoilt.tar.xz", SPOILT[says])
    for good in ((), (packs["without"],)):
        line = printed("results", "merge", *good, spoilt, code=2)
        assert line.count("\n") == 1
        assert str(spoilt) in line
        assert says in line
    assert not list((other / "mlruns").glob("runs/*"))


def test_what_has_no_weights_is_named_with_what_is_allowed(
    home: Path, printed: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARMARK_HOME", str(home))
    line = ("results", "pack", TABLE, "--output", tmp_path / "x.tar.xz", "--weights")
    for row, says in (
        ("sed_model", "unknown row 'sed_model' (did you mean 'seed_model'?); allowed: all, "),
        ("scratch", "row 'scratch' has no finished run; allowed: all, "),
    ):
        assert says in printed(*line, row, code=2)
    kept = _folder(home) / BEST
    artifacts = Tracker(home).artifact_folder(_run(home).artifact_uri)
    assert artifacts is not None
    aside = [path.rename(tmp_path / str(number)) for number, path in enumerate((kept, artifacts / BEST))]
    try:
        said = printed(*line, "seed_model", code=2)
    finally:
        aside[0].rename(kept)
        aside[1].rename(artifacts / BEST)
    assert said.count("\n") == 1
    assert "(seed_model seed 0): its weights are gone, checkpoints/best.ckpt is neither here nor in MLflow" in said
    assert not (tmp_path / "x.tar.xz").exists()


def test_predictions_are_given_to_a_run_that_came_without(
    packs: dict[str, Path], home: Path, other: Path, printed: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole ones alone, from whichever of the packs has them."""
    monkeypatch.setenv("EARMARK_HOME", str(home))
    paths = {choice: tmp_path / f"{choice}.tar.xz" for choice in ("test", "all")}
    for choice, path in paths.items():
        printed("results", "pack", TABLE, "--rows", "seed_model", "--predictions", choice, "--output", path)
    monkeypatch.setenv("EARMARK_HOME", str(other))
    printed("results", "merge", packs["without"])
    printed("results", "merge", paths["test"])
    assert not (_folder(other) / "predictions").exists()
    printed("results", "merge", packs["without"], paths["all"], paths["test"])
    artifacts = Tracker(other).artifact_folder(_run(other).artifact_uri)
    assert artifacts is not None
    theirs = _folder(home) / "predictions"
    for folder in (_folder(other), artifacts):
        names = sorted(path.name for path in (folder / "predictions").iterdir())
        assert names == sorted(path.name for path in theirs.iterdir())
        assert all((folder / "predictions" / name).read_bytes() == (theirs / name).read_bytes() for name in names)
