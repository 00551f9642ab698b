"""A saved view as Chromium shows it: MLflow's format is undocumented, so only the page can say that it is right.

Needs Chromium (Debian: ``apt-get install chromium``). With ``EARMARK_SCREENSHOTS=FOLDER`` the pictures are kept there.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

TINY = Path(__file__).parents[1] / "tiny.yaml"
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium on PATH (Debian: apt-get install chromium)"),
]
VIEWS = """views:
  mine:
    columns: [tags.corpus, test/event_f1_macro, params.data.batch_size, params.model.optimizer.lr]
    charts:
      - {bar: test/event_f1_macro, label: Bars of event F1}
      - {line: validation/loss, label: Lines of validation loss}
"""


@pytest.fixture(scope="module")
def links(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Links by kind (``table``, ``charts``) as ``earmark ui`` prints them, while it serves a real tiny table."""
    home = tmp_path_factory.mktemp("home")
    environment = {**os.environ, "EARMARK_HOME": str(home), "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    environment.pop("MLFLOW_TRACKING_URI", None)
    table = home / "tiny.yaml"
    rows = "rows:\n  wide: {why: other batches, set: {data.batch_size: 8}}\n"
    table.write_text(TINY.read_text().replace("rows:\n", rows).replace("seeds: [0]", "seeds: [0, 1]") + VIEWS)
    command = [sys.executable, "-m", "experiments"]
    subprocess.run([*command, "data", "tones", "--scale", "tiny"], env=environment, check=True)
    subprocess.run([*command, "run", str(table), "--rows", "mil,wide"], env=environment, check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = home / "ui.txt"
    with log.open("w") as file:
        server = subprocess.Popen([*command, "ui", "--port", str(port)], env=environment, stdout=file, stderr=file)
    try:
        _wait(f"http://127.0.0.1:{port}/health")
        lines = log.read_text().splitlines()
        start = lines.index("  sed · tiny · mine · demo")
        yield {
            kind: next(line.split()[-1] for line in lines[start:] if line.strip().startswith(f"{kind}:"))
            for kind in ("table", "charts")
        }
    finally:
        server.terminate()  # earmark ui takes MLflow's server with it
        assert server.wait(60) == 0


def _wait(address: str) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise TimeoutError(address)


def _shown(link: str, picture: str, folder: Path, *, last: str) -> str:
    """The page's text once ``last`` is in it, late on a slow machine; its picture goes to ``EARMARK_SCREENSHOTS``."""
    kept = Path(os.environ.get("EARMARK_SCREENSHOTS") or folder)
    kept.mkdir(parents=True, exist_ok=True)
    browser = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}",
        "--window-size=1700,1100",
    ]  # fmt: skip
    page = ""
    for budget_ms in (12_000, 40_000, 120_000):
        command = [*browser, f"--virtual-time-budget={budget_ms}"]
        shown = [*command, f"--screenshot={kept / picture}", link]
        subprocess.run(shown, capture_output=True, check=True, timeout=1500)
        page = subprocess.run(
            [*command, "--dump-dom", link], capture_output=True, text=True, check=True, timeout=1500
        ).stdout
        if last in page:
            break
    return page


def _texts(page: str) -> list[str]:
    """The page's texts between tags."""
    return [text.strip() for text in re.findall(r">([^<>]+)<", page)]


class Place(NamedTuple):
    """A column's heading on the page, in pixels."""

    left: int
    width: int


def _headings(page: str) -> dict[str, Place]:
    """Places by column, of those whose headings are drawn."""
    found = {}
    for tag in re.findall(r'<div[^>]*class="ag-header-cell [^>]*>', page):
        name, style = re.search(r'col-id="([^"]+)"', tag), re.search(r'style="([^"]+)"', tag)
        if name and style:
            pixels = {key: int(number) for key, number in re.findall(r"(left|width): (\d+)px", style[1])}
            found[name[1]] = Place(pixels.get("left", 0), pixels.get("width", 0))
    return found


def test_the_table_shows_rows_as_groups_and_the_views_columns(links: dict[str, str], tmp_path: Path) -> None:
    page = _shown(links["table"], "view_table.png", tmp_path, last=": wide")
    texts = _texts(page)
    for row in ("mil", "wide"):
        assert any(text == row or text.endswith(f": {row}") for text in texts), row
    assert not [text for text in texts if re.search(r" seed \d", text)]  # runs lie folded under their rows
    columns = set(re.findall(r'col-id="([^"]+)"', page))
    own = ["tags.`corpus`", "metrics.`test/event_f1_macro`", "params.`data.batch_size`", "params.`model.optimizer.lr`"]
    assert set(own) <= columns
    assert any(text.startswith("0.001") for text in texts)  # what all rows share is a param too
    headings = _headings(page)
    assert sorted(own, key=lambda name: headings[name].left) == own
    for name in own:
        assert headings[name].width > 6.2 * len(name.split("`")[1])
    assert headings["attributes.`Run Name`"].width > 6 * len("Group: wide") + 75
    assert not columns & {"metrics.`test/tagging_f1_macro`", "params.`seed`", "attributes.`Source`"}


def test_the_charts_are_the_views(links: dict[str, str], tmp_path: Path) -> None:
    page = _shown(links["charts"], "view_charts.png", tmp_path, last="(validation/loss)")  # a line's name
    texts = _texts(page)
    for metric in ("test/event_f1_macro", "validation/loss"):  # MLflow titles bars and lines by their metric
        assert metric in texts
    for line in ("wide (validation/loss)", "mil (validation/loss)", "epoch"):
        assert line in texts, line
    assert any(text == "wide" or text.endswith(": wide") for text in texts)
