"""ARPA files: what was written comes back; what is wrong is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from lightning_modules.decoding.language_model import BackoffNgrams
from lightning_modules.lm.arpa import ArpaError, read_arpa, write_arpa
from lightning_modules.lm.ngram import estimate_ngrams

SYMBOLS = ("<blank>", " ", "a", "\N{LATIN SMALL LETTER C WITH CEDILLA}")

FILE = """\
made by hand

\\data\\
ngram 1=4
ngram 2=2

\\1-grams:
-99\t<s>\t-0.30103
-0.5 </s>
-0.4\tone\t-0.2
-1.5\ttwo

\\2-grams:
-0.1\t<s> one
-0.2\tone </s>

\\end\\
"""


@pytest.fixture
def ngrams() -> BackoffNgrams:
    return estimate_ngrams([(2, 1, 3), (2, 2), ()], symbols=SYMBOLS, unit="character", order=3)


def test_a_model_comes_back(tmp_path: Path, ngrams: BackoffNgrams) -> None:
    path = tmp_path / "model.arpa"
    write_arpa(path, ngrams)
    for symbols in (SYMBOLS, None):
        read = read_arpa(path, unit="character", symbols=symbols)
        assert read.symbols == SYMBOLS
        for ours, theirs in zip(read.tables, ngrams.tables, strict=True):
            assert ours.keys() == theirs.keys()
            for gram in ours:
                assert ours[gram] == pytest.approx(theirs[gram], abs=1e-7)


def test_the_file_is_as_the_format_says(tmp_path: Path, ngrams: BackoffNgrams) -> None:
    path = tmp_path / "model.arpa"
    write_arpa(path, ngrams)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "\\data\\"
    assert lines[1] == "ngram 1=5"  # the symbols and <s>
    assert lines[-1] == "\\end\\"
    assert any(line.startswith("-99\t<s>\t") for line in lines)
    assert any(line.split("\t")[1:2] == ["<s> a"] for line in lines)
    assert any("\t<space> ç </s>" in line for line in lines)


def test_a_foreign_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "foreign.arpa"
    path.write_text(FILE)
    ngrams = read_arpa(path, unit="word")
    assert ngrams.symbols == ("<blank>", "one", "two")
    assert ngrams.log_prob(1, (0,)) == pytest.approx(-0.1 * 2.302585)
    assert ngrams.log_prob(2, (0,)) == pytest.approx((-1.5 - 0.30103) * 2.302585)
    assert ngrams.log_prob(0, (0, 1)) == pytest.approx(-0.2 * 2.302585)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\\data\\", "data", r":1: no line \\data"),
        ("ngram 2=2", "ngram 3=2", r":5: expected 'ngram 2=COUNT', got 'ngram 3=2'"),
        ("ngram 2=2", "ngram 2=1", r":15: expected \\end\\ after"),
        ("ngram 2=2", "ngram 2=3", r":17: expected a log10 probability, 2 symbols"),
        ("-0.4\tone", "x\tone", r":10: 'x\\tone\\t-0.2' has no number"),
        ("-0.2\tone </s>", "-0.2\tsix </s>", r":15: the symbol 'six' is not in the vocabulary of 3"),
        ("-0.2\tone </s>", "-0.2\t<s> one", r":15: the n-gram '<s> one' occurs twice"),
        ("-0.1\t<s> one\n-0.2\tone </s>\n\n\\end\\\n", "", r"the file ends where"),
        ("\\2-grams", "\\3-grams", r":13: expected \\2-grams:"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "broken.arpa"
    assert old in FILE
    path.write_text(FILE.replace(old, new, 1))
    with pytest.raises(ArpaError, match=r"broken\.arpa.*" + message):
        read_arpa(path, unit="word")


def test_a_symbol_that_the_file_lacks_is_named(tmp_path: Path) -> None:
    path = tmp_path / "foreign.arpa"
    path.write_text(FILE)
    with pytest.raises(ArpaError, match=r"foreign\.arpa:7: no unigram for the symbol 'three' \(1 are missing\)"):
        read_arpa(path, unit="word", symbols=("<blank>", "one", "two", "three"))


@pytest.mark.parametrize("symbol", ["<s>", "a b", ""])
def test_a_symbol_that_cannot_be_written_is_refused(tmp_path: Path, symbol: str) -> None:
    ngrams = estimate_ngrams([(1,)], symbols=("<blank>", symbol), unit="word", order=1)
    with pytest.raises(ValueError, match="cannot be written"):
        write_arpa(tmp_path / "model.arpa", ngrams)
