"""ARPA files: what was written comes back; what is wrong is named with its line."""

from __future__ import annotations

import gzip
import warnings
from pathlib import Path

import pytest

from datamodules.run_warning import RunWarning
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


WITH_STRAYS = FILE.replace("ngram 2=2", "ngram 2=5").replace(
    "-0.2\tone </s>", "-0.01\t</s> <s>\n-0.02\tone <s>\n-0.03\t</s> two\n-0.2\tone </s>"
)


def test_boundaries_in_the_middle_are_skipped_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "strays.arpa"
    path.write_text(WITH_STRAYS)
    with pytest.warns(RunWarning, match=r"strays\.arpa: 3 n-grams .* are skipped, the first on line 15: '</s> <s>'"):
        ngrams = read_arpa(path, unit="word")
    (tmp_path / "clean.arpa").write_text(FILE)
    assert ngrams == read_arpa(tmp_path / "clean.arpa", unit="word")
    assert ngrams.log_prob(0, (0,)) == pytest.approx((-0.5 - 0.30103) * 2.302585)  # the empty text: backed off


def test_a_clean_file_warns_of_nothing(tmp_path: Path) -> None:
    path = tmp_path / "clean.arpa"
    path.write_text(FILE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_arpa(path, unit="word")


@pytest.mark.parametrize("weight", ["0.5", "nan", "inf", "-inf"])
def test_weights_that_are_no_logarithm_of_a_probability_are_refused(tmp_path: Path, weight: str) -> None:
    path = tmp_path / "broken.arpa"
    path.write_text(FILE.replace("-0.4\tone", f"{weight}\tone"))
    with pytest.raises(ArpaError, match=r"broken\.arpa:10: .*allowed: a log10 probability of 0 at most"):
        read_arpa(path, unit="word")
    path.write_text(FILE.replace("one\t-0.2", f"one\t{weight}"))
    if weight == "0.5":  # a back-off weight may be above 0
        assert read_arpa(path, unit="word").tables[0][(1,)].log_backoff == pytest.approx(0.5 * 2.302585)
    else:
        with pytest.raises(ArpaError, match=r"broken\.arpa:10: .*a finite back-off weight"):
            read_arpa(path, unit="word")


def test_a_file_without_an_end_of_sentence_is_named(tmp_path: Path) -> None:
    path = tmp_path / "endless.arpa"
    endless = FILE.replace("ngram 1=4", "ngram 1=3").replace("ngram 2=2", "ngram 2=1")
    path.write_text(endless.replace("-0.5 </s>\n", "").replace("-0.2\tone </s>\n", ""))
    with pytest.warns(RunWarning, match=r"endless\.arpa: no unigram </s>"):
        read_arpa(path, unit="word")
    bare = endless.replace("ngram 1=3", "ngram 1=2").replace("-99\t<s>\t-0.30103\n", "")
    path.write_text(bare.replace("-0.5 </s>\n", "").replace("-0.2\tone </s>\n", "").replace("<s> one", "two one"))
    with pytest.raises(ArpaError, match=r"endless\.arpa:\d+: no unigram for the symbol '</s>'"):
        read_arpa(path, unit="word")


def test_compressed_files_marks_and_tabs_in_counts_are_read(tmp_path: Path) -> None:
    (tmp_path / "plain.arpa").write_text(FILE)
    expected = read_arpa(tmp_path / "plain.arpa", unit="word")
    marked = b"\xef\xbb\xbf" + FILE.removeprefix("made by hand\n\n").encode()
    forms = {
        "a.arpa.gz": gzip.compress(FILE.encode()),
        "marked.arpa": marked,
        "tabs.arpa": FILE.replace("ngram 1=4", "ngram\t1 =\t4").replace("\n", "\r\n").encode(),
    }
    for name, data in forms.items():
        (tmp_path / name).write_bytes(data)
        assert read_arpa(tmp_path / name, unit="word") == expected, name


def test_what_is_no_utf_8_text_is_named(tmp_path: Path) -> None:
    compressed = gzip.compress(FILE.encode() * 50)
    forms = {
        "latin.arpa": (FILE.replace("one", "caf\xe9").encode("latin-1"), r"latin\.arpa:10: not UTF-8 text \(\\xe9"),
        "lm.binary": (
            b"mmap lm http://kheafield.com/code format version 5\n\0",
            r"lm\.binary:1: a binary file of KenLM",
        ),
        "cut.arpa.gz": (compressed[: len(compressed) // 2], r"cut\.arpa\.gz:\d+: the compressed file is cut short"),
        "bad.arpa.gz": (compressed[:20] + b"\xff" * 40 + compressed[60:], r"bad\.arpa\.gz:\d+: "),
    }
    for name, (data, message) in forms.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ArpaError, match=message):
            read_arpa(tmp_path / name, unit="word")
