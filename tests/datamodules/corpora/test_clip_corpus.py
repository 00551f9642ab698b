"""The writer of clip corpora: what it refuses, what its digest covers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from datamodules.annotations import Event
from datamodules.corpora.clip_corpus import CorpusFacts, LabelledClip, SourcedEvent, write_clip_corpus
from datamodules.corpus_folder import CorpusCard

FACTS = CorpusFacts(
    name="c", classes=("cat", "dog"), sample_rate_hz=16_000, synthetic=True, licences={"x": "CC0-1.0"}, description="d"
)


def clip(clip_id: str, *events: tuple[float, float, str], level: float = 0.5) -> LabelledClip:
    waveform_S = np.full(16_000, level, dtype=np.float32)
    return LabelledClip(clip_id, waveform_S, tuple(SourcedEvent(Event(*event), "f") for event in events))


def write(folder: Path, *train: LabelledClip) -> CorpusCard:
    folder.mkdir()
    return write_clip_corpus(folder, facts=FACTS, clips={"train": train, "validation": (), "test": ()}, sources={})


def test_times_are_whole_milliseconds_and_rows_are_dcase(tmp_path: Path) -> None:
    write(tmp_path / "c", clip("b", (0.12345, 0.5, "dog"), (0.1, 0.2, "cat")), clip("a"))
    assert (tmp_path / "c" / "train_strong.tsv").read_text().splitlines() == [
        "filename\tonset\toffset\tevent_label",
        "a.flac\t\t\t",
        "b.flac\t0.1\t0.2\tcat",
        "b.flac\t0.123\t0.5\tdog",
    ]
    assert (tmp_path / "c" / "train_weak.tsv").read_text().splitlines() == [
        "filename\tevent_labels",
        "a.flac\t",
        "b.flac\tcat,dog",
    ]


def test_digest_sees_labels_and_samples_and_nothing_else(tmp_path: Path) -> None:
    first = write(tmp_path / "1", clip("a", (0.1, 0.2, "cat"))).digest
    assert write(tmp_path / "2", clip("a", (0.1, 0.2, "cat"))).digest == first
    assert write(tmp_path / "3", clip("a", (0.1, 0.3, "cat"))).digest != first
    assert write(tmp_path / "4", clip("a", (0.1, 0.2, "cat"), level=0.25)).digest != first


def test_samples_past_full_scale_are_clipped_not_wrapped(tmp_path: Path) -> None:
    write(tmp_path / "c", clip("a", level=1.5))
    assert soundfile.read(tmp_path / "c" / "audio" / "train" / "a.flac", dtype="int16")[0].min() == 32767


def test_unknown_labels_and_repeated_ids_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'a' has an event of class 'cow', allowed: \('cat', 'dog'\)"):
        write(tmp_path / "1", clip("a", (0.1, 0.2, "cow")))
    with pytest.raises(ValueError, match="clip id 'a' occurs twice"):
        write(tmp_path / "2", clip("a"), clip("a"))
    assert not (tmp_path / "2" / "corpus.json").exists()
