"""From manifests to a corpus folder that the data module reads: in place, normalised, dealt, counted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse import load_manifest

from datamodules.asr import SpeechDataModule
from datamodules.corpus_folder import data_root
from datamodules.dealing.deal import Deal
from datamodules.importers.entry import ManifestError
from datamodules.importers.imported_corpus import Source, import_corpus


@pytest.fixture
def manifest(tmp_path: Path, write_audio) -> Path:
    """60 sentences by one speaker; two texts that cannot be learnt."""
    words = ("pes", "kůň", "čáp", "had", "lev")
    rows = ["audio\ttext\tid"]
    for number in range(60):
        write_audio(tmp_path / "clips" / f"{number}.wav", 0.5, rate_hz=8000 if number % 2 else 16_000)
        rows.append(
            f"clips/{number}.wav\t{words[number % 5].title()} {words[number // 5 % 5]} {number % 7 * 'a'}b!\tu{number}"
        )
    rows += ["clips/0.wav\tČíslo 5\tdigit", "clips/1.wav\t…\tdots"]
    path = tmp_path / "train.tsv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_only_training_manifests_are_dealt_by_text(earmark_home, manifest):
    card = import_corpus("mine", Source({"train": [manifest]}, language="cs"), licence="CC0-1.0")
    assert sum(card.num_clips.values()) == 60
    assert min(card.num_clips.values()) >= 1
    assert card.num_clips["train"] > 40
    assert (card.classes, card.synthetic, card.licences) == ((), False, {"imported": "CC0-1.0"})
    folder = data_root() / "mine"
    assert json.loads((folder / "dropped.json").read_text()) == {"cs": {"digits": 1, "no letters": 1}}
    assert not (folder / "audio").exists()
    texts = {split: {cut.supervisions[0].text for cut in cuts(folder, split)} for split in card.num_clips}
    assert not texts["train"] & (texts["validation"] | texts["test"])
    assert all(text == text.lower() and "!" not in text for texts_of in texts.values() for text in texts_of)


def cuts(folder: Path, split: str):
    return load_manifest(folder / "manifests" / f"{split}.jsonl.gz")


def test_the_data_module_reads_it_at_16_khz(earmark_home, manifest):
    import_corpus("team/mine", Source({"train": [manifest]}, language="cs"))
    data = SpeechDataModule(corpus="team/mine", batch_seconds=5.0)
    data.setup("fit")
    batch = next(iter(data.train_dataloader()))
    assert batch.waveforms_BS.shape[1] == 8000
    assert set(batch.num_samples_B.tolist()) == {8000}
    assert set(data.references("test").speakers.values()) == {"unknown"}


def test_manifests_by_split_stay_as_they_are_and_absent_ones_are_dealt(earmark_home, manifest, tmp_path, write_audio):
    write_audio(tmp_path / "t.wav")
    (tmp_path / "test.tsv").write_text("audio\ttext\nt.wav\tpes pes b\n", encoding="utf-8")
    source = Source({"train": [manifest], "test": [tmp_path / "test.tsv"]}, language="cs")
    card = import_corpus("mine", source)
    assert card.num_clips["test"] == 1
    assert card.num_clips["train"] + card.num_clips["validation"] == 60
    assert card.num_clips["validation"] >= 1


def test_files_of_one_name_in_two_folders_are_told_what_their_ids_are_made_of(earmark_home, tmp_path, write_audio):
    for folder in ("it", "fr"):
        (tmp_path / folder / "clips").mkdir(parents=True)
        write_audio(tmp_path / folder / "clips" / "0.wav")
        (tmp_path / folder / "train.tsv").write_text("audio\ttext\nclips/0.wav\tuna parola\n", encoding="utf-8")
    lists = [tmp_path / folder / "train.tsv" for folder in ("it", "fr")]
    with pytest.raises(
        ManifestError, match=r"fr.train\.tsv, line 2: id 'clips-0' stands on .*it.train\.tsv, .*for other"
    ):
        import_corpus("mine", Source({"train": lists}, language="it"))


def test_a_split_that_is_dealt_no_text_says_how_many_there_are(earmark_home, manifest):
    text = "audio\ttext\nclips/0.wav\tpes\n"
    manifest.write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError, match=r"no utterance .* more different texts than 1 \(\d+% of them"):
        import_corpus("mine", Source({"train": [manifest]}, language="cs"))


def test_parts_of_files_are_cut_and_rounding_is_forgiven(earmark_home, kaldi):
    (kaldi / "text").write_text("anna-1 dobrý\nanna-2 den\njan-1 nashle\n", encoding="utf-8")
    (kaldi / "segments").write_text(
        "anna-1 rec1 0.0 0.8\nanna-2 rec1 1.5 2.02\njan-1 rec2 0.25 0.75\n", encoding="utf-8"
    )
    source = Source({split: [kaldi] for split in ("train", "validation", "test")})
    with pytest.raises(
        ManifestError, match=r"text, line 1: id 'anna-1' stands on .*text, line 1 too, for the same aud"
    ):
        import_corpus("mine", source)
    for number, name in enumerate(("validation", "test")):
        other = kaldi.parent / name
        other.mkdir()
        for file in ("wav.scp", "segments", "text", "utt2lang"):
            text = (
                (kaldi / file)
                .read_text(encoding="utf-8")
                .replace("anna-", f"x{number}-")
                .replace("jan-", f"y{number}-")
            )
            (other / file).write_text(text.replace("audio/", "../kaldi/audio/"), encoding="utf-8")
    import_corpus(
        "mine", Source({split: [kaldi.parent / split.replace("train", "kaldi")] for split in source.manifests})
    )
    spans = {cut.id: (cut.start, cut.duration) for cut in cuts(data_root() / "mine", "train")}
    assert spans == {"anna-1": (0.0, 0.8), "anna-2": (1.5, 0.5), "jan-1": (0.25, 0.5)}
    assert [cut.load_audio().shape for cut in cuts(data_root() / "mine", "train")] == [(1, 12800), (1, 8000), (1, 8000)]


def test_damaged_audio_is_refused_by_line_or_left_out_and_counted(earmark_home, manifest, tmp_path):
    (tmp_path / "clips" / "3.wav").unlink()
    (tmp_path / "clips" / "4.wav").write_text("no audio")
    soundfile.write(tmp_path / "clips" / "5.wav", np.zeros(0), 16_000)
    source = Source({"train": [manifest]}, language="cs")
    with pytest.raises(ManifestError, match=r"train\.tsv, line 5: .*3\.wav: no such file; allowed: .*--drop-damaged"):
        import_corpus("mine", source)
    assert not (data_root() / "mine").exists()
    card = import_corpus("mine", source, drop_damaged=True)
    assert sum(card.num_clips.values()) == 57
    dropped = json.loads((data_root() / "mine" / "dropped.json").read_text())["cs"]
    assert (dropped["no such file"], dropped["not a readable audio file"], dropped["no samples"]) == (1, 1, 1)


def test_the_same_manifests_give_the_same_digest_and_another_text_another(earmark_home, manifest):
    source = Source({"train": [manifest]}, language="cs")
    first = import_corpus("mine", source)
    assert import_corpus("mine", source, rebuild=True).digest == first.digest
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("Pes pes b!", "Pes pes c!"), encoding="utf-8")
    assert import_corpus("mine", source, rebuild=True).digest != first.digest


def test_refusals_name_what_is_allowed(earmark_home, manifest, tmp_path):
    with pytest.raises(ManifestError, match=r"train\.tsv, line 2: utterance 'u0' has no language, allowed: --language"):
        import_corpus("mine", Source({"train": [manifest]}))
    with pytest.raises(ValueError, match=r"corpus name '\.\./mine', allowed: letters"):
        import_corpus("../mine", Source({"train": [manifest]}, language="cs"))
    (tmp_path / "one.tsv").write_text("audio\ttext\nclips/0.wav\tpes\n", encoding="utf-8")
    with pytest.raises(
        ManifestError, match=r"split '\w+' has no utterance \(left out: none\), allowed: more different"
    ):
        import_corpus("mine", Source({"train": [tmp_path / "one.tsv"]}, language="cs"))
    import_corpus("mine", Source({"train": [manifest]}, language="cs"))
    with pytest.raises(ValueError, match=r"corpus 'mine' is there already, allowed: another name, or --rebuild"):
        import_corpus("mine", Source({"train": [manifest]}, language="cs"))


def test_a_session_column_is_recorded_dealt_by_and_part_of_the_digest(earmark_home, manifest):
    plain = import_corpus("plain", Source({"train": [manifest]}, language="cs"))
    heading, *rows = manifest.read_text(encoding="utf-8").splitlines()
    sessions = [f"{row}\tday{number % 4}" for number, row in enumerate(rows)]
    manifest.write_text("\n".join([f"{heading}\tsession", *sessions]) + "\n", encoding="utf-8")
    card = import_corpus("mine", Source({"train": [manifest]}, language="cs"))
    assert card.digest != plain.digest
    whole = [cut for split in card.num_clips for cut in cuts(data_root() / "mine", split)]
    recorded = {cut.id: cut.supervisions[0].custom["session"] for cut in whole}
    assert recorded == {f"u{number}": f"day{number % 4}" for number in range(60)}
    data = SpeechDataModule(corpus="mine", batch_seconds=5.0, deal=Deal(0, 4, "session"))
    tested = data.references("test")
    assert tested.sources == {"session": {name: recorded[name] for name in tested.texts}}
    assert len(set(tested.sources["session"].values())) == 1
    with pytest.raises(ValueError, match="no session is recorded of 60 clips"):
        SpeechDataModule(corpus="plain", batch_seconds=5.0, deal=Deal(0, 4, "session"))
