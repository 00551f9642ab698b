"""ARPA files: what was written comes back; what is wrong is named with its line."""

from __future__ import annotations

import gzip
import tempfile
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.run_warning import RunWarning
from lightning_modules.decoding.language_models.language_model import BackoffNgrams
from lightning_modules.lm.arpa import read_arpa, write_arpa
from lightning_modules.lm.arpa_lines import ArpaError
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


@pytest.mark.parametrize("gram", ["</s> <s>", "one <s>", "</s> one", "<s> <s>", "</s> </s>"])
def test_n_grams_with_a_boundary_inside_are_skipped_and_said_once(tmp_path: Path, gram: str) -> None:
    path = tmp_path / "inside.arpa"
    path.write_text(
        FILE.replace("ngram 2=2", "ngram 2=4").replace("\n\n\\end", f"\n-0.01\t{gram}\n-0.02\ttwo <s>\n\n\\end")
    )
    with pytest.warns(RunWarning) as said:
        ngrams = read_arpa(path, unit="word")
    assert [str(one.message) for one in said] == [
        f"{path}:16: n-grams with <s> inside or </s> before the end are skipped: 2, the first is {gram!r}"
    ]
    assert ngrams.log_prob(0, (0,)) == pytest.approx((-0.5 - 0.30103) * 2.302585)  # the empty text backs off
    assert len(ngrams.tables[1]) == 2


def test_the_empty_text_may_have_a_bigram(tmp_path: Path) -> None:
    path = tmp_path / "empty.arpa"
    path.write_text(FILE.replace("<s> one", "<s> </s>"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_arpa(path, unit="word").log_prob(0, (0,)) == pytest.approx(-0.1 * 2.302585)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("-0.4\tone", "0.4\tone", ":10: log10 probability 0.4, allowed: finite and at most 0"),
        ("-0.4\tone", "nan\tone", ":10: log10 probability nan"),
        ("-0.4\tone", "-inf\tone", ":10: log10 probability -inf"),
        ("one\t-0.2", "one\tnan", ":10: back-off weight nan, allowed: a finite log10"),
        ("one\t-0.2", "one\tinf", ":10: back-off weight inf"),
        ("one\t-0.2", "one\t-inf", ":10: back-off weight -inf"),
        ("ngram 2=2", "ngram 2=" + "9" * 5000, ":5: expected 'ngram 2=COUNT'"),
        ("-1.5\ttwo", "-1.5\t</s>", ":11: the n-gram '</s>' occurs twice"),
        ("-1.5\ttwo", "-1.5\t<s>", ":11: the n-gram '<s>' occurs twice"),
    ],
)
def test_numbers_that_are_no_probabilities_and_doubles_are_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "broken.arpa"
    path.write_text(FILE.replace(old, new, 1))
    with pytest.raises(ArpaError, match=r"broken\.arpa" + message):
        read_arpa(path, unit="word")


def test_rounding_above_zero_and_positive_backoff_weights_are_read(tmp_path: Path) -> None:
    path = tmp_path / "rounded.arpa"
    path.write_text(FILE.replace("-0.4\tone\t-0.2", "1e-7\tone\t0.2"))
    entry = read_arpa(path, unit="word").tables[0][(1,)]
    assert entry == pytest.approx((0.0, 0.2 * 2.302585), abs=1e-6)


@pytest.mark.parametrize("symbols", [None, ("<blank>", "one", "two")])
def test_a_file_without_a_boundary_says_what_it_is_read_as(tmp_path: Path, symbols: tuple[str, ...] | None) -> None:
    path = tmp_path / "open.arpa"
    path.write_text(FILE.replace("ngram 1=4", "ngram 1=3").replace("-0.5 </s>\n", ""))
    with pytest.warns(RunWarning, match=r":7: no unigram </s>: the end of a text is read as log10 probability -99"):
        assert read_arpa(path, unit="word", symbols=symbols).tables[0][(0,)].log_prob == pytest.approx(-99 * 2.302585)
    path.write_text(FILE.replace("ngram 1=4", "ngram 1=3").replace("-99\t<s>\t-0.30103\n", ""))
    with pytest.warns(RunWarning, match=r":7: no unigram <s>: its back-off weight is read as 0"):
        assert read_arpa(path, unit="word", symbols=symbols).tables[0][(0,)].log_backoff == 0.0
    neither = FILE.replace("ngram 1=4", "ngram 1=2").replace("-99\t<s>\t-0.30103\n-0.5 </s>\n", "")
    path.write_text(neither)
    with pytest.raises(ArpaError, match=r":7: no unigram </s> and no unigram <s>"):
        read_arpa(path, unit="word", symbols=symbols)


def test_the_word_blank_is_no_boundary(tmp_path: Path) -> None:
    path = tmp_path / "blank.arpa"
    path.write_text(FILE.replace("two", "<blank>"))
    with pytest.raises(ArpaError, match=r":11: the symbol '<blank>' is not in the vocabulary of 2"):
        read_arpa(path, unit="word", symbols=("<blank>", "one"))


@pytest.mark.parametrize(
    "written",
    [
        gzip.compress(FILE.encode()),
        FILE.removeprefix("made by hand\n\n").encode("utf-8-sig"),
        FILE.replace("ngram 1=4", "ngram\t1 =\t4").replace("ngram 2=2", "ngram  2= 2").encode(),
        FILE.replace("\n", "\r\n").encode(),
    ],
    ids=["gzip", "byte order mark", "tabs in the header", "carriage returns"],
)
def test_other_spellings_of_the_same_file_are_read(tmp_path: Path, written: bytes) -> None:
    plain, other = tmp_path / "plain.arpa", tmp_path / "other"
    plain.write_text(FILE)
    other.write_bytes(written)
    assert read_arpa(other, unit="word") == read_arpa(plain, unit="word")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (FILE.replace("two", "\N{LATIN SMALL LETTER E WITH ACUTE}").encode("latin-1"), ":11: byte 0xe9 is not UTF-8"),
        (b"mmap lm http://kheafield.com/code format version 5\n\0\xff\xfe", ": a binary file of KenLM"),
        (gzip.compress(FILE.encode())[:-20], ": a damaged gzip file after line"),
        (b"", ":1: no line"),
    ],
    ids=["latin-1", "kenlm", "cut gzip", "empty"],
)
def test_files_that_are_no_utf8_text_are_named(tmp_path: Path, written: bytes, message: str) -> None:
    path = tmp_path / "foreign.arpa"
    path.write_bytes(written)
    with pytest.raises(ArpaError, match=r"foreign\.arpa" + message):
        read_arpa(path, unit="word")


@given(
    at=st.integers(0, len(FILE)),
    length=st.integers(0, 8),
    inserted=st.one_of(st.binary(max_size=8), st.sampled_from([b"<s>", b"</s>", b"nan", b"\t", b"\n", b"1e999"])),
)
def test_damage_anywhere_is_read_or_refused_in_one_line(at: int, length: int, inserted: bytes) -> None:
    written = FILE.encode()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder, "damaged.arpa")
        path.write_bytes(written[:at] + inserted + written[at + length :])
        try:
            tables, refused = read_arpa(path, unit="word").tables, None
        except ArpaError as error:
            tables, refused = (), str(error)
    assert refused is None or (refused.startswith(f"{path}:") and len(refused.splitlines()) == 1)
    assert all(0 not in gram[1:-1] for table in tables for gram in table)
