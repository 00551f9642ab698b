"""Edits, copies, clocks and losses of a corpus's files in any order: refused exactly when contents differ."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tempfile
import time
import warnings
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from datamodules import corpus_changes
from datamodules.corpus_changes import check_files, note_files
from datamodules.corpus_files import FILES, CorpusChangedError, record_files

NAMES = tuple(f"audio/{number}.flac" for number in range(5))
CONTENTS = (b"one", b"two", b"four")  # two of them of one length
file_names = st.sampled_from(NAMES)


def wait_for_the_clock() -> None:
    """Times of files go by the kernel's ticks of up to 10 ms."""
    time.sleep(0.011)


class EditedCorpus(RuleBasedStateMachine):
    """A corpus of five files; the model is what each had when it was recorded."""

    @initialize(contents=st.lists(st.sampled_from(CONTENTS), min_size=5, max_size=5))
    def make(self, contents: list[bytes]) -> None:
        self.home = Path(tempfile.mkdtemp())
        self.folder = self.home / "c"
        (self.folder / "audio").mkdir(parents=True)
        (self.folder / "manifests").mkdir()
        self.recorded = dict(zip(NAMES, contents, strict=True))
        for name, content in self.recorded.items():
            (self.folder / name).write_bytes(content)
        with gzip.open(self.folder / "manifests" / "train.jsonl.gz", "wt") as lines:
            for name in NAMES:
                lines.write(json.dumps({"recording": {"sources": [{"source": name}]}}) + "\n")
        (self.folder / "corpus.json").write_text("{}")
        record_files(self.folder)

    @rule(name=file_names, content=st.sampled_from(CONTENTS))
    def write(self, name: str, content: bytes) -> None:
        wait_for_the_clock()
        (self.folder / name).write_bytes(content)

    @rule(name=file_names, content=st.sampled_from(CONTENTS))
    def replace_and_set_its_time_back(self, name: str, content: bytes) -> None:
        path = self.folder / name
        time_ns = path.stat().st_mtime_ns if path.exists() else 10**18
        wait_for_the_clock()
        path.with_suffix(".new").write_bytes(content)
        path.with_suffix(".new").replace(path)
        os.utime(path, ns=(time_ns, time_ns))

    @rule(name=file_names, time_ns=st.integers(0, 10**18))
    def touch(self, name: str, time_ns: int) -> None:
        if (self.folder / name).exists():
            os.utime(self.folder / name, ns=(time_ns, time_ns))

    @rule(name=file_names)
    def lose(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)

    @rule(keeps_times=st.booleans())
    def copy_all_to_another_place(self, keeps_times: bool) -> None:
        shutil.copytree(self.folder, self.home / "copy", copy_function=shutil.copy2 if keeps_times else shutil.copyfile)
        shutil.rmtree(self.folder)
        (self.home / "copy").rename(self.folder)

    @rule()
    def restore(self) -> None:
        wait_for_the_clock()
        for name, content in self.recorded.items():
            (self.folder / name).write_bytes(content)

    @invariant()
    def refused_exactly_when_contents_differ(self) -> None:
        differ = [
            name
            for name, content in self.recorded.items()
            if (self.folder / name).exists() and (self.folder / name).read_bytes() != content
        ]
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            patch.setenv("EARMARK_DATA", str(self.home))
            patch.setattr(corpus_changes, "SAMPLED_FILES", 0)  # sizes and times have to do
            warnings.simplefilter("error")
            note_files("c")
            if not differ:
                check_files("c")
                return
            with pytest.raises(CorpusChangedError) as said:
                check_files("c")
        assert f"{len(differ)} of 6 files changed" in str(said.value)
        assert any(name in str(said.value) for name in differ)
        assert json.loads((self.folder / FILES).read_text()).keys() == {"manifests/train.jsonl.gz", *NAMES}

    def teardown(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)


EditedCorpus.TestCase.settings = settings(max_examples=25, stateful_step_count=12)
test_edits = EditedCorpus.TestCase
