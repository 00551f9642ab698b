"""Rows with n-grams from elsewhere: an ARPA file of another toolkit, texts of one's own beside the training texts."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import pytest

from datamodules.annotations import TextReferences
from datamodules.run_warning import RunWarning
from lightning_modules.lm.arpa_scoring import ArpaNgrams
from lightning_modules.lm.outside_scoring import OutsideNgrams
from lightning_modules.lm.stored import load_ngrams

TRAINING = ("press one", "press two", "hold the line")
ARPA = """\\data\\
ngram 1=4
ngram 2=2

\\1-grams:
-1.0\t</s>
-99\t<s>\t-0.5
-0.5\thold\t-0.25
-0.75\tpress\t-0.25

\\2-grams:
-0.125\t<s> press
-0.25\tpress hold

\\end\\
"""


def references(*texts: str, unit: str = "word") -> TextReferences:
    symbols: tuple[str, ...] = ("<blank>", "<unk>", *sorted({word for text in TRAINING for word in text.split()}))
    if unit == "character":
        symbols = ("<blank>", *sorted(set("".join(TRAINING))))
    ids = [str(number) for number in range(len(texts))]
    return TextReferences(
        symbols=symbols,
        unit=unit,  # type: ignore[arg-type]
        texts=dict(zip(ids, texts, strict=True)),
        languages=dict.fromkeys(ids, "en"),
        training_texts=TRAINING,
    )


def test_a_gzipped_arpa_file_of_another_toolkit_is_a_row_with_its_own_words(tmp_path: Path) -> None:
    file = tmp_path / "theirs.arpa.gz"
    file.write_bytes(gzip.compress(ARPA.encode()))
    splits = {"validation": references("press hold"), "test": references("press one")}
    with pytest.warns(RunWarning, match="no <unk>; unknown words get"):
        metrics = ArpaNgrams(file=file).score(predictions={}, references=splits, output_dir=tmp_path)
    assert metrics["test/out_of_vocabulary_rate"] == 0.5
    ngrams = load_ngrams(tmp_path)
    assert ngrams.symbols == ("<blank>", "<unk>", "hold", "press")
    assert ngrams.log_prob(2, (0, 3)) == pytest.approx(-0.25 * math.log(10))
    nats = -(-0.125 - 0.25 - 0.25 - 1.0) * math.log(10)  # <s> press, press hold, back-off of hold, </s>
    assert metrics["validation/perplexity_per_token"] == pytest.approx(math.exp(nats / 3), rel=1e-6)
    with pytest.raises(ValueError, match="no such file"):
        ArpaNgrams(file=tmp_path / "none.arpa")


@pytest.mark.parametrize("unit", ["word", "character"])
def test_texts_of_ones_own_are_interpolated_and_no_test_text_is_among_them(unit: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("Press on.\npress on the hold\nPress three!\nno, one\npress three three\n", encoding="utf-8")
    splits = {
        "validation": references("hold one", unit=unit),
        "test": references("press three", "press three there", unit=unit),
    }
    with pytest.warns(
        RunWarning, match="3 sentences are trained on; left out: a held-out text: 1, nearly a held-out text: 1"
    ):
        metrics = OutsideNgrams(order=2, texts={"en": file}).score(
            predictions={}, references=splits, output_dir=tmp_path
        )
    assert metrics["outside/left_out_a_held-out_text"] == 1
    assert 0 <= metrics["interpolation/own_weight"] <= 1
    symbols = load_ngrams(tmp_path).symbols
    assert ("on" in symbols) == (unit == "word")  # twice
    assert "three" not in symbols
    both = [metrics[f"validation/perplexity_per_character_{name}"] for name in ("own", "outside")]
    assert metrics["validation/perplexity_per_character"] <= min(both) * 1.1


def test_a_held_out_utterance_of_two_sentences_does_not_come_in_by_its_sentences(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    lines = (
        "Now press three there. Go on!",
        "Would you please stay on the line?",
        "Wait for us all.",
        "press one",
    )
    file.write_text("\n".join(lines), encoding="utf-8")
    splits = {
        "validation": references("hold one"),
        "test": references("now press three there go on and wait", "stay on the line"),
    }
    with pytest.warns(RunWarning, match="2 sentences are trained on"):
        metrics = OutsideNgrams(order=2, texts={"en": file}).score(
            predictions={}, references=splits, output_dir=tmp_path
        )
    left_out = {name: value for name, value in metrics.items() if name.startswith("outside/left_out")}
    assert left_out == {
        "outside/left_out_a_part_of_a_held-out_text": 1,  # now press three there
        "outside/left_out_around_a_held-out_text": 1,  # would you please stay on the line
        "outside/left_out_a_training_text": 1,
    }


def test_a_language_that_the_corpus_has_not_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("hola\n", encoding="utf-8")
    splits = {split: references("hold one") for split in ("validation", "test")}
    with pytest.raises(ValueError, match=r"texts\.sp: 'sp' is no language of the corpus, allowed: en"):
        OutsideNgrams(order=2, texts={"sp": file}).score(predictions={}, references=splits, output_dir=tmp_path)


def test_characters_that_the_corpus_lacks_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("Zebra.\nGiraffe.\n", encoding="utf-8")
    splits = {split: references("hold one", unit="character") for split in ("validation", "test")}
    with (
        pytest.warns(RunWarning, match="letters that the corpus lacks: 2"),
        pytest.raises(ValueError, match="no sentence is left; left out: letters that the corpus lacks: 2"),
    ):
        OutsideNgrams(order=2, texts={"en": file}).score(predictions={}, references=splits, output_dir=tmp_path)


def test_no_texts_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"texts: no file, allowed: .*; or dialogues: true, or fortunes: true$"):
        OutsideNgrams(order=2)
    with pytest.raises(ValueError, match="no such file"):
        OutsideNgrams(order=2, texts={"en": tmp_path / "none.txt"})
