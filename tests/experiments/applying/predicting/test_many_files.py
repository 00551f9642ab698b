"""All files of a command: places of outputs, broken files, foreign and corrected outputs, the params file and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from experiments.applying.chosen_run import ChosenRun
from experiments.applying.predicting.found_audio import FoundAudio, find_audio, output_stems
from experiments.applying.predicting.many_files import ManyFiles, Outcome
from experiments.applying.predicting.settings import Settings, load_params
from experiments.errors import UserError
from experiments.table_files.yaml_files import read_yaml

Predict = Callable[..., tuple[Outcome, list[str]]]


@pytest.fixture
def garden(tmp_path: Path, noise_file: Callable[..., Path]) -> Path:
    (tmp_path / "garden" / "wet").mkdir(parents=True)
    for name in ("garden/one.wav", "garden/wet/two.wav", "garden/.hidden.wav"):
        noise_file(2.0, name=name)
    (tmp_path / "garden" / "broken.flac").write_bytes(b"no sound")
    (tmp_path / "garden" / "notes.md").write_text("rain")
    return tmp_path / "garden"


@pytest.fixture
def predict(systems: ModuleType, tmp_path: Path) -> Predict:
    chosen = ChosenRun("mil", "abc", tmp_path, tmp_path / "x", {}, "sed", {})
    predictor = systems.predictor(systems.system(), window_frames=75)

    def run(
        *inputs: Path, names: tuple[str, ...] = ("dcase",), output: Path | None = None, overwrite: bool = False,
        one_list: bool = False,
    ) -> tuple[Outcome, list[str]]:  # fmt: skip
        settings = Settings(one_list=one_list, formats=",".join(names))
        work = ManyFiles(predictor, settings, names, find_audio([str(path) for path in inputs]), output=output,
                         overwrite=overwrite, chosen=chosen, run_text="tiny/mil")  # fmt: skip
        told: list[str] = []
        return work.run(tell=lambda path, why: told.append(f"{path.name}: {why}")), told

    return run


def test_outputs_lie_beside_the_files_a_broken_one_is_a_line_and_the_others_go_on(
    garden: Path, predict: Predict
) -> None:
    outcome, told = predict(garden, names=("dcase", "audacity", "scores"))
    assert [line.split(":")[0] for line in told] == ["broken.flac"]
    assert [of.audio.name for of in outcome.done] == ["one.wav", "two.wav"]
    for name in ("one.tsv", "one.txt", "scores/one.tsv", "wet/two.tsv", "wet/two.txt", "wet/scores/two.tsv"):
        assert (garden / name).is_file(), name
    assert (garden / "wet/two.tsv").read_text().splitlines()[1].startswith("two.wav\t")
    record = read_yaml(garden / "predict.yaml")
    assert record["failed"][0].startswith("broken.flac: ")
    assert record["no_audio"] == [str(garden / "notes.md")]
    assert record["settings"]["window_seconds"] == 3.0
    assert len(record["written"]) == 6
    assert record["files"][1].startswith("wet/two.wav: 2 s, ")
    assert record["post_processing"]["events"]["high_threshold"] == 0.6


def test_an_output_folder_mirrors_the_inputs_whose_names_it_keeps(
    garden: Path, predict: Predict, tmp_path: Path
) -> None:
    predict(garden, output=tmp_path / "out")
    assert (tmp_path / "out/wet/two.tsv").read_text().splitlines()[1].startswith("wet/two.wav\t")
    assert not list(garden.rglob("*.tsv"))
    predict(garden, output=tmp_path / "list", one_list=True)
    rows = (tmp_path / "list/predictions.tsv").read_text().splitlines()
    assert {row.split("\t")[0] for row in rows[1:]} == {"one.wav", "wet/two.wav"}


def test_our_own_outputs_are_written_anew_and_corrected_or_foreign_ones_never(garden: Path, predict: Predict) -> None:
    predict(garden)
    predict(garden)  # ours
    predict(garden / "one.wav")
    corrected = garden / "wet" / "two.tsv"
    corrected.write_text("filename\tonset\toffset\tevent_label\ntwo.wav\t0.5\t1.0\tcat\n")
    with pytest.raises(UserError, match=r"1 output files.*edited since.*two\.tsv; --overwrite"):
        predict(garden)
    assert "0.5\t1.0\tcat" in corrected.read_text()
    predict(garden, overwrite=True)
    assert "0.5\t1.0\tcat" not in corrected.read_text()
    (garden / "one.txt").write_text("somebody's own labels")
    with pytest.raises(UserError, match=r"one\.txt"):
        predict(garden, names=("audacity",))
    (garden / "predict.yaml").write_text("somebody: else\n")
    with pytest.raises(UserError, match=r"predict\.yaml: not written by earmark predict"):
        predict(garden)


def test_two_files_of_one_stem_keep_their_whole_names() -> None:
    audio = [FoundAudio(Path("a/x.wav"), Path("a")), FoundAudio(Path("a/x.flac"), Path("a"))]
    assert output_stems(audio, None) == [Path("a/x.wav"), Path("a/x.flac")]
    same = [FoundAudio(Path("a/x.wav"), Path("a")), FoundAudio(Path("b/x.wav"), Path("b"))]
    assert output_stems(same, None) == [Path("a/x"), Path("b/x")]
    assert output_stems([FoundAudio(Path("a/2024.05"), Path("a"))], None) == [Path("a/2024.05")]
    with pytest.raises(UserError, match="would be of several files"):
        output_stems(same, Path("out"))


def test_what_is_not_there_and_folders_without_audio_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere: no such file or folder"):
        find_audio([str(tmp_path / "nowhere")])
    (tmp_path / "notes.md").write_text("")
    with pytest.raises(UserError, match="no audio file in it \\(1 other files\\)"):
        find_audio([str(tmp_path)])


def test_params_are_read_back_and_a_command_line_goes_before_them(garden: Path, predict: Predict) -> None:
    predict(garden, names=("dcase", "raven"))
    text, settings = load_params(garden / "predict.yaml")
    assert text == "abc"  # the key: the best run of a row may be another by now
    assert (settings.formats, settings.window_seconds, settings.overlap_seconds) == ("dcase,raven", 3.0, 0.8)
    assert settings.with_given({"formats": None, "top": 2}) == Settings(**{**settings.as_plain(), "top": 2})


@pytest.mark.parametrize(("written", "said"), [
    ("run: {text: a}\nsettings: {windw: 1}\n", "unknown settings key 'windw'"),
    ("run: {text: a}\nsettings: {top: many}\n", "settings.top 'many', allowed: int"),
    ("run: {text: a}\nsettings: {batch_size: true}\n", "settings.batch_size True, allowed: int"),
    ("rows: {}\n", "allowed: a predict.yaml that earmark predict wrote"),
])  # fmt: skip
def test_a_params_file_that_is_none_is_refused_by_key(tmp_path: Path, written: str, said: str) -> None:
    (tmp_path / "predict.yaml").write_text(written)
    with pytest.raises(UserError, match=said):
        load_params(tmp_path / "predict.yaml")
