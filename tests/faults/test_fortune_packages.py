"""Fortune cookies from packages made here: which files are texts, in which encoding, and what is no sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from datamodules.annotations import TextReferences
from datamodules.corpora import debian
from datamodules.corpora.speech import fortune_texts
from datamodules.run_warning import RunWarning
from lightning_modules.lm.outside_scoring import OutsideNgrams
from lightning_modules.lm.stored import load_ngrams

ROOT = "usr/share/games/fortunes"
SPANISH = "Más vale tarde.\n\t\t-- Anónimo. (1599)\n\t\t   Escritor.\n%\nUna mano\nlava la otra. Siempre.\n%\n"
TRAINING = ("press one", "press two", "hold the line")


@pytest.fixture
def archive(package_archive: Any, earmark_home: Path) -> Any:
    package_archive.add(
        "fortunes-es",
        {
            f"{ROOT}/es/arte": SPANISH.encode(),
            f"{ROOT}/es/arte.dat": b"\0\0\0\2",
            f"{ROOT}/es/arte.u8": SPANISH.encode(),
            f"{ROOT}/es/off/varios": "Una grosería.\n%\n".encode(),
            f"{ROOT}/varios": b"De otra carpeta.\n%\n",
            "usr/share/doc/fortunes-es/copyright": b"GPL\n%\n",
        },
    )
    return package_archive


def references(text: str, *, language: str = "en") -> TextReferences:
    symbols = ("<blank>", "<unk>", *sorted({word for one in TRAINING for word in one.split()}))
    return TextReferences(
        symbols=symbols, unit="word", texts={"0": text}, languages={"0": language}, training_texts=TRAINING
    )


def test_the_texts_are_the_files_of_the_languages_own_folder_without_attributions(archive: Any) -> None:
    found = fortune_texts.fortune_texts("es")
    assert found.texts == ("más vale tarde", "una mano lava la otra", "siempre")
    assert found.left_out == {"an attribution": 1}


def test_files_in_other_encodings_are_left_out_and_their_texts_counted(
    package_archive: Any, earmark_home: Path
) -> None:
    package_archive.add(
        "fortunes-ru",
        {
            f"{ROOT}/ru/a": "\ufeffЗдравствуй, мир!\n".encode(),
            f"{ROOT}/ru/b": "Один.\n%\nДва.\n%\n".encode("koi8-r"),
            f"{ROOT}/ru/c": "Voilà.\n".encode("latin-1"),
        },
    )
    found = fortune_texts.fortune_texts("ru")
    assert found.texts == ("здравствуй мир",)
    assert found.left_out == {"in a file that is not UTF-8": 3}


def test_english_has_two_packages_and_slovak_lies_in_the_czech_one(package_archive: Any, earmark_home: Path) -> None:
    package_archive.add("fortunes", {f"{ROOT}/art": b"One.\n%\nTwo.\n"})
    package_archive.add("fortunes-min", {f"{ROOT}/riddles": b"Three.\n"})
    package_archive.add("fortunes-cs", {f"{ROOT}/cs/citat": "Dobře.\n".encode(), f"{ROOT}/cs/klasik-sk": b"Dobre.\n"})
    found = {language: fortune_texts.fortune_texts(language).texts for language in ("en", "cs", "sk")}
    assert found == {"en": ("one", "two", "three"), "cs": ("dobře",), "sk": ("dobre",)}


def test_a_package_without_texts_and_a_machine_without_apt_get_are_told(
    package_archive: Any, earmark_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package_archive.add("fortunes-it", {f"{ROOT}/altro/a": b"Ciao.\n"})
    with pytest.raises(debian.PackageError, match=f"package fortunes-it: holds no texts in {ROOT}/it"):
        fortune_texts.fortune_texts("it")
    with pytest.raises(ValueError, match="fortunes in 'nl', allowed: bg, cs, de, en"):
        fortune_texts.fortune_texts("nl")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        debian.NoPackageManagerError, match="no apt-get on this machine, so Debian's package fortunes-ga"
    ):
        fortune_texts.fortune_texts("ga")


def test_a_row_takes_those_of_the_corpus_languages_and_no_held_out_text(archive: Any, tmp_path: Path) -> None:
    splits = {split: references("siempre", language="es") for split in ("validation", "test")}
    with pytest.warns(RunWarning, match="2 sentences are trained on; left out: a held-out text: 1, an attribution: 1"):
        metrics = OutsideNgrams(order=2, fortunes=True, min_count=1).score(
            predictions={}, references=splits, output_dir=tmp_path
        )
    assert metrics["outside/sentences"] == 2
    assert metrics["outside/left_out_an_attribution"] == 1
    assert {"vale", "mano"} <= set(load_ngrams(tmp_path).symbols)


def test_a_corpus_without_a_language_that_has_a_package_is_refused(tmp_path: Path) -> None:
    splits = {split: references("goed", language="nl") for split in ("validation", "test")}
    with pytest.raises(ValueError, match="fortunes: none in nl, allowed: a corpus with one of bg, cs, de"):
        OutsideNgrams(order=2, fortunes=True).score(predictions={}, references=splits, output_dir=tmp_path)
