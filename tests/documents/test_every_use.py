"""Blocks on finished runs that take minutes: texts, exports, tables, the demo, servers; as they stand in the pages."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from ..launches import command, environment
from .blocks import bash_environment, blocks, run_block, run_line
from .page_homes import put_clips, put_corpora, put_libraries, put_talks, run_of

pytestmark = pytest.mark.slow
SED = "--rows fsl,mil,mil_penalty"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With three rows of ``weak_sed`` at two seeds and two of the ladder, trained by their own names."""
    folder = tmp_path_factory.mktemp("home")
    put_corpora(folder)
    run_line(f"earmark run weak_sed {SED}", folder)
    run_line("earmark run ctc_decoding --rows greedy,wfst --seeds 0", folder)
    return folder


def test_recordings_are_transcribed_and_aligned(home: Path, tmp_path: Path) -> None:
    put_talks(tmp_path)
    transcribe, align = blocks("docs/transcribe.md", "sh")
    assert run_block(transcribe, tmp_path, home=home).count("WEBVTT") == 1
    for name in ("talk.txt", "texts/one.srt", "texts/two.ctm", "call.txt"):
        assert (tmp_path / name).is_file(), name
    (answer,) = (tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(answer).keys() >= {"text", "pred_text"}
    (tmp_path / "talk.txt").write_text("Hen, hid!\n", encoding="utf-8")
    run_block(align, tmp_path, home=home)
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("words.ctm")}
    assert len(found) == 3, found


def test_a_run_is_exported_run_without_earmark_and_imported(home: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    put_clips(home, tmp_path)
    printed = run_block(blocks("docs/export.md", "sh")[0], tmp_path, home=home, without=("pip install",))
    assert "filename\tonset\toffset\tevent_label" in printed


def test_an_exported_run_is_served_and_asked(home: Path, tmp_path: Path) -> None:
    """The second line serves until it is ended, so the third is typed elsewhere."""
    pytest.importorskip("onnxruntime")
    if shutil.which("curl") is None:
        pytest.skip("no curl on this machine")
    put_clips(home, tmp_path)
    text = blocks("docs/export.md", "sh")[1]
    assert text.count("5001") == 2
    port = free_port()
    export, serve, *ask = text.replace("5001", str(port)).splitlines()
    assert serve.startswith("mlflow models serve")
    run_line(export, tmp_path, home=home)
    with subprocess.Popen(
        ["bash", "-c", f"exec {serve}"], cwd=tmp_path, env=bash_environment(tmp_path, home), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as server:  # fmt: skip
        try:
            wait_until_answered(f"http://127.0.0.1:{port}/ping", server)
            answer = json.loads(run_line("\n".join(ask).replace("curl ", "curl -sS ", 1), tmp_path, home=home))
        finally:
            server.send_signal(signal.SIGTERM)
    assert {*answer["predictions"][0]} == {"events", "tags"}


def test_runs_are_used_as_the_readme_says(home: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    put_clips(home, tmp_path)
    put_talks(tmp_path)
    use = blocks("README.md", "sh")[1]
    transcribed = next(line for line in use.splitlines() if " -f srt" in line)
    before, _, after = use.partition(transcribed)
    run_block(before + transcribed, tmp_path, home=home)
    (tmp_path / "talk.txt").write_text("cat ran\n", encoding="utf-8")
    without = () if put_libraries(home) else ("earmark demo",)
    printed = run_block(after, tmp_path, home=home, without=without)
    assert "this installation predicts what it should" in printed
    made = ("street.txt", "street.tsv", "talk.srt", "talks/a.txt", "mil_model/README.md")
    for name in (*made, *(() if without else ("page/index.html",))):
        assert (tmp_path / name).is_file(), name


def test_pages_are_made_that_hear(home: Path, tmp_path: Path) -> None:
    if not put_libraries(home):
        pytest.skip("no npm, and EARMARK_LIBRARIES names no folder with the two libraries")
    pytest.importorskip("onnxruntime")
    keys = {"08b6f297": run_of(home, "fsl").name[:8], "84ca8a33": run_of(home, "mil_penalty").name[:8]}
    run_block(blocks("docs/demo.md", "sh")[0], tmp_path, home=home, instead=keys)
    systems = (tmp_path / "page" / "data" / "systems.js").read_text(encoding="utf-8")
    assert '"title": "MIL + penalty"' in systems
    assert (tmp_path / "text_page" / "index.html").is_file()


def test_runs_travel(home: Path, tmp_path: Path) -> None:
    for row, name in (("mil", "mine"), ("mil_penalty", "theirs")):
        run_line(f"earmark results pack weak_sed --scale demo --rows {row} --output {name}.tar.xz", tmp_path, home=home)
    printed = run_block(blocks("docs/results.md", "sh")[0], tmp_path, home=home)
    assert printed.count("| mil_penalty ") == 2
    assert "6 were here with the same figures" in printed


def test_tables_are_reported_and_what_would_decide_is_said(home: Path, tmp_path: Path) -> None:
    """Expected figures go beside the test, not into the shipped tables' own."""
    run_line("earmark results pack weak_sed --output weak_sed.tar.xz", tmp_path, home=home)
    report, power = blocks("docs/report.md", "sh")
    beside = " --expected expected.yaml"
    printed = run_block(
        report, tmp_path, home=home,
        instead={"--write-expected": f"--write-expected{beside}", "--check ": f"--check {beside}"},
        codes={"earmark report weak_sed --check": 1},  # most rows are missing, which it names
    )  # fmt: skip
    assert printed.count("| mil ") >= 3
    assert "\\toprule" in (tmp_path / "t.tex").read_text(encoding="utf-8")
    assert "<html" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "mil:" in (tmp_path / "expected.yaml").read_text(encoding="utf-8")
    assert (tmp_path / "charts" / "comparison.png").is_file()
    assert "what decides a difference" in run_block(power, tmp_path, home=home)


def test_views_are_written_and_shown(home: Path, tmp_path: Path) -> None:
    """``earmark ui`` serves until it is ended; before it does, it prints a link a view."""
    (text,) = blocks("docs/tracking.md", "sh")
    run_block(
        text, tmp_path, home=home, instead={"--scale demo     #": f"--scale demo {SED} #"}, without=("earmark ui",)
    )
    port = free_port()
    with subprocess.Popen(
        command("ui", "--port", str(port)), env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True,
    ) as server:  # fmt: skip
        try:
            assert server.stdout is not None
            assert f"http://127.0.0.1:{port}" in server.stdout.readline()
            links = [server.stdout.readline() for _ in range(6)]  # a name and two links a view
            assert [line for line in links if line.startswith(f"    charts: http://127.0.0.1:{port}/")]
        finally:
            server.send_signal(signal.SIGTERM)


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def wait_until_answered(url: str, server: subprocess.Popen[bytes], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            assert server.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.5)
