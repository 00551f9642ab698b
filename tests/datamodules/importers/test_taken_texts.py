"""A test split that a user gives is scored whole: nothing of it leaves in silence, nor by its digits or brackets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from datamodules.checks.checked_splits import entries_of_manifests
from datamodules.corpora.speech.speech_summary import summarise_speech
from datamodules.corpus_folder import data_root
from datamodules.importers.imported_corpus import Source, import_corpus
from datamodules.importers.taken_texts import TextNotes, TextsTaken
from datamodules.run_warning import RunWarning
from datamodules.texts.own_text_rules import own_text_rules

from .test_imported_corpus import cuts

LETTERS = ("Pes čeká", "Kočka spí", "Lev řve", "Had syčí")
HELD_OUT = ("Stojí 50 %", "[hluk] Dobrý den", "Haló!", "…")


@pytest.fixture
def source(tmp_path: Path, write_audio) -> Source:
    """Four training texts and one with digits; a validation and a test split of the same four."""
    manifests = {}
    texts = {"train": (*LETTERS, "Číslo 5"), "validation": HELD_OUT, "test": HELD_OUT}
    for split, of_split in texts.items():
        rows = ["audio\ttext\tid"]
        for number, text in enumerate(of_split):
            write_audio(tmp_path / split / f"{number}.wav", 0.5)
            rows.append(f"{split}/{number}.wav\t{text}\t{split}{number}")
        path = tmp_path / f"{split}.tsv"
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        manifests[split] = [path]
    return Source(manifests, language="cs")


def texts(split: str) -> dict[str, str]:
    return {cut.id: cut.supervisions[0].text for cut in cuts(data_root() / "mine", split)}


def test_given_held_out_splits_are_kept_whole_and_said_by_split(earmark_home: Path, source: Source) -> None:
    with pytest.warns(RunWarning) as told:
        card = import_corpus("mine", source)
    assert card.num_clips == {"train": 4, "validation": 3, "test": 3}
    assert texts("test") == {"test0": "stojí 50 %", "test1": "hluk dobrý den", "test2": "haló"}
    lines = [str(warning.message) for warning in told]
    for split in ("validation", "test"):
        kept = f"{split}: kept as written, of 3: 1 brackets, 1 digits ({split}0, {split}1); "
        left_out = f"{split}: left out, beside 3 that are taken: 1 no letters ({split}3) (left_out.json)"
        assert [line for line in lines if line.startswith(kept)]
        assert left_out in lines
    assert not [line for line in lines if line.startswith("train")]


def test_what_is_left_out_is_named_one_by_one_and_counted(earmark_home: Path, source: Source) -> None:
    import_corpus("mine", source)
    folder = data_root() / "mine"
    named = json.loads((folder / "left_out.json").read_text(encoding="utf-8"))
    assert {(one["split"], one["id"], one["reason"]) for one in named} == {
        ("train", "train4", "digits"), ("validation", "validation3", "no letters"), ("test", "test3", "no letters"),
    }  # fmt: skip
    assert {one["text"] for one in named} == {"Číslo 5", "…"}
    assert all(one["place"].endswith(("tsv, line 5", "tsv, line 6")) for one in named)
    assert json.loads((folder / "dropped.json").read_text()) == {"cs": {"digits": 1, "no letters": 2}}
    assert "left out of cs: 1 digits, 2 no letters" in summarise_speech(folder)


def test_a_held_out_split_of_letters_alone_can_be_asked_for(earmark_home: Path, source: Source) -> None:
    chosen = Source(source.manifests, language="cs", keeps_held_out_texts=False)
    with pytest.warns(RunWarning, match="test: left out, beside 1 that are taken: 1 brackets, 1 digits, 1 no letters"):
        card = import_corpus("mine", chosen)
    assert card.num_clips == {"train": 4, "validation": 1, "test": 1}


def test_checking_says_what_importing_does(source: Source) -> None:
    entries = entries_of_manifests(source)
    left_out, kept = entries.unspeakable_text(), entries.kept_as_written()
    assert left_out is not None
    assert kept is not None
    assert (left_out.check, kept.check) == ("unspeakable_text", "kept_as_written")
    assert [split for split, *_ in entries.unspeakable] == ["train", "validation", "test"]
    assert [split for split, *_ in entries.as_written] == ["validation", "validation", "test", "test"]
    assert entries.by_split["test"][0].text == "stojí 50 %"


def test_a_users_own_rules_hold_for_every_split(earmark_home: Path, source: Source, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("{}")
    rules = {"cs": {"letters": "%", "map": {"5": "pět", "0": ""}}}
    card = import_corpus("mine", Source(source.manifests, language="cs", text_rules=rules, rules_file=file))
    assert card.num_clips["train"] == 5
    assert texts("train")["train4"] == "číslo pět"
    assert texts("test")["test0"] == "stojí pět %"
    assert str(file) in card.description
    assert str(file) in (data_root() / "mine" / "imported_from.json").read_text()


def test_letters_that_stand_where_quotation_marks_do_are_not_lost_in_silence(
    earmark_home: Path, tmp_path: Path, write_audio
) -> None:
    said = ["Kʼicheʼ tzij", "ʼáníishjí.", "kʼaxkʼol", "jun ʼ tzij", "tzij", "rech 'jun'", "xubʼij cheʼ?", "loqʼoq"]
    rows = ["audio\ttext\tid"]
    for number, text in enumerate(said):
        write_audio(tmp_path / f"{number}.wav", 0.5)
        rows.append(f"{number}.wav\t{text}\tu{number}")
    manifest = tmp_path / "all.tsv"
    manifest.write_text("\n".join(rows) + "\n", encoding="utf-8")
    of_splits = {split: [manifest] for split in ("train",)}
    taken = TextsTaken()
    entries = list(Source(of_splits, language="quc").read("train"))
    with pytest.warns(RunWarning, match="generic text rules"):
        cut = [word for entry in entries for word in taken.take(entry, "train").cut]
    assert cut == ["Kʼicheʼ", "ʼáníishjí", "cheʼ"]
    notes = TextNotes()
    notes.cut["quc"].update(cut)
    with pytest.warns(
        RunWarning, match=r"language 'quc': 3 words lost the letter ʼ \(U\+02BC\) at an end: Kʼicheʼ, cheʼ"
    ):
        notes.say({})
    own = own_text_rules({"quc": {"letters": "'"}}, where="rules.yaml")
    assert not [word for entry in entries for word in TextsTaken(own=own).take(entry, "train").cut]
