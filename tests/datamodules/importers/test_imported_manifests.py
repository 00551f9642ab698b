"""Manifests that are edited after the import: the corpus stays what it is, and somebody says so."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile

from datamodules.corpus_changes import check_files
from datamodules.importers.imported_corpus import Source, import_corpus
from datamodules.importers.imported_manifests import manifest_facts, warn_of_edited_manifests
from datamodules.run_warning import RunWarning


@pytest.fixture
def manifest(tmp_path: Path, earmark_home: Path) -> Path:
    """The manifest of the corpus ``mine``."""
    rng = np.random.default_rng(0)
    rows = ["audio\ttext"]
    for number in range(40):
        soundfile.write(tmp_path / f"{number}.wav", rng.uniform(-0.3, 0.3, 800), 16_000)
        rows.append(f"{number}.wav\tpes {'a' * (number + 1)}")
    path = tmp_path / "train.tsv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    import_corpus("mine", Source({"train": [path]}, language="cs"))
    return path


def test_a_corrected_transcript_is_said_not_to_be_in_the_corpus(manifest: Path) -> None:
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("pes aaa\n", "kos aaa\n"), encoding="utf-8")
    check_files("mine")  # what it holds is what it was
    with pytest.warns(RunWarning, match=r"1 of the 1 manifests .*train\.tsv.* earmark data import mine … --rebuild"):
        warn_of_edited_manifests("mine")
    import_corpus("mine", Source({"train": [manifest]}, language="cs"), rebuild=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_edited_manifests("mine")


def test_a_new_time_and_a_manifest_that_is_gone_are_nothing_to_say(manifest: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        os.utime(manifest)
        warn_of_edited_manifests("mine")
        manifest.unlink()
        warn_of_edited_manifests("mine")
        warn_of_edited_manifests("no/corpus")


def test_folders_count_by_the_lists_in_them(tmp_path: Path) -> None:
    for name in ("kaldi/text", "kaldi/wav.scp", "part/19/198/19-198.trans.txt", "part/19/198/a.flac", "kaldi/notes"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    found = manifest_facts([tmp_path / "kaldi", tmp_path / "part"])
    names = {str(Path(path).relative_to(tmp_path)) for path in found}
    assert names == {"kaldi/text", "kaldi/wav.scp", "part/19/198/19-198.trans.txt"}
