from __future__ import annotations

from pathlib import Path

import pytest

from experiments.errors import UserError
from experiments.table_files.machine import read_machine
from experiments.table_files.merge import get_path
from experiments.table_files.row_sources import Source
from experiments.table_files.spec import read_table, table_path
from experiments.table_files.yaml_files import parse_value, read_yaml

TABLE = """
title: Small
family: sed
base:
  data: {class_path: d.Clips, init_args: {corpus: tones/tiny}}
  model: {class_path: m.MIL, init_args: {alpha: 0.0, encoder: e.paper}}
  trainer: {max_epochs: 10}
  checkpoint: {monitor: validation/loss, mode: min}
  scoring: s.Detection
rows:
  mil: {why: maximum}
  penalty: {why: apart, set: {model.alpha: 0.1}}
  fsl:
    why: inherits
    unset: [model.alpha]
    set: {model: m.FSL, trainer.max_epochs: 100}
    scales: {demo: {trainer.max_epochs: 6}}
  oracle: {why: true tags, stage: score, from: {own: mil}, set: {scoring.tags: oracle}}
seeds: [0, 1]
scales: {demo: {trainer.max_epochs: 3}, full: {}}
columns: {test/er: {label: ER, better: lower, unit: number}}
"""


def write(folder: Path, text: str = TABLE) -> Path:
    path = folder / "small.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(folder: Path, old: str, new: str) -> str:
    assert old in TABLE
    with pytest.raises(UserError) as caught:
        read_table(str(write(folder, TABLE.replace(old, new))))
    message = str(caught.value)
    assert "\n" not in message
    assert "small.yaml" in message
    return message


def test_rows_differ_from_the_base_in_what_they_say(tmp_path: Path) -> None:
    table = read_table(str(write(tmp_path)), scale="full")
    assert get_path(table.rows["mil"].config, "model.alpha") == 0.0
    assert get_path(table.rows["penalty"].config, "model.alpha") == 0.1
    assert table.rows["fsl"].config["model"] == {"class_path": "m.FSL", "init_args": {"encoder": "e.paper"}}
    assert get_path(table.rows["fsl"].config, "trainer.max_epochs") == 100


def test_the_first_scale_is_the_default_and_a_rows_own_scale_wins(tmp_path: Path) -> None:
    table = read_table(str(write(tmp_path)))
    assert table.scale == "demo"
    assert get_path(table.rows["mil"].config, "trainer.max_epochs") == 3
    assert get_path(table.rows["fsl"].config, "trainer.max_epochs") == 6


def test_a_scoring_row_has_no_model_and_names_its_source(tmp_path: Path) -> None:
    row = read_table(str(write(tmp_path))).rows["oracle"]
    assert set(row.config) == {"data", "scoring"}
    assert row.sources == {"own": Source("small", "mil")}
    assert row.config["scoring"] == {"class_path": "s.Detection", "init_args": {"tags": "oracle"}}


def test_varied_paths_are_those_in_which_trained_rows_differ(tmp_path: Path) -> None:
    assert read_table(str(write(tmp_path))).varied == ("model", "model.alpha", "trainer.max_epochs")


def test_overrides_come_last_and_reach_every_row(tmp_path: Path) -> None:
    table = read_table(str(write(tmp_path)), overrides={"data.corpus": "x/y", "trainer.max_epochs": 1})
    assert {get_path(row.config, "data.corpus") for row in table.rows.values()} == {"x/y"}
    assert get_path(table.rows["fsl"].config, "trainer.max_epochs") == 1
    assert "trainer" not in table.rows["oracle"].config


def test_a_scale_and_a_row_must_not_set_the_same_key_silently(tmp_path: Path) -> None:
    message = refused(tmp_path, "    scales: {demo: {trainer.max_epochs: 6}}\n", "")
    assert "rows.fsl.set.trainer.max_epochs" in message
    assert "'demo'" in message


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("title: Small", "titel: Small", ["unknown key 'titel'", "did you mean 'title'", "rows"]),
        ("{why: maximum}", "{wy: maximum}", ["rows.mil", "unknown key 'wy'", "why, set"]),
        ("{why: maximum}", "{set: {}}", ["rows.mil.why"]),
        ("stage: score", "stage: skore", ["rows.oracle.stage", "'skore'", "fit, score"]),
        ("seeds: [0, 1]", "seeds: [0, 0]", ["seeds", "[0, 0]"]),
        ("seeds: [0, 1]", "seeds: two", ["seeds", "'two'"]),
        ("better: lower", "better: less", ["columns.test/er.better", "'less'", "higher, lower"]),
        ("unset: [model.alpha]", "unset: [model.alpa]", ["rows.fsl", "model.alpa is not set", "alpha"]),
        ("  trainer: {max_epochs: 10}", "  trainr: {max_epochs: 10}", ["base", "'trainr'", "'trainer'"]),
        ("set: {model.alpha: 0.1}", "set: {modle.alpha: 0.1}", ["rows.penalty", "'modle'", "'model'"]),
        ("title: Small", "title: Small\ntitle: Twice", ["line 3", "duplicate key"]),
        ("title: Small", "title: [", ["line"]),
        (
            "penalty: {why: apart, set: {model.alpha: 0.1}}",  # the parser itself takes the last where there is a <<
            "penalty: {<<: {why: a}, why: apart, set: {model.alpha: 0.1}, why: twice}",
            ["line 12", "duplicate key", "'why'", "line 12, too"],
        ),
        ("scales: {demo: {trainer.max_epochs: 6}}", "scales: {dmeo: {}}", ["rows.fsl.scales", "'dmeo'", "demo, full"]),
        ("title: Small", "machine: {gpus: 2}", ["machine", "'gpus'", "num_workers, devices, num_nodes, threads"]),
        ("title: Small", "machine: {devices: 0}", ["machine.devices", ">= 1", "got 0"]),
        ("title: Small", "machine: {num_workers: true}", ["machine.num_workers", ">= 0", "True"]),
        ("title: Small", "machine: {accelerator: 1}", ["machine.accelerator", "text", "got 1"]),
        ("title: Small", "machine: {audio: ram}", ["machine.audio", "auto, memory, disk", "got 'ram'"]),
        ("title: Small", "machine: {cache_gigabytes: -1}", ["machine.cache_gigabytes", ">= 0", "got -1"]),
        ("title: Small", "imports: mine", ["imports: expected a list of text, got 'mine'"]),
        ("title: Small", "imports: [1]", ["imports: expected a list of text, got [1]"]),
        ("unset: [model.alpha]", "unset: model.alpha", ["rows.fsl.unset: expected a list of text, got 'model.alpha'"]),
        ("unset: [model.alpha]", "unset: 3", ["rows.fsl.unset", "got 3"]),
        ("from: {own: mil}", "from: [mil]", ["rows.oracle.from", "mapping", "['mil']"]),
        ("from: {own: mil}", "from: {own: 3}", ["rows.oracle.from.own", "got 3"]),
        (
            "from: {own: mil}",
            "from: {langage_model: mil}",
            ["rows.oracle.from.langage_model", "did you mean 'language_model'?"],
        ),
        ("  mil: {why: maximum}", "  m il: {why: maximum}", ["'m il'", "letters, digits"]),
        ("{why: maximum}", "{why: maximum, reference: 1}", ["rows.mil.reference", "true or false", "got 1"]),
        ("model.alpha: 0.1", "model.alpha: 2020-01-01", ["rows.penalty.set.model.alpha", "date 2020-01-01", "quote"]),
        ("model.alpha: 0.1", "model.alpha: 2020-13-01", ["month"]),
        ("model.alpha: 0.1", "model.alpha: .nan", ["rows.penalty.set.model.alpha", "nan", "finite"]),
        ("model.alpha: 0.1", "model.alpha: &a [*a]", ["rows.penalty.set.model.alpha[0]", "alias"]),
        ("{why: maximum}", "{why: a\x07b}", ["unacceptable character"]),
        ("init_args: {corpus: tones/tiny}", "init_args: 3", ["base", "init_args of d.Clips", "got 3"]),
    ],
)
def test_mistakes_are_one_line_that_names_the_place(tmp_path: Path, old: str, new: str, says: list[str]) -> None:
    message = refused(tmp_path, old, new)
    for text in says:
        assert text in message


def test_unknown_table_and_scale_name_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="weak_sed"):
        table_path("weak_sad")
    with pytest.raises(UserError, match="no such table file"):
        table_path(str(tmp_path / "nowhere.yaml"))
    with pytest.raises(UserError, match=r"unknown scale 'huge'.*demo, full"):
        read_table(str(write(tmp_path)), scale="huge")


def test_yaml_is_version_1_2(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfanswer: no\r\ntime: 4:00:00\r\n")
    assert read_yaml(path) == {"answer": "no", "time": "4:00:00"}


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"directory$"):
        read_yaml(tmp_path)
    with pytest.raises(UserError, match=r"name 'my table'; allowed"):
        read_table(str(write(tmp_path).rename(tmp_path / "my table.yaml")))


def test_values_from_the_command_line_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"rows.mil: --set trainer.max_epochs.x: 'max_epochs' holds 3"):
        read_table(str(write(tmp_path)), overrides={"trainer.max_epochs.x": 1})
    with pytest.raises(UserError, match=r"^--model.a '2020-01-01': got the date 2020-01-01; allowed"):
        parse_value("2020-01-01", where="--model.a")
    assert parse_value("[a") == "[a"  # text, not YAML


def test_machine_and_reference_are_kept(tmp_path: Path) -> None:
    assert read_machine({"num_workers": 0, "accelerator": "cpu"}, where="x") == {"num_workers": 0, "accelerator": "cpu"}
    assert read_machine(None, where="x") == {}
    path = write(tmp_path, TABLE.replace("{why: maximum}", "{why: maximum, reference: true}"))
    assert [name for name, row in read_table(str(path)).rows.items() if row.reference] == ["mil"]


def test_rows_of_the_shipped_table_that_know_more_do_not_compete() -> None:
    """Rows with the true tags compete with each other alone, those of strong labels with none."""
    table = read_table("weak_sed")
    assert {row.name for row in table.rows.values() if row.reference} == {
        "strong_upper_bound", "strong_upper_bound_tagger_tags", "strong_upper_bound_oracle_tags",
        "trivial", "trivial_oracle_tags",
    }  # fmt: skip
    _, same, knowing, whole_clip = table.groups
    assert set(knowing.rows) == {row for row in table.rows if row.endswith("_oracle_tags")} - set(whole_clip.rows)
    assert set(same.rows) == {row for row in table.rows if row.endswith("_tagger_tags")}
    assert sorted(row for group in table.groups for row in group.rows) == sorted(table.rows)


def test_a_baseline_is_a_row_and_no_part_of_a_run(tmp_path: Path) -> None:
    table = read_table(str(write(tmp_path, TABLE + "baseline: mil\n")))
    assert table.baseline == "mil"
    assert table.rows == read_table(str(write(tmp_path))).rows
    write(tmp_path, TABLE + "baseline: mli\n")
    with pytest.raises(UserError, match=r"small.yaml: baseline: unknown row 'mli' \(did you mean 'mil'\?\)"):
        read_table(str(tmp_path / "small.yaml"))


def test_micro_figures_beside_macro_f1_say_so_in_their_label() -> None:
    labels = {column.metric: column.label for column in read_table("weak_sed").columns}
    micro = {metric for metric in labels if metric.endswith(("_er", "_short", "_long", "_micro"))}
    assert len(micro) == 2
    assert {metric for metric, label in labels.items() if "(micro)" in label} == micro
