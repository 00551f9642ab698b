"""``earmark data import`` and ``earmark data check`` through the command line: exit codes, one-line errors, JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from experiments.cli import main

WORDS = ("pes", "kůň", "čáp", "had", "lev")


@pytest.fixture
def corpus(tmp_path: Path, earmark_home: Path) -> Path:
    """Manifests without fault: 40 training texts, one validation and one test text of other speakers."""
    rng = np.random.default_rng(0)
    texts = {
        "train": [f"{WORDS[number % 5]} {WORDS[number // 5 % 5]} {WORDS[number // 25]}" for number in range(40)],
        "validation": ["lev had"],
        "test": ["pes"],
    }
    for split, of_split in texts.items():
        rows = ["audio\ttext\tspeaker\tid"]
        for number, text in enumerate(of_split):
            soundfile.write(tmp_path / f"{split}{number}.flac", rng.uniform(-0.3, 0.3, 16_000 + 100 * number), 16_000)
            rows.append(f"{split}{number}.flac\t{text}\t{split}\t{split}{number}")
        (tmp_path / f"{split}.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def check(corpus: Path, *options: str) -> list[str]:
    manifests = ("--validation", str(corpus / "validation.tsv"), "--test", str(corpus / "test.tsv"))
    return ["data", "check", str(corpus / "train.tsv"), *manifests, "--language", "cs", *options]


def findings(corpus: Path, capsys, *options: str) -> tuple[int, dict[str, dict]]:
    code = main(check(corpus, "--json", *options))
    document = json.loads(capsys.readouterr().out)
    for severity in ("error", "warning"):
        counts = [finding["count"] for finding in document["findings"] if finding["severity"] == severity]
        assert document[f"{severity}s"] == {"kinds": len(counts), "cases": sum(counts)}
    return code, {finding["check"]: finding for finding in document["findings"]}


@pytest.mark.integration
def test_manifests_without_fault_are_checked_imported_and_checked_again(corpus, capsys):
    assert findings(corpus, capsys) == (0, {})
    manifests = [
        word for split in ("train", "validation", "test") for word in (f"--{split}", str(corpus / f"{split}.tsv"))
    ]
    assert main(["data", "import", "mine", *manifests, "--language", "cs"]) == 0
    assert "earmark data check mine" in capsys.readouterr().out
    assert main(["data", "check", "mine"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("train 40 utterances, 0.7 min; validation 1 utterances")
    assert "one training step of the demo CTC model" in printed
    assert printed.endswith("no errors, no warnings\n")


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.integration
@pytest.mark.parametrize(
    ("fault", "name", "severity"),
    [
        (lambda c: (c / "train3.flac").unlink(), "missing_audio", "error"),
        (lambda c: cut_in_half(c / "train3.flac"), "unreadable_audio", "error"),
        (lambda c: edit(c / "train.tsv", "pes pes pes\t", "\t"), "empty_text", "error"),
        (lambda c: edit(c / "train.tsv", "pes pes pes\t", f"{'pes ' * 8}\t"), "unalignable", "error"),
        (lambda c: edit(c / "train.tsv", "\ttrain3\n", "\ttrain2\n"), "duplicate_ids", "error"),
        (lambda c: edit(c / "test.tsv", "test0.flac", "train3.flac"), "shared_audio", "error"),
        (lambda c: edit(c / "test.tsv", "pes", "quo"), "unknown_characters", "warning"),
        (lambda c: edit(c / "train.tsv", "pes pes pes\t", "pes 7\t"), "unspeakable_text", "warning"),
        (lambda c: edit(c / "test.tsv", "pes", "pes pes pes"), "shared_texts", "warning"),
        (lambda c: edit(c / "test.tsv", "\ttest\t", "\ttrain\t"), "shared_speakers", "warning"),
        (lambda c: soundfile.write(c / "train3.flac", np.full(8000, 0.1), 8000), "mixed_sample_rates", "warning"),
        (lambda c: soundfile.write(c / "train3.flac", np.zeros(16_000), 16_000), "silent_audio", "warning"),
        (lambda c: soundfile.write(c / "train3.flac", np.full(320_000, 0.1), 16_000), "duration_outliers", "warning"),
    ],
)
def test_each_fault_is_found_and_errors_alone_fail(corpus, capsys, fault, name, severity):
    fault(corpus)
    code, found = findings(corpus, capsys)
    assert found[name]["severity"] == severity
    assert found[name]["count"] == 1
    assert ".tsv, line " in found[name]["examples"][0]
    assert code == (severity == "error")


@pytest.mark.integration
def test_a_given_alphabet_holds_all_there_may_be(corpus, capsys):
    code, found = findings(corpus, capsys, "--alphabet", "pesahdlvkůňč")
    assert (code, found["unknown_characters"]["severity"]) == (1, "error")
    assert "'á'" in found["unknown_characters"]["examples"][0]
    assert findings(corpus, capsys, "--alphabet", "pesahdlvkůňčá") == (0, {})


@pytest.mark.integration
def test_an_utterance_longer_than_a_batch_is_an_error(corpus, capsys):
    code, found = findings(corpus, capsys, "--batch-seconds", "1")
    assert code == 1
    assert "'train39'" in found["longest_batch"]["what"]


@pytest.mark.integration
def test_the_table_names_severity_count_and_place(corpus, capsys, monkeypatch):
    monkeypatch.chdir(corpus)
    (corpus / "train3.flac").unlink()
    assert main(check(corpus)) == 1
    printed = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "error 1 audio file is missing: 1 of 42 (2.38 %) train.tsv, line 5: train3:" in printed
    assert printed.endswith("1 kind of error (1 case), no warnings")


@pytest.mark.integration
def test_kinds_of_findings_and_their_cases_are_counted_apart(corpus, capsys):
    (corpus / "train3.flac").unlink()
    (corpus / "train4.flac").unlink()
    edit(corpus / "train.tsv", "pes pes pes\t", "\t")
    edit(corpus / "test.tsv", "pes", "quo")
    assert main(check(corpus)) == 1
    assert capsys.readouterr().out.endswith("2 kinds of error (3 cases), 1 kind of warning (1 case)\n")


@pytest.mark.integration
def test_the_longest_batch_is_tried_without_those_that_cannot_be_aligned(corpus, capsys):
    edit(corpus / "train.tsv", "pes pes pes\t", f"{'pes ' * 8}\t")
    assert main(check(corpus)) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "one training step of the demo CTC model" in printed
    assert "(left out: 1 too short for CTC)" in printed
    assert main(check(corpus, "--subsampling", "40")) == 1
    assert "longest batch: not tried: none of 40 training utterances can" in capsys.readouterr().out


@pytest.mark.integration
def test_audio_of_validation_in_test_is_an_error(corpus, capsys):
    edit(corpus / "test.tsv", "test0.flac", "validation0.flac")
    code, found = findings(corpus, capsys)
    assert (code, found["shared_audio"]["count"]) == (1, 1)
    assert found["shared_audio"]["what"].endswith(": 1 of test in validation")


@pytest.mark.integration
def test_an_imported_corpus_without_speakers_shares_none(corpus, capsys):
    for split in ("train", "validation", "test"):
        path = corpus / f"{split}.tsv"
        path.write_text(path.read_text(encoding="utf-8").replace(f"\t{split}\t", "\t\t"), encoding="utf-8")
    manifests = [
        word for split in ("train", "validation", "test") for word in (f"--{split}", str(corpus / f"{split}.tsv"))
    ]
    assert main(["data", "import", "mine", *manifests, "--language", "cs"]) == 0
    capsys.readouterr()
    assert main(["data", "check", "mine"]) == 0
    assert "no errors, no warnings" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "nothing"], "nothing: no corpus in"),
        (["check", "a.tsv"], "a.tsv, line 1: no column 'text'"),
        (["check", "a.tsv", "--format", "kaldi"], "a.tsv: no file 'wav.scp'"),
        (["import", "prompts", "--train", "a.tsv"], "'prompts' is one of earmark's own corpora, allowed: another name"),
        (["import", "mine", "--train", "absent.tsv"], "absent.tsv: no such file or folder"),
        (["import", "mine", "--train", "b.tsv"], "b.tsv, line 2: utterance '1' has no language"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(tmp_path, earmark_home, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    Path("a.tsv").write_text("audio\n1.wav\n", encoding="utf-8")
    Path("b.tsv").write_text("audio\ttext\n1.wav\tano\n", encoding="utf-8")
    assert main(["data", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    [line] = printed.err.splitlines()
    assert line.startswith("earmark: error: ")
    assert message in line


@pytest.mark.parametrize(
    ("targets", "says"),
    [
        (["one", "two/tiny"], "one, two/tiny are corpora, allowed: one corpus a call, or manifests alone: "
         "earmark data check one && earmark data check two/tiny"),
        (["a.tsv", "one"], "one is a corpus, allowed: one corpus a call, or manifests alone: earmark data check one"),
    ],
)  # fmt: skip
def test_several_corpora_are_checked_one_by_one(tmp_path, earmark_home, monkeypatch, capsys, targets, says):
    monkeypatch.chdir(tmp_path)
    Path("a.tsv").write_text("audio\ttext\n1.wav\tano\n", encoding="utf-8")
    for name in ("one", "two/tiny"):
        (earmark_home / "data" / name).mkdir(parents=True)
        (earmark_home / "data" / name / "corpus.json").write_text("{}", encoding="utf-8")
    assert main(["data", "check", *targets]) == 2
    assert capsys.readouterr().err == f"earmark: error: {says}\n"


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("--speed", "2", "a number from 1 to 1.5"),
        ("--subsampling", "0", "a whole number, 1 or more"),
        ("--batch-seconds", "nan", "a number of seconds above 0"),
        ("--language", "Czech", "an ISO 639 code such as en"),
        ("--format", "xls", "invalid choice: 'xls'"),
    ],
)
def test_options_out_of_range_are_refused(capsys, option, value, allowed):
    with pytest.raises(SystemExit) as left:
        main(["data", "check", "prompts", option, value])
    assert left.value.code == 2
    assert allowed in capsys.readouterr().err


@pytest.mark.integration
def test_check_of_a_corpus_takes_no_manifests(corpus, capsys):
    assert main(["data", "spoken_tones", "--scale", "tiny"]) == 0
    assert main(["data", "check", "spoken_tones/tiny"]) == 0
    capsys.readouterr()
    assert main(["data", "check", "spoken_tones/tiny", "--test", "a.tsv"]) == 2
    assert "--test: spoken_tones/tiny is a corpus" in capsys.readouterr().err
