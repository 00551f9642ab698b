"""From lists of sound events to a corpus folder that the data module reads: in place, fitted, dealt, counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lhotse import load_manifest

from datamodules.annotations import Event
from datamodules.clips.dcase_tsv import read_events, read_tags
from datamodules.corpora.card_digest import card_digest
from datamodules.corpus_files import audio_files, facts_of, read_facts
from datamodules.corpus_folder import data_root
from datamodules.importers.entry import ManifestError
from datamodules.importers.imported_clips.clip_source import ClipSource
from datamodules.importers.imported_clips.import_clips import ClipRules, import_clips
from datamodules.importers.sound_events.clip_entry import ClipEntry
from datamodules.run_warning import RunWarning
from datamodules.sed import SoundEventClips

STRONG = "filename\tonset\toffset\tevent_label\n"
WEAK = "filename\tevent_labels\n"


@pytest.fixture
def lists(tmp_path: Path, write_audio, monkeypatch: pytest.MonkeyPatch):
    """Writes lists by split, and half a second of noise for every file that they name."""
    monkeypatch.chdir(tmp_path)

    def write(**texts: str) -> ClipSource:
        by_split: dict[str, list[Path]] = {}
        for name, text in texts.items():
            path = tmp_path / f"{name}.tsv"
            path.write_text(text, encoding="utf-8")
            by_split.setdefault(name.split("_")[0], []).append(path)
            for line in text.splitlines()[1:]:
                if not (audio := tmp_path / line.split("\t")[0]).exists():
                    write_audio(audio, 0.5)
        return ClipSource(by_split)

    return write


def cuts(name: str, manifest: str):
    return list(load_manifest(data_root() / name / "manifests" / f"{manifest}.jsonl.gz"))


def test_every_clip_keeps_its_own_kind_of_label(earmark_home, lists, tmp_path):
    source = lists(
        train=STRONG + "a.wav\t0.1\t0.25\tdog\n",
        train_more=WEAK + "b.wav\tcat,dog\nc.wav\t\n",
        train_files="filename\nd.wav\n",
        train_durations="filename\tduration\na.wav\t0.5\ne.wav\t0.5\n",
        validation=WEAK + "v.wav\tcat\n",
        test=STRONG + "t.wav\t0\t0.5\tcat\n",
    )
    card = import_clips("mine", source, ClipRules(), licence="CC0-1.0")
    assert (card.classes, card.sample_rate_hz, card.synthetic) == (("cat", "dog"), 16_000, False)
    assert (card.num_clips, card.licences) == ({"train": 5, "validation": 1, "test": 1}, {"imported": "CC0-1.0"})
    by_id = {cut.id: cut for cut in cuts("mine", "train_strong")}
    assert {name: cut.custom["label_kind"] for name, cut in by_id.items()} == {
        "a": "strong", "b": "weak", "c": "weak", "d": "unlabelled", "e": "strong"
    }  # fmt: skip
    assert {name: cut.custom["tags"] for name, cut in by_id.items()} == {
        "a": ["dog"], "b": ["cat", "dog"], "c": [], "d": [], "e": []
    }  # fmt: skip
    assert {cut.custom["label_kind"] for cut in cuts("mine", "train")} == {"weak", "unlabelled"}
    assert not any(cut.supervisions for cut in cuts("mine", "train"))
    assert by_id["a"].recording.sources[0].source == str(tmp_path / "a.wav")
    folder = data_root() / "mine"
    assert not (folder / "audio").exists()
    assert read_events(folder / "train_strong.tsv") == {"a": (Event(0.1, 0.25, "dog"),), "e": ()}
    assert read_tags(folder / "train_weak.tsv").keys() == {"a", "b", "c", "e"}
    assert (folder / "train_unlabelled.tsv").read_text() == "filename\nd.wav\n"
    assert json.loads((folder / "sources.json").read_text())["test"] == {"cat": ["t"], "dog": []}


def test_the_data_module_serves_every_kind_at_the_cards_rate(earmark_home, lists, write_audio, tmp_path):
    write_audio(tmp_path / "a.wav", 0.5, rate_hz=44_100, channels=2)
    source = lists(
        train=STRONG + "a.wav\t0.1\t0.25\tdog\n",
        train_files="filename\nd.wav\n",
        validation=WEAK + "v.wav\tdog\n",
        test=STRONG + "t.wav\t0\t0.5\tdog\n",
    )
    with pytest.warns(RunWarning, match=r"mean of all channels is taken: 1 files with several channels \(a.wav\)"):
        import_clips("team/mine", source, ClipRules(sample_rate_hz=8000))
    data = SoundEventClips(corpus="team/mine", batch_size=2, train_labels="mixed")
    batch = next(iter(data.train_dataloader()))
    assert batch.clips.num_samples_B.tolist() == [4000, 4000]
    assert dict(zip(batch.clips.clip_ids, batch.has_events_B.tolist(), strict=True)) == {"a": True, "d": False}
    assert data.references("test").events == {"t": (Event(0.0, 0.5, "dog"),)}
    assert data.references("test").sources["group"] == {"t": "t"}


def test_splits_are_dealt_by_recording_and_said(earmark_home, lists):
    rows = [f"{label}{number}.wav\t0.1\t0.3\t{label}\n" for label in ("dog", "cat") for number in range(10)]
    source = lists(train=STRONG + "".join(rows), train_files="filename\nu.wav\n")
    with pytest.warns(RunWarning, match=r"dealt by recording, classes alike \(80, 8, 12 %\): train \d+ clips of"):
        card = import_clips("mine", source, ClipRules())
    assert card.num_clips == {"train": 16, "validation": 2, "test": 3}
    for manifest in ("validation", "test"):
        assert {tag for cut in cuts("mine", manifest) for tag in cut.custom["tags"]} == {"cat", "dog"}
    assert {cut.custom["label_kind"] for cut in cuts("mine", "train")} == {"weak", "unlabelled"}
    assert import_clips("mine", source, ClipRules(), rebuild=True).digest == card.digest


def test_a_split_of_its_own_stays_and_the_absent_one_is_dealt(earmark_home, lists):
    rows = "".join(f"a{number}.wav\t0.1\t0.3\tdog\n" for number in range(11))
    card = import_clips("mine", lists(train=STRONG + rows, test=WEAK + "t.wav\tdog\n"), ClipRules())
    assert card.num_clips == {"train": 10, "validation": 1, "test": 1}
    assert [cut.custom["label_kind"] for cut in cuts("mine", "test")] == ["weak"]
    with pytest.raises(ManifestError, match=r"few: 2 sources .*allowed: 3 or more recordings to deal train, .*--test"):
        import_clips("few", lists(train=STRONG + "a.wav\t0\t.1\tdog\nb.wav\t0\t.1\tdog\n"), ClipRules())


def held_out(**texts: str) -> dict[str, str]:
    return {"validation": WEAK + "v.wav\tdog\n", "test": WEAK + "t.wav\tdog\n", **texts}


def test_events_that_a_clip_cannot_have_are_refused_or_left_out_and_named(earmark_home, lists, tmp_path):
    rows = ("0.1\t0.52\tdog", "0.3\t0.2\tdog", "0.2\t0.2\tdog", "0.6\t0.7\tdog", "0.1\t0.9\tdog", "-1\t0.2\tdog",
            "0.1\t0.5\tdog")  # fmt: skip
    source = lists(**held_out(train=STRONG + "".join(f"a.wav\t{row}\n" for row in rows)))
    refusal = r"train.tsv, line 3: the offset lies before the onset \(4 more of this kind\); allowed: .*--drop-damaged"
    with pytest.raises(ManifestError, match=refusal):
        import_clips("mine", source, ClipRules())
    assert not (data_root() / "mine").exists()
    with pytest.warns(RunWarning) as said:
        import_clips("mine", source, ClipRules(drop_damaged=True))
    lines = [str(warning.message) for warning in said]
    where = str(tmp_path / "train.tsv")
    assert f"left out events: 1 ends after the clip's end ({where}, line 6)" in lines
    assert f"cut to their clip, which they left by rounding: 1 events ({where}, line 2)" in lines
    assert f"taken once: 1 events that stand twice ({where}, line 8 as at {where}, line 2)" in lines
    assert read_events(data_root() / "mine" / "train_strong.tsv") == {"a": (Event(0.1, 0.5, "dog"),)}
    assert json.loads((data_root() / "mine" / "dropped.json").read_text())["events"] == {
        "the offset lies before the onset": [f"{where}, line 3"],
        "no length": [f"{where}, line 4"],
        "begins after the clip's end": [f"{where}, line 5"],
        "ends after the clip's end": [f"{where}, line 6"],
        "begins before the clip": [f"{where}, line 7"],
    }


def test_damaged_audio_is_refused_by_line_or_left_out_and_counted(earmark_home, lists, tmp_path):
    source = lists(**held_out(train=WEAK + "a.wav\tdog\nb.wav\tdog\nc.wav\tcat\n"))
    (tmp_path / "a.wav").unlink()
    (tmp_path / "b.wav").write_text("no audio")
    with pytest.raises(ManifestError, match=r"train.tsv, line 2: .*a.wav: no such file \(1 more.*--drop-damaged"):
        import_clips("mine", source, ClipRules())
    with pytest.warns(RunWarning, match=r"left out clips: 1 not a readable audio file \(.*train.tsv, line 3: .*b.wav"):
        card = import_clips("mine", source, ClipRules(drop_damaged=True))
    assert card.num_clips["train"] == 1
    assert set(json.loads((data_root() / "mine" / "dropped.json").read_text())["clips"]) == {
        "no such file", "not a readable audio file"
    }  # fmt: skip


def test_classes_without_training_or_test_clips_are_said(earmark_home, lists):
    source = lists(**held_out(train=WEAK + "a.wav\tdog,owl\n", test=WEAK + "t.wav\tdog,bat\n"))
    with pytest.warns(RunWarning) as said:
        import_clips("mine", source, ClipRules())
    assert [str(warning.message) for warning in said] == [
        "1 of 3 classes have no train clip: bat", "1 of 3 classes have no test clip: owl"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "refusal"),
    [
        ({"train_b": STRONG + "a.wav\t0\t.1\tcat\n"}, r"train_b.tsv, line 2: the events of a.wav stand at .*train.tsv"),
        ({"train_b": WEAK + "a.wav\tcat\n"}, r"train_b.tsv, line 2: tags of a.wav are not those of its events .*cat"),
        ({"test": WEAK + "a.wav\tdog\n"}, r"test.tsv, line 2: a.wav of test stands at .*train.tsv, line 2 too"),
        ({"train": "filename\tduration\na.wav\t0.5\n"}, r"train.tsv, line 2: a list of durations says nothing of lab"),
        ({"train_b": WEAK + "a!.wav\tcat\nä!.wav\tcat\na+.wav\tdog\n"}, r"line 4: clips .* are both 'a_', allowed: na"),
        ({"train": "filename\na.wav\n", "validation": "filename\nv.wav\n", "test": "filename\nt.wav\n"},
         r"no clip has a label, allowed: lists of events or of tags"),
    ],
)  # fmt: skip
def test_lists_that_contradict_each_other_are_refused(earmark_home, lists, texts, refusal):
    source = lists(**held_out(**{"train": STRONG + "a.wav\t0\t.1\tdog\n", **texts}))
    with pytest.raises(ManifestError, match=refusal) as error:
        import_clips("mine", source, ClipRules())
    assert "\n" not in str(error.value)


def test_the_digest_is_of_labels_and_audio_and_not_of_where_they_lie(earmark_home, lists, tmp_path, write_audio):
    source = lists(**held_out(train=STRONG + "a.wav\t0\t.1\tdog\n"))
    card = import_clips("mine", source, ClipRules())
    folder = data_root() / "mine"
    facts = {name: facts_of(Path(name)) for name in audio_files(folder)}
    assert card_digest(folder, has_classes=True, audio=facts) == card.digest
    assert (read_facts(folder) or {}).keys() >= facts.keys()
    for name in ("a.wav", "v.wav", "t.wav"):
        (tmp_path / "moved").mkdir(exist_ok=True)
        (tmp_path / name).rename(tmp_path / "moved" / name)
    moved = ClipSource(source.lists, audio_root=tmp_path / "moved")
    assert import_clips("mine", moved, ClipRules(), rebuild=True).digest == card.digest
    write_audio(tmp_path / "moved" / "a.wav", 0.6)
    assert import_clips("mine", moved, ClipRules(), rebuild=True).digest != card.digest


def test_whole_clip_events_are_tags_from_beginning_to_end(earmark_home, lists):
    source = lists(**held_out(train=WEAK + "a.wav\tdog\n"))
    import_clips("mine", source, ClipRules(whole_clip_events=True))
    assert read_events(data_root() / "mine" / "train_strong.tsv") == {"a": (Event(0.0, 0.5, "dog"),)}


def test_a_corpus_that_is_there_and_names_that_are_none_are_refused(earmark_home, lists):
    source = lists(**held_out(train=WEAK + "a.wav\tdog\n"))
    import_clips("mine", source, ClipRules())
    with pytest.raises(ValueError, match=r"corpus 'mine' is there already, allowed: another name, or --rebuild"):
        import_clips("mine", source, ClipRules())
    with pytest.raises(ValueError, match=r"corpus name '../x', allowed: letters"):
        import_clips("../x", source, ClipRules())


def test_recordings_that_lists_put_into_two_splits_are_said(earmark_home, tmp_path, write_audio, monkeypatch):
    write_audio(tmp_path / "a.wav", 1.0)
    entries = {
        split: [ClipEntry(f"a-{split}", tmp_path / "a.wav", split, tags=frozenset({"dog"}), start_seconds=start,
                          duration_seconds=0.25)]
        for split, start in (("train", 0.0), ("validation", 0.25), ("test", 0.5))
    }  # fmt: skip
    monkeypatch.setattr(ClipSource, "read", lambda self, split: entries[split])
    source = ClipSource({split: [] for split in entries})
    with pytest.warns(RunWarning, match=r"1 recordings in more than one split \(a-train: test, train, validation\)"):
        import_clips("mine", source, ClipRules())
