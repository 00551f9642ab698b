"""What a run keeps of its texts: metrics against jiwer over parts of the split, and files that people read."""

from __future__ import annotations

import csv
import json
from html.parser import HTMLParser

import jiwer
import numpy as np
import pytest

from datamodules.annotations import UtteranceReferences
from datamodules.texts.transcripts import read_transcripts
from experiments.stored_results.stored_scores import read_utterances
from lightning_modules.asr.scoring.text_report import report_texts

TEXTS = {
    "en-1": ("en", "ann", "press one now", "press one now"),
    "en-2": ("en", "ann", "the quick brown fox jumps", "a quick fox jumps over"),
    "ru-1": ("ru", "ivan", "нажмите один", "нажмите <один>"),
    "ru-2": ("ru", "olga", "до свидания " * 11, "до свидания " * 10),
    "ru-3": ("ru", "olga", "ёлка", ""),
}


def references(texts=TEXTS, training_texts=()):
    def column(index):
        return {utterance: row[index].strip() for utterance, row in texts.items()}

    return UtteranceReferences(
        symbols=("<blank>", " ", *"abc"),
        sample_rate_hz=16000,
        texts=column(2),
        languages=column(0),
        speakers=column(1),
        duration_seconds=dict.fromkeys(texts, 1.5),
        training_texts=training_texts,
        load_waveform=lambda utterance: np.zeros(24000, np.float32),
    )


def hypotheses(texts=TEXTS):
    return {utterance: row[3].strip() for utterance, row in texts.items()}


def rate(score, keep):
    of = references().texts
    kept = [utterance for utterance, row in TEXTS.items() if keep(row)]
    return score([of[utterance] for utterance in kept], [hypotheses()[utterance] for utterance in kept])


def test_metrics_are_jiwers_over_the_split_and_its_parts(tmp_path):
    metrics = report_texts(hypotheses(), references(), output_dir=tmp_path / "scores", more={"test/rtf": 0.5})
    words = jiwer.process_words(list(references().texts.values()), list(hypotheses().values()))
    total = words.hits + words.substitutions + words.deletions
    assert metrics["test/wer"] == words.wer
    assert metrics["test/cer"] == rate(jiwer.cer, lambda row: True)
    for edit in ("substitutions", "deletions", "insertions"):
        assert metrics[f"test/{edit}"] == pytest.approx(getattr(words, edit) / total)
    for language in ("en", "ru"):
        assert metrics[f"test/wer_{language}"] == rate(jiwer.wer, lambda row, la=language: row[0] == la)
        assert metrics[f"test/cer_{language}"] == rate(jiwer.cer, lambda row, la=language: row[0] == la)
    assert metrics["test/wer_speaker_max"] == rate(jiwer.wer, lambda row: row[1] == "ivan")
    assert metrics["test/wer_up_to_5_words"] == rate(jiwer.wer, lambda row: len(row[2].split()) <= 5)
    assert metrics["test/wer_over_20_words"] == rate(jiwer.wer, lambda row: len(row[2].split()) > 20)
    assert "test/wer_6_to_10_words" not in metrics  # no such utterance
    assert metrics["test/wer_over_20_words_n"] == sum(len(row[2].split()) > 20 for row in TEXTS.values())
    for figure in ("wer", "cer"):
        assert metrics[f"test/{figure}_ru_n"] == sum(row[0] == "ru" for row in TEXTS.values())
    assert metrics["test/utterances_right"] == 0.2
    assert metrics["test/wer_ci95_low"] < metrics["test/wer"] < metrics["test/wer_ci95_high"]
    assert metrics["test/rtf"] == 0.5
    stored = json.loads((tmp_path / "scores" / "scores.json").read_text(encoding="utf-8"))
    assert stored["metrics"] == metrics
    letters = sum(map(len, references().texts.values()))
    assert stored["counts"] == {"utterances": 5, "words": total, "characters": letters, "speakers": 3, "languages": 2}
    assert stored["ci95_blocks"] == "utterances"


def test_texts_near_and_far_from_training_are_reported_apart(tmp_path):
    of = references(training_texts=("press two now", "the quick brown cat jumps", "ёлки палки"))
    metrics = report_texts(hypotheses(), of, output_dir=tmp_path)
    near = {"en-1", "en-2"}  # 3 of 13 and 3 of 25 characters differ; in ёлка 7 of 4
    far = TEXTS.keys() - near
    for name, ids in (("near_training", near), ("far_from_training", far)):
        said, written = zip(*((of.texts[one], hypotheses()[one]) for one in ids), strict=True)
        assert metrics[f"test/wer_{name}"] == jiwer.wer(list(said), list(written))
        assert metrics[f"test/cer_{name}"] == jiwer.cer(list(said), list(written))
        assert metrics[f"test/wer_{name}_n"] == metrics[f"test/cer_{name}_n"] == len(ids)
    assert {row["training_text"]: row["utterances"] for row in rows(tmp_path / "per_training_text.csv")} == {
        "near_training": "2",
        "far_from_training": "3",
    }
    errors = rows(tmp_path / "errors_test.csv")
    assert {row["utterance"] for row in errors if row["training_text"] == "near_training"} == near
    assert {item.utterance_id for item in read_utterances(tmp_path / "errors_test.csv") if item.training_text} == {
        *TEXTS
    }


def test_without_training_texts_all_are_far(tmp_path):
    metrics = report_texts(hypotheses(), references(), output_dir=tmp_path)
    assert metrics["test/wer_far_from_training"] == metrics["test/wer"]
    assert metrics["test/wer_far_from_training_n"] == len(TEXTS)
    assert not any("near_training" in name for name in metrics)


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_tables_say_who_erred_how_the_worst_first(tmp_path):
    report_texts(hypotheses(), references(), output_dir=tmp_path)
    errors = rows(tmp_path / "errors_test.csv")
    assert [row["utterance"] for row in errors] == ["ru-3", "en-2", "ru-1", "ru-2", "en-1"]
    fox = errors[1]
    assert (fox["language"], fox["speaker"], fox["words"], fox["errors"], fox["wer"]) == (
        "en",
        "ann",
        "5",
        "3",
        "0.6000",
    )
    assert (fox["reference"], fox["hypothesis"]) == ("the quick brown fox jumps", "a quick fox jumps over")
    assert fox["aligned_reference"] == "the quick brown fox jumps ***\u0020"
    assert fox["aligned_hypothesis"] == "a   quick ***   fox jumps over"
    assert fox["aligned_edits"] == "S         D               I\u0020\u0020\u0020"
    speakers = rows(tmp_path / "per_speaker.csv")
    assert [row["speaker"] for row in speakers] == ["ivan", "ann", "olga"]
    assert speakers[0]["wer"] == "0.5000"
    assert [row["utterances"] for row in rows(tmp_path / "per_language.csv")] == ["2", "3"]
    assert [(row["length"], row["words"]) for row in rows(tmp_path / "per_length.csv")] == [
        ("up_to_5_words", "11"),
        ("over_20_words", "22"),
    ]


class Cells(HTMLParser):
    """Classes met and texts, and that tags nest."""

    def __init__(self):
        super().__init__()
        self.open, self.classes, self.texts = [], [], []

    def handle_starttag(self, tag, attrs):
        self.classes += dict(attrs).get("class", "").split()
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_the_page_is_whole_escaped_and_coloured(tmp_path):
    report_texts(hypotheses(), references(), output_dir=tmp_path)
    page = Cells()
    page.feed((tmp_path / "errors_test.html").read_text(encoding="utf-8"))
    assert not page.open
    key = 1  # the legend has one of each
    assert page.classes.count("substitution") == 2 + key
    assert page.classes.count("deletion") == 4 + key  # brown, two of до свидания, ёлка
    assert page.classes.count("insertion") == 1 + key
    assert "<один>" in page.texts  # a text, not a tag
    assert "ёлка" in page.texts


def test_hypotheses_are_stored_as_score_text_reads_them(tmp_path):
    report_texts(hypotheses(), references(), output_dir=tmp_path, split="validation")
    assert read_transcripts(tmp_path / "hypotheses_validation.tsv") == hypotheses()
    assert (tmp_path / "errors_validation.csv").is_file()


def test_confidence_is_over_speakers_where_they_are_enough(tmp_path):
    texts = {f"u{n}": ("en", f"s{n % 12}", "a b c d", "a b x d" if n % 12 < 3 else "a b c d") for n in range(120)}
    metrics = report_texts(hypotheses(texts), references(texts), output_dir=tmp_path)
    assert json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))["ci95_blocks"] == "speakers"
    assert metrics["test/wer_ci95_high"] - metrics["test/wer_ci95_low"] > 0.08  # over utterances it is 0.04
    assert "test/wer_en" not in metrics  # the only language


def test_undefined_figures_are_left_out_and_the_files_still_written(tmp_path):
    texts = {"a": ("en", "x", "", "uh"), "b": ("de", "x", "", "")}
    metrics = report_texts(hypotheses(texts), references(texts), output_dir=tmp_path)
    assert "test/wer" not in metrics
    assert "test/wer_en" not in metrics
    assert all(np.isfinite(value) for value in metrics.values())
    assert rows(tmp_path / "errors_test.csv")[0]["wer"] == ""
    assert rows(tmp_path / "per_language.csv")[0]["wer"] == ""


def test_words_of_the_training_texts_and_of_a_file_are_in_the_list(tmp_path):
    of = references(training_texts=("press one", "до один"))
    metrics = report_texts(hypotheses(), of, output_dir=tmp_path / "scores")
    assert metrics["test/empty_hypotheses"] == 1 / 5
    assert metrics["test/words_in_list"] == 12 / 30  # press, one and ten times до; <один> is none
    assert metrics["test/reference_words_in_list"] == 14 / 33
    (tmp_path / "words.txt").write_text("Свидания fox", encoding="utf-8")
    metrics = report_texts(hypotheses(), of, output_dir=tmp_path / "scores", word_list_file=tmp_path / "words.txt")
    assert metrics["test/words_in_list"] == 23 / 30
    silent = report_texts(dict.fromkeys(TEXTS, ""), of, output_dir=tmp_path / "scores")
    assert silent["test/empty_hypotheses"] == 1.0
    assert "test/words_in_list" not in silent
    assert silent["test/reference_words_in_list"] == 14 / 33


def test_texts_of_another_split_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no hypothesis: en-1; 1 hypothesis is of no reference utterance: xx"):
        report_texts(
            {**{k: v for k, v in hypotheses().items() if k != "en-1"}, "xx": ""}, references(), output_dir=tmp_path
        )
