"""Kaldi folders, LibriSpeech, MLS, Common Voice and Lhotse manifests: tiny copies of their layouts; Lhotse's recipes
are the oracle of the three that it reads too.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from lhotse import CutSet, RecordingSet, SupervisionSet
from lhotse.recipes import prepare_commonvoice, prepare_librispeech, prepare_mls
from lhotse.utils import fastcopy

from datamodules.importers.detect import detect
from datamodules.importers.entry import ManifestEntry, ManifestError
from datamodules.importers.read import read_manifest
from datamodules.run_warning import RunWarning


def facts(entries: list[ManifestEntry]) -> set[tuple[object, ...]]:
    return {
        (entry.utterance_id, entry.audio, entry.text, entry.language, entry.speaker, entry.start_seconds)
        for entry in entries
    }


def test_kaldi_folders_join_their_files(kaldi: Path) -> None:
    assert detect(kaldi) == "kaldi"
    audio, text = kaldi / "audio", kaldi / "text"
    assert read_manifest(kaldi) == [
        ManifestEntry("anna-1", audio / "rec1.wav", "dobrý den", f"{text}, line 1", 0.0, 0.8, "cs", "anna"),
        ManifestEntry("anna-2", audio / "rec1.wav", "", f"{text}, line 2", 1.0, None, "cs", "anna"),
        ManifestEntry("jan-1", audio / "rec2.flac", "nashle  pane", f"{text}, line 3", 0.25, 0.5, "cs", "jan"),
    ]


def test_kaldi_folders_without_segments_have_whole_files(kaldi: Path) -> None:
    for name in ("segments", "utt2spk", "utt2lang"):
        (kaldi / name).unlink()
    (kaldi / "text").write_text("rec1 dobrý den\n", encoding="utf-8")
    [entry] = read_manifest(kaldi, audio_root=kaldi / "elsewhere")
    assert (entry.audio, entry.duration_seconds) == (kaldi / "elsewhere" / "audio" / "rec1.wav", None)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("wav.scp", "rec1 sph2pipe -f wav a.sph |\n", "wav.scp, line 1: audio 'sph2pipe -f wav a.sph |' is a command"),
        ("wav.scp", "rec1 raw.ark:123\n", "wav.scp, line 1: audio 'raw.ark:123' lies in a Kaldi archive"),
        ("wav.scp", "rec1 a.wav\nrec1 b.wav\n", "wav.scp, line 2: 'rec1' stands here and on"),
        ("wav.scp", "rec2 a.wav\n", "text, line 1: recording 'rec1' has no line in"),
        ("wav.scp", "rec1\n", "wav.scp, line 1: audio '', allowed: the name of an audio file"),
        ("segments", "anna-1 rec1 0\n", "segments, line 1: 3 columns, allowed: 4"),
        ("segments", "anna-1 rec1 2 1\n", "segments, line 1: end 1 is not after start 2"),
        ("segments", "anna-1 rec1 x 1\n", "segments, line 1: start 'x', allowed: a number of seconds"),
        ("segments", "jan-1 rec2 0 1\n", "text, line 1: utterance 'anna-1' has no line in"),
        ("utt2lang", "anna-1 czech\n", "utt2lang, line 1: utt2lang 'czech', allowed: an ISO 639 code"),
    ],
)
def test_kaldi_folders_are_refused_with_file_and_line(kaldi: Path, name: str, content: str, message: str) -> None:
    (kaldi / name).write_text(content, encoding="utf-8")
    with pytest.raises(ManifestError) as refusal:
        read_manifest(kaldi)
    assert message in str(refusal.value)


def test_librispeech_is_read_as_lhotse_reads_it(librispeech: Path) -> None:
    part = librispeech / "train-clean-5"
    assert detect(part) == "librispeech"
    prepared = prepare_librispeech(librispeech)["train-clean-5"]
    paths = {recording.id: Path(recording.sources[0].source) for recording in prepared["recordings"]}
    expected = {(s.id, paths[s.recording_id], s.text, "en", s.speaker, s.start) for s in prepared["supervisions"]}
    assert len(expected) == 3
    assert facts(read_manifest(part)) == expected


def test_librispeech_wants_one_part(librispeech: Path) -> None:
    with pytest.raises(ManifestError, match=r"holds the parts train-clean-5, allowed: one part, as .*train-clean-5"):
        read_manifest(librispeech)


def test_a_folder_above_librispeech_is_not_one_part_of_all(librispeech: Path) -> None:
    """Its test part would be trained on."""
    with pytest.raises(ManifestError, match=rf"holds the parts {librispeech.name}/train-clean-5, allowed: one part"):
        read_manifest(librispeech.parent, format_name="librispeech")


@pytest.mark.parametrize("language", ["tr", "en", "en-GB"])
def test_a_layout_that_says_its_language_is_not_given_another(librispeech: Path, language: str) -> None:
    part = librispeech / "train-clean-5"
    if language == "tr":
        with pytest.raises(ManifestError, match="says its language, en, allowed: without --language tr, or a manifest"):
            read_manifest(part, language=language)
    else:
        assert {entry.language for entry in read_manifest(part, language=language)} == {"en"}


@pytest.mark.parametrize(("part", "lhotse_part"), [("train", "train"), ("dev", "dev"), ("test", "test")])
def test_mls_is_read_as_lhotse_reads_it(mls: Path, part: str, lhotse_part: str) -> None:
    assert detect(mls / "mls_polish" / part) == "mls"
    prepared = prepare_mls(mls, opus=False)["polish"][lhotse_part]
    paths = {recording.id: Path(recording.sources[0].source) for recording in prepared["recordings"]}
    expected = {(s.id, paths[s.recording_id], s.text, "pl", s.speaker, s.start) for s in prepared["supervisions"]}
    assert len(expected) == 1
    assert facts(read_manifest(mls / "mls_polish" / part)) == expected


def test_mls_wants_a_part_and_names_those_there(mls: Path) -> None:
    with pytest.raises(
        ManifestError, match=r"mls_polish: a folder of no known format.*perhaps one of dev, test, train"
    ):
        read_manifest(mls / "mls_polish")


def test_mls_in_opus_has_opus_files(mls: Path) -> None:
    (mls / "mls_polish").rename(mls / "mls_polish_opus")
    [entry] = read_manifest(mls / "mls_polish_opus" / "train")
    assert (entry.audio.suffix, entry.language) == (".opus", "pl")


@pytest.mark.integration
def test_common_voice_is_read_as_lhotse_reads_it(common_voice: Path, tmp_path: Path) -> None:
    prepared = prepare_commonvoice(common_voice, tmp_path / "out", languages="pl", splits=("train",))["pl"]["train"]
    paths = {recording.id: Path(recording.sources[0].source) for recording in prepared["recordings"]}
    expected = {(s.id, paths[s.recording_id], s.text, "pl", s.speaker, s.start) for s in prepared["supervisions"]}
    assert len(expected) == 2
    assert facts(read_manifest(common_voice / "pl" / "train.tsv")) == expected


def test_common_voice_of_the_oldest_releases_has_the_language_in_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "sv-SE" / "train.tsv"
    path.parent.mkdir()
    path.write_text("client_id\tpath\tsentence\nabc\t0a1b\tHej.\n", encoding="utf-8")
    assert detect(path) == "common_voice"
    assert read_manifest(path) == [
        ManifestEntry(
            "0a1b", path.parent / "clips" / "0a1b.mp3", "Hej.", f"{path}, line 2", language="sv", speaker="abc"
        )
    ]


def test_what_lhotse_prepares_is_read_as_the_layout_itself(librispeech: Path, tmp_path: Path) -> None:
    prepared = prepare_librispeech(librispeech, output_dir=tmp_path)["train-clean-5"]
    direct = facts(read_manifest(librispeech / "train-clean-5"))
    supervisions = tmp_path / "librispeech_supervisions_train-clean-5.jsonl.gz"
    assert detect(supervisions) == "lhotse"
    assert facts(read_manifest(supervisions)) == direct
    cuts = tmp_path / "cuts.jsonl"
    CutSet.from_manifests(**prepared).to_file(cuts)
    assert detect(cuts) == "lhotse"
    assert facts(read_manifest(cuts)) == direct


def test_lhotse_utterances_have_the_span_of_their_supervision_not_of_the_cut(librispeech: Path, tmp_path: Path) -> None:
    prepared = prepare_librispeech(librispeech)["train-clean-5"]
    cut = CutSet.from_manifests(**prepared)[0]
    [whole] = cut.supervisions
    cut.supervisions = [fastcopy(whole, start=0.0, duration=0.2), fastcopy(whole, id="b", start=0.2, duration=0.3)]
    CutSet.from_cuts([cut.truncate(offset=0.125)]).to_file(tmp_path / "cuts.jsonl.gz")  # cuts into the first
    spans = [(entry.start_seconds, entry.duration_seconds) for entry in read_manifest(tmp_path / "cuts.jsonl.gz")]
    assert spans == [(0.0, 0.2), (0.2, 0.3)]


def test_lhotse_manifests_without_texts_or_recordings_are_refused(librispeech: Path, tmp_path: Path) -> None:
    prepared = prepare_librispeech(librispeech)["train-clean-5"]
    recordings: RecordingSet = prepared["recordings"]
    recordings.to_file(tmp_path / "recordings.jsonl.gz")
    with pytest.raises(ManifestError, match="allowed: a file of supervisions or of cuts"):
        read_manifest(tmp_path / "recordings.jsonl.gz")
    prepared["supervisions"].to_file(tmp_path / "supervisions.jsonl.gz")
    (tmp_path / "recordings.jsonl.gz").unlink()
    with pytest.raises(ManifestError, match="no recordings beside it, allowed: NAME_supervisions_PART"):
        read_manifest(tmp_path / "supervisions.jsonl.gz")
    (tmp_path / "damaged.jsonl.gz").write_bytes(b"\x1f\x8bnothing")
    with pytest.raises(ManifestError, match=r"damaged\.jsonl\.gz: .*allowed: cuts or supervisions that Lhotse wrote"):
        read_manifest(tmp_path / "damaged.jsonl.gz")


def test_audio_without_a_text_is_counted_and_named(librispeech: Path, mls: Path, kaldi: Path, tmp_path: Path) -> None:
    (librispeech / "train-clean-5" / "19" / "198" / "19-198-0007.flac").touch()
    with pytest.warns(RunWarning, match=r"left out audio files without a line in \*\.trans\.txt: 1 \(19-198-0007\)"):
        assert len(read_manifest(librispeech / "train-clean-5")) == 3
    (mls / "mls_polish" / "train" / "audio" / "6892" / "10349" / "6892_10349_000009.flac").touch()
    with pytest.warns(RunWarning, match=r"without a line in transcripts\.txt: 1 \(6892_10349_000009\)"):
        assert len(read_manifest(mls / "mls_polish" / "train")) == 1
    with (kaldi / "wav.scp").open("a", encoding="utf-8") as file:
        file.write("rec3 audio/rec3.wav\n")
    with pytest.warns(RunWarning, match=r"left out recordings without a segment: 1 \(rec3\)"):
        assert len(read_manifest(kaldi)) == 3
    (librispeech / "train-clean-5" / "19" / "198" / "19-198-0007.flac").unlink()
    prepared = prepare_librispeech(librispeech, output_dir=tmp_path)["train-clean-5"]
    supervisions = tmp_path / "librispeech_supervisions_train-clean-5.jsonl.gz"
    spoken = list(prepared["supervisions"])
    SupervisionSet.from_segments(spoken[1:]).to_file(supervisions)
    with pytest.warns(RunWarning, match=rf"left out recordings without a supervision: 1 \({spoken[0].recording_id}\)"):
        assert len(read_manifest(supervisions)) == 2
    cuts = tmp_path / "cuts.jsonl"
    CutSet.from_manifests(**prepared).map(
        lambda cut: cut.drop_supervisions() if cut.recording_id == spoken[0].recording_id else cut
    ).to_file(cuts)
    with pytest.warns(RunWarning, match=r"left out cuts without a supervision: 1 \("):
        assert len(read_manifest(cuts)) == 2
