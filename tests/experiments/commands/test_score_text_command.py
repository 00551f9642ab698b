"""``earmark score text``: its JSON against jiwer, matching by id, and its refusals."""

import argparse
import json
import random
import subprocess
import sys

import jiwer
import pytest

from experiments.cli import main
from experiments.commands.score_text import add_arguments, run
from experiments.errors import UserError

REFERENCE = "a1 hello world\na2\na3 das ist ein Test\n"
TRN = "das ist kein Test (a3)\nhello word (a1)\nuh (a2)\n"
FIGURES = {"wer", "cer", "substitutions", "deletions", "insertions", "wer_ci95", "cer_ci95", "words", "utterances"}


def score(tmp_path, capsys, *options, reference=REFERENCE, **hypotheses):
    (tmp_path / "ref.txt").write_text(reference, encoding="utf-8")
    files = ["--reference", str(tmp_path / "ref.txt")]
    for name, content in (hypotheses or {"hyp_txt": TRN}).items():
        path = tmp_path / name.replace("_", ".")
        path.write_text(content, encoding="utf-8")
        files += ["--hypothesis", str(path)]
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert run(parser.parse_args([*files, *options])) == 0
    printed = capsys.readouterr()
    return json.loads(printed.out, parse_constant=lambda name: pytest.fail(f"bare {name}")), printed.err


def test_figures_are_jiwers_and_utterances_are_matched_by_id(tmp_path, capsys):
    scores, warnings = score(tmp_path, capsys)
    references, hypotheses = ["hello world", "", "das ist ein Test"], ["hello word", "uh", "das ist kein Test"]
    words = jiwer.process_words(references, hypotheses)
    assert scores.keys() >= FIGURES
    assert scores["wer"] == words.wer == 0.5
    assert scores["cer"] == jiwer.cer(references, hypotheses)
    for edit in ("substitutions", "deletions", "insertions"):
        assert scores[edit] == getattr(words, edit)
    assert scores["words"] == 6
    assert scores["utterances"] == 3
    assert scores["wer_ci95"][0] <= 0.5 <= scores["wer_ci95"][1]
    assert "warning" not in warnings


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("hyp_txt", "a3 das ist kein Test\na2 uh\na1 hello word\n"),
        ("hyp_tsv", "a2\tuh\na3\tdas ist kein Test\na1\thello word\n"),
        ("hyp_jsonl", "".join(json.dumps({"id": i, "text": t}) + "\n" for i, t in
                              (("a1", "hello word"), ("a3", "das ist kein Test"), ("a2", "uh")))),
    ],
)  # fmt: skip
def test_the_form_of_the_file_changes_nothing(tmp_path, capsys, name, content):
    from_trn, _ = score(tmp_path, capsys)
    from_other, _ = score(tmp_path, capsys, **{name: content})
    assert {**from_trn, "settings": 0} == {**from_other, "settings": 0}


def test_unicode_forms_meet_and_case_only_with_lower(tmp_path, capsys):
    reference, hypothesis = "a caf\u00e9 Noir\n", "a cafe\u0301 noir\n"
    assert score(tmp_path, capsys, reference=reference, hyp=hypothesis)[0]["wer"] == 0.5
    assert score(tmp_path, capsys, "--lower", reference=reference, hyp=hypothesis)[0]["wer"] == 0.0


def long_files(error_rates):
    """Three systems' files on 400 utterances of 40 speakers."""
    rng = random.Random(0)
    texts = {f"s{n % 40}-u{n}": [rng.choice("abcdefgh") * 2 for _ in range(10)] for n in range(400)}
    files = ["".join(f"{key} {' '.join(words)}\n" for key, words in texts.items())]
    for rate in error_rates:
        wrong = {key: ["zz" if rng.random() < rate else word for word in words] for key, words in texts.items()}
        files.append("".join(f"{key} {' '.join(words)}\n" for key, words in wrong.items()))
    return files, "".join(f"{key} {key.split('-')[0]}\n" for key in texts)


def test_two_systems_are_compared_on_the_same_draws(tmp_path, capsys):
    (reference, worse, better), _ = long_files((0.25, 0.21))
    scores, _ = score(tmp_path, capsys, reference=reference, worse=worse, better=better)
    assert scores["wer"] > scores["second"]["wer"]
    assert scores["wer_difference"] == pytest.approx(scores["second"]["wer"] - scores["wer"])
    assert scores["wer_difference_ci95"][0] < scores["wer_difference"] < scores["wer_difference_ci95"][1] < 0
    assert scores["probability_better"] > 0.99
    assert scores["second"].keys() >= FIGURES
    swapped, _ = score(tmp_path, capsys, reference=reference, better=better, worse=worse)
    assert swapped["probability_better"] == pytest.approx(1 - scores["probability_better"])
    itself, _ = score(tmp_path, capsys, reference=reference, a=better, b=better)
    assert itself["probability_better"] == 0.5
    assert itself["wer_difference"] == 0


def test_speakers_make_blocks_and_figures_of_their_own(tmp_path, capsys):
    (reference, hypothesis), speakers = long_files((0.3,))
    (tmp_path / "utt2spk").write_text(speakers + "other-u1 other\n", encoding="utf-8")  # a whole corpus's list
    scores, warnings = score(
        tmp_path, capsys, "--speakers", str(tmp_path / "utt2spk"), reference=reference, hyp=hypothesis
    )
    plain, _ = score(tmp_path, capsys, reference=reference, hyp=hypothesis)
    assert len(scores["by_speaker"]) == 40
    assert sum(part["wer"] * part["words"] for part in scores["by_speaker"].values()) / 4000 == pytest.approx(
        plain["wer"]
    )
    assert scores["wer_ci95"] != plain["wer_ci95"]
    assert scores["settings"]["blocks"] == "speakers"
    assert "warning" not in warnings


def test_few_speakers_are_warned_of(tmp_path, capsys):
    (tmp_path / "spk").write_text("a1 x\na2 x\na3 x\n", encoding="utf-8")
    scores, warnings = score(tmp_path, capsys, "--speakers", str(tmp_path / "spk"))
    assert scores["wer_ci95"] is None
    assert "one speaker" in warnings
    (tmp_path / "spk").write_text("a1 x\na2 y\na3 x\n", encoding="utf-8")
    scores, warnings = score(tmp_path, capsys, "--speakers", str(tmp_path / "spk"))
    assert len(scores["wer_ci95"]) == 2
    assert "2 speakers" in warnings


def test_empty_references_and_one_utterance_give_null_not_a_bare_count(tmp_path, capsys):
    scores, warnings = score(tmp_path, capsys, reference="a\n", hyp="a x y\n")
    assert scores["wer"] is None
    assert scores["wer_ci95"] is None
    assert scores["insertions"] == 2
    assert "no word" in warnings
    assert score(tmp_path, capsys, reference="a\nb\n", hyp="b\na\n")[0]["wer"] == 0


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"hyp": "a1 x\na3 y\n"}, "1 reference utterance has no hypothesis: a2"),
        ({"hyp": "a1\na2\na3\nb1\nb2 x\n"}, "2 hypotheses are of no reference utterance: b1, b2"),
        ({"hyp": "a1\n"}, "2 reference utterances have no hypothesis: a2, a3"),
        ({"hyp": "a1\na2\na1 x\na3\n"}, "hyp, line 3 (read as kaldi): id 'a1' stands on line 1 already"),
        ({"hyp": "a1\na2\na3\n", "new": "a1\n"}, "new against"),
        ({"hyp": "a1", "b": "a1", "c": "a1"}, "--hypothesis is given 3 times, allowed: once or twice"),
        ({"reference": "\n", "hyp": "a1\n"}, "ref.txt: holds no utterance"),
    ],
)  # fmt: skip
def test_ids_that_do_not_match_are_named_in_one_line(tmp_path, capsys, files, complaint):
    with pytest.raises(ValueError, match=r".") as caught:
        score(tmp_path, capsys, **files)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_the_first_few_ids_are_named(tmp_path, capsys):
    with pytest.raises(ValueError, match=r"hyp against .*ref\.txt: 40 reference utterances .*: u0, u1, u2, u3, u4, …;"):
        score(tmp_path, capsys, reference="".join(f"u{n} x\n" for n in range(40)), hyp="v\n")


def test_a_speaker_that_is_not_said_is_refused(tmp_path, capsys):
    (tmp_path / "spk").write_text("a1 x\na3\n", encoding="utf-8")
    with pytest.raises(ValueError, match="spk: no speaker of 2 reference utterances: a2, a3"):
        score(tmp_path, capsys, "--speakers", str(tmp_path / "spk"))


@pytest.mark.parametrize(("option", "value"), [("--resamples", "0"), ("--resamples", "1e4"), ("--seed", "-1")])
def test_options_out_of_range_are_refused(tmp_path, capsys, option, value):
    with pytest.raises(SystemExit):
        score(tmp_path, capsys, f"{option}={value}")
    assert "allowed: a whole number" in capsys.readouterr().err.splitlines()[-1]


def test_through_the_command_line(tmp_path, capsys):
    (tmp_path / "ref.txt").write_text(REFERENCE, encoding="utf-8")
    missing = ["score", "text", "--reference", str(tmp_path / "ref.txt"), "--hypothesis", str(tmp_path / "none.txt")]
    assert main(missing) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == f"earmark: error: {tmp_path / 'none.txt'}: No such file or directory\n"
    (tmp_path / "none.txt").write_text(TRN, encoding="utf-8")
    assert main(missing) == 0
    assert json.loads(capsys.readouterr().out)["wer"] == 0.5


def test_help_needs_no_heavy_import_and_scoring_no_torch(tmp_path):
    code = (
        "import argparse, sys; from experiments.commands.score_text import add_arguments; "
        "add_arguments(argparse.ArgumentParser()); heavy = {'numpy', 'rapidfuzz', 'torch'} & set(sys.modules); "
        "import lightning_modules.metrics.text_scores; sys.exit(bool(heavy) or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_heading_is_no_utterance_and_the_forms_are_said(tmp_path, capsys):
    scores, said = score(
        tmp_path, capsys, reference="id\ttext\na1\thello world\n", hyp_csv='file,pred_text\na1,"hello word"\n'
    )
    assert (scores["wer"], scores["utterances"]) == (0.5, 1)
    assert scores["settings"]["formats"] == {"reference": "tsv", "hypotheses": ["csv"]}
    assert "ref.txt: read as tsv, 1 utterance (line 1 is a heading, columns id and text)" in said
    assert "hyp.csv: read as csv, 1 utterance (line 1 is a heading, columns file and pred_text)" in said


def test_files_without_ids_are_scored_line_by_line_when_asked(tmp_path, capsys):
    files = {"reference": "the cat\nour dog sleeps\n", "hyp": "a cat\none dog sleeps\n"}
    with pytest.raises(ValueError, match=r"not one id matches.*--format.*plain"):
        score(tmp_path, capsys, **files)
    scores, _ = score(tmp_path, capsys, "--format", "plain", **files)
    assert scores["wer"] == jiwer.wer(["the cat", "our dog sleeps"], ["a cat", "one dog sleeps"])


def test_the_form_in_which_ids_match_is_taken_and_two_are_asked_for(tmp_path, capsys):
    reference = "a1 hello (laughs)\na2 bye (coughs)\n"
    scores, said = score(tmp_path, capsys, reference=reference, hyp="a1 hello\na2 bye\n")
    assert (scores["words"], scores["deletions"]) == (4, 2)
    assert "warning: " in said
    assert "line 1: '(laughs)' is scored as a word, and so are all 2 words" in said
    with pytest.raises(ValueError, match="fit as trn or kaldi: say which with --format"):
        score(tmp_path, capsys, reference=reference, hyp=reference)
    assert score(tmp_path, capsys, "--format", "trn", reference=reference, hyp=reference)[0]["words"] == 4


def test_alternatives_take_the_best_in_references_alone(tmp_path, capsys):
    reference = "a1 { i am / i'm / @ } here\n"
    for said, words in (("a1 i'm here\n", 2), ("a1 here\n", 1), ("a1 i am here\n", 3)):
        scores, _ = score(tmp_path, capsys, reference=reference, hyp=said)
        assert (scores["wer"], scores["words"]) == (0, words)
    with pytest.raises(ValueError, match=r"line 1 .*unequal lengths, allowed: score each alone"):
        score(tmp_path, capsys, reference=reference, hyp="a1 here\n", new="a1 i am here\n")
    with pytest.raises(ValueError, match=r"hyp, line 1 .*in references only"):
        score(tmp_path, capsys, reference="a1 b\n", hyp="a1 { b / c }\n")
    with pytest.raises(ValueError, match=r"ref\.txt, line 2 .*braces"):
        score(tmp_path, capsys, reference="a1 b\na2 { c / d\n", hyp="a1 b\na2 c\n")


def test_what_may_surprise_is_warned_of(tmp_path, capsys):
    _, said = score(tmp_path, capsys, "--lower", reference="a1 Iğdır\n", hyp="a1 iğdir\n")
    assert "--lower knows no language" in said
    _, said = score(tmp_path, capsys, reference="uh- well (a1)\n", hyp_trn="uh well (a1)\n")
    assert "'uh-' is scored as a word" in said
    (tmp_path / "ref.txt").write_text('{"id": "a1", "text": "b"}\n', encoding="utf-8")
    assert main(["score", "text", *(f"--{side}={tmp_path / 'ref.txt'}" for side in ("reference", "hypothesis"))]) == 0
    assert "the hypotheses are the references themselves" in capsys.readouterr().err


def test_first_words_that_look_like_no_ids_are_warned_of(tmp_path, capsys):
    reference, hypothesis = "the cat\na dog\n", "the cat\na dig\n"
    scores, said = score(tmp_path, capsys, reference=reference, hyp_txt=hypothesis)
    assert scores["wer"] == 0.5
    assert "first words were taken for ids (the, a, …), and none has a digit" in said
    assert "say --format plain" in said
    for form, wer in (("plain", 0.25), ("kaldi", 0.5)):
        scores, said = score(tmp_path, capsys, "--format", form, reference=reference, hyp_txt=hypothesis)
        assert scores["wer"] == wer
        assert "none has a digit" not in said


def test_both_sides_can_be_normalised_as_import_does_and_nothing_is_left_out(tmp_path, capsys):
    reference = "u1 ’Yan kasa, 5 %!\nu2 [noise] Barka\nu3 …\n"
    given = {"hyp_txt": "u1 'yan kasa 5 %\nu2 noise barka\nu3\n"}
    assert score(tmp_path, capsys, reference=reference, **given)[0]["wer"] > 0
    scores, _ = score(tmp_path, capsys, "--language", "hau", reference=reference, **given)
    assert (scores["wer"], scores["words"], scores["utterances"]) == (0.0, 6, 3)
    assert (scores["settings"]["language"], scores["settings"]["text_rules"]) == ("hau", None)
    rules = tmp_path / "rules.yaml"
    rules.write_text('ha: {map: {"%": " kashi"}}\n', encoding="utf-8")
    given = {"hyp_txt": "u1 'yan kasa 5 kashi\nu2 noise barka\nu3\n"}
    options = ("--language", "ha", "--text-rules", str(rules))
    assert score(tmp_path, capsys, *options, reference=reference, **given)[0]["wer"] == 0.0


@pytest.mark.parametrize(
    ("rules", "options", "says"),
    [
        ("ha: {letters: 1}", ("--language", "ha"), "rules.yaml: ha.letters: 1, allowed: characters in quotes"),
        ("{}", (), "rules.yaml: allowed with --language xx, the language of the texts"),
        ("{}", ("--language", "Hausa!"), "--language: language 'Hausa!', allowed: an ISO 639 code"),
        ("[", ("--language", "ha"), "rules.yaml: line"),
        ("ha: {letters: x}", ("--language", "nl"), "rules.yaml: has no rules of --language nl, allowed: ha"),
    ],
)
def test_wrong_text_rules_are_refused_in_one_line(tmp_path, capsys, rules, options, says):
    path = tmp_path / "rules.yaml"
    path.write_text(rules, encoding="utf-8")
    with pytest.raises(UserError) as told:
        score(tmp_path, capsys, *options, "--text-rules", str(path))
    assert says in str(told.value)
    assert "\n" not in str(told.value)
