"""Edits in place of a corpus's files: found by size, time and contents; a copy with new times is none."""

from __future__ import annotations

import gzip
import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from datamodules import corpus_changes
from datamodules.corpora.card_digest import card_digest
from datamodules.corpora.sounds import tones
from datamodules.corpora.speech import spoken_tones
from datamodules.corpus_changes import check_files, note_files
from datamodules.corpus_files import (
    FILES,
    CorpusChangedError,
    audio_files,
    facts_of,
    read_facts,
    stated,
    text_files,
    write_facts,
)
from datamodules.corpus_folder import data_root, read_card
from datamodules.importers.imported_corpus import Source, import_corpus
from datamodules.run_warning import RunWarning

from ..documents.blocks import blocks

NUM_CLIPS = 40


@pytest.fixture
def imported(tmp_path: Path, earmark_home: Path) -> Path:
    """The corpus ``mine`` of 40 files of a user's, of four sessions, in whose folder they are."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "theirs"
    folder.mkdir()
    rows = ["audio\ttext\tsession"]
    for number in range(NUM_CLIPS):
        soundfile.write(folder / f"{number}.wav", rng.uniform(-0.3, 0.3, 800), 16_000)
        rows.append(f"{number}.wav\tpes {'a' * (number + 1)}\ts{number % 4}")
    (folder / "train.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    import_corpus("mine", Source({"train": [folder / "train.tsv"]}, language="cs"))
    return folder


def replace_sound(path: Path, *, keep_time: bool = False) -> None:
    """Other samples of the same length: size and header stay."""
    before = path.stat()
    samples_S, rate_hz = soundfile.read(path, dtype="int16")
    soundfile.write(path, -samples_S, rate_hz)
    assert path.stat().st_size == before.st_size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + (0 if keep_time else 1_000_000)))


def test_an_untouched_corpus_is_no_change_and_nothing_is_said_or_written(imported: Path) -> None:
    record = data_root() / "mine" / FILES
    before = record.read_bytes(), record.stat().st_mtime_ns
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        note_files("mine")
        check_files("mine")
    assert (record.read_bytes(), record.stat().st_mtime_ns) == before


def test_replaced_sound_of_an_imported_corpus_is_named(imported: Path) -> None:
    replace_sound(imported / "7.wav")
    with pytest.raises(
        CorpusChangedError, match=r"'mine': 1 of 43 files changed since it was imported \(.*7\.wav\)"
    ) as said:
        check_files("mine")
    assert "earmark data import mine … --rebuild" in str(said.value)
    shown = " ".join(blocks("docs/import.md", "text")[1].split())
    assert f"data: {said.value}".replace(str(imported), "/home/me") == shown
    assert "\n" not in str(said.value)
    with pytest.raises(CorpusChangedError):  # and it stays said
        check_files("mine")


def test_sound_replaced_with_its_time_set_back_is_named(imported: Path) -> None:
    replace_sound(imported / "7.wav", keep_time=True)
    with pytest.raises(CorpusChangedError, match=r"'mine': 1 of 43 files changed .*7\.wav"):
        check_files("mine")


def test_all_sound_replaced_on_a_disk_that_keeps_no_times_is_found_by_a_few_files(imported: Path) -> None:
    for number in range(NUM_CLIPS):
        replace_sound(imported / f"{number}.wav", keep_time=True)
    folder = data_root() / "mine"
    facts = read_facts(folder) or {}
    write_facts(folder, {name: stated(folder / name)._replace(digest=of.digest) for name, of in facts.items()})
    with pytest.raises(CorpusChangedError, match=r"'mine': at least (29|30|31|32) of 43 files changed"):
        check_files("mine")


def test_another_length_is_found_without_reading(imported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(imported / "3.wav", np.zeros(900), 16_000)
    monkeypatch.setattr(corpus_changes, "SAMPLED_FILES", 0)
    monkeypatch.setattr(corpus_changes, "read_if_there", lambda path: pytest.fail(f"{path} was read"))
    with pytest.raises(CorpusChangedError, match=r"1 of 43 files changed .*3\.wav"):
        check_files("mine")


def test_new_times_of_the_same_contents_are_recorded_and_read_once(
    imported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(NUM_CLIPS):
        os.utime(imported / f"{number}.wav")
    check_files("mine")
    monkeypatch.setattr(corpus_changes, "SAMPLED_FILES", 0)
    monkeypatch.setattr(corpus_changes, "read_if_there", lambda path: pytest.fail(f"{path} was read"))
    check_files("mine")


def test_a_copied_corpus_is_the_same(earmark_home: Path) -> None:
    tones.prepare("tiny")
    folder = data_root() / "tones" / "tiny"
    shutil.copytree(folder, folder.with_name("copy"), copy_function=shutil.copyfile)
    shutil.rmtree(folder)
    folder.with_name("copy").rename(folder)
    check_files("tones/tiny")


@pytest.mark.parametrize("name", ["manifests/train.jsonl.gz", "train_weak.tsv", "audio/test/test-0000.flac"])
def test_lists_manifests_and_audio_of_our_own_corpora_count(earmark_home: Path, name: str) -> None:
    tones.prepare("tiny")
    path = data_root() / "tones" / "tiny" / name
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(CorpusChangedError, match=rf"prepared \({name}\).*earmark data tones --scale tiny --rebuild"):
        check_files("tones/tiny")


def test_an_edited_text_of_the_same_length_is_found(earmark_home: Path) -> None:
    spoken_tones.prepare("tiny")
    path = data_root() / "spoken_tones" / "tiny" / "manifests" / "test.jsonl.gz"
    before = path.stat()
    raw = bytearray(gzip.decompress(path.read_bytes()))
    place = raw.index(b'"text": "') + len(b'"text": "')
    raw[place : place + 1] = b"z"
    path.write_bytes(gzip.compress(bytes(raw)))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    with pytest.raises(CorpusChangedError, match=r"manifests/test\.jsonl\.gz"):
        check_files("spoken_tones/tiny")


def test_files_that_are_gone_are_no_change(imported: Path) -> None:
    (imported / "1.wav").unlink()
    check_files("mine")


def test_a_corpus_without_a_record_gets_one_and_it_is_said_once(imported: Path) -> None:
    record = data_root() / "mine" / FILES
    record.unlink()
    os.utime(imported / "5.wav", ns=(0, (data_root() / "mine" / "corpus.json").stat().st_mtime_ns + 10**9))
    with pytest.warns(RunWarning, match=r"without a record of its 43 files.* 1 are newer than the corpus \(.*5\.wav\)"):
        note_files("mine")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        note_files("mine")
        check_files("mine")
    facts = read_facts(data_root() / "mine")
    assert facts is not None
    unread = next(name for name, of in facts.items() if not of.digest)
    os.utime(unread)
    with pytest.raises(CorpusChangedError, match=r"contents were not recorded .*earmark data check --digest mine"):
        check_files("mine")


def test_a_folder_that_cannot_be_written_is_said(imported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path, facts: object) -> None:
        raise PermissionError(13, "Permission denied", str(folder / FILES))

    monkeypatch.setattr(corpus_changes, "write_facts", refuse)
    os.utime(imported / "1.wav")
    with pytest.warns(RunWarning, match=r"files\.json cannot be written \(Permission denied\)"):
        check_files("mine")


def test_a_damaged_record_is_one_line(imported: Path) -> None:
    (data_root() / "mine" / FILES).write_text("[1, 2]")
    with pytest.raises(CorpusChangedError, match=r"files\.json is damaged .*delete it"):
        check_files("mine")


@pytest.mark.parametrize("prepare", [tones.prepare, spoken_tones.prepare])
def test_the_cards_digest_comes_out_again_from_the_disk(earmark_home: Path, prepare: Callable[[str], object]) -> None:
    prepare("tiny")
    (name,) = (path.relative_to(data_root()).parent for path in data_root().glob("*/*/corpus.json"))
    card, folder = read_card(str(name)), data_root() / name
    assert card_digest(folder, has_classes=bool(card.classes), audio={}) == card.digest
    replace_flac(folder / audio_files(folder)[0])
    assert card_digest(folder, has_classes=bool(card.classes), audio={}) != card.digest


def replace_flac(path: Path) -> None:
    samples_S, rate_hz = soundfile.read(path, dtype="int16")
    soundfile.write(path, -samples_S, rate_hz)


def test_an_imported_cards_digest_comes_out_again(imported: Path) -> None:
    folder = data_root() / "mine"
    facts = {name: facts_of(Path(name)) for name in audio_files(folder)}
    assert card_digest(folder, has_classes=False, audio=facts) == read_card("mine").digest
    assert set(read_facts(folder) or {}) == {*facts, *text_files(folder)}
