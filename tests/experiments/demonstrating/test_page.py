"""The page in a real browser by its ``file://`` address: it loads, plays, and hears what Python hears."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as lightning
import soundfile
import torch

from experiments.demonstrating.demo_folder import write_demo
from experiments.demonstrating.examples import Example
from experiments.demonstrating.heard_systems import HeardSystem, facts_of_events, facts_of_texts
from experiments.demonstrating.libraries import LIBRARIES, library_files
from experiments.errors import UserError
from experiments.exporting.exportable import MODEL, exportable
from experiments.exporting.onnx_files import write_onnx
from lightning_modules.asr.ctc.ctc import CTC
from lightning_modules.decoding.ctc.greedy import greedy
from lightning_modules.decoding.texts import spell
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.layers.recurrent_encoder import RecurrentEncoder

from ..applying.predicting.systems import RATE_HZ, predictor, system
from .chromium import CHROMIUM, Chromium

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]
SYMBOLS = ("<blank>", " ", "a", "b", "c")
STATUS = "document.getElementById('status').textContent"
DONE = "earmark.page.state === 'done' || earmark.page.state === 'refused'"


def noise(path: Path, *, seconds: float, channels: int = 1) -> Path:
    """Noise that grows louder and quieter."""
    rng = np.random.default_rng(1)
    samples_S = np.arange(round(seconds * RATE_HZ))
    loudness_S1 = np.exp(2 * np.sin(samples_S / RATE_HZ * 2.1) - 4)[:, None]
    soundfile.write(path, loudness_S1 * rng.normal(0, 1, (len(samples_S), channels)).clip(-3, 3), RATE_HZ)
    return path


def recogniser() -> CTC:
    """A small CTC whose posteriors change with what it hears."""
    torch.manual_seed(0)
    features = LogMelSettings(hop_seconds=0.02, window_seconds=0.04, num_mels=16)
    made = CTC(
        symbols=SYMBOLS, sample_rate_hz=RATE_HZ, features=features,
        encoder=RecurrentEncoder(
            num_mels=16, conv_channels=4, num_halvings=1, cell="gru", hidden_units=8, num_layers=1, bidirectional=True,
            dropout=0.0,
        ),
    )  # fmt: skip
    torch.nn.init.normal_(made.classifier.weight, std=60.0)
    torch.nn.init.zeros_(made.classifier.bias)
    made.eval()
    with torch.no_grad():  # no symbol is ahead of the others
        encoded = made.encode(0.05 * torch.randn(1, RATE_HZ), torch.tensor([RATE_HZ]))
        made.classifier.bias.copy_(-made.classifier(encoded.hidden_BTH).mean((0, 1)))
    return made


def graph(made: lightning.LightningModule, folder: Path) -> bytes:
    """The ONNX file of a system."""
    path = folder / MODEL
    write_onnx(exportable(made).graphs[MODEL], path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def libraries(request: pytest.FixtureRequest) -> dict[str, bytes]:
    """The pinned packages, fetched once and kept beside pytest's cache."""
    with pytest.MonkeyPatch.context() as patch:
        if "EARMARK_LIBRARIES" not in os.environ:
            patch.setenv("EARMARK_DATA", str(request.config.cache.mkdir("earmark_demo")))
        try:
            return library_files(Path(os.environ["EARMARK_LIBRARIES"]) if "EARMARK_LIBRARIES" in os.environ else None)
        except UserError as error:
            pytest.skip(f"{', '.join(of.archive for of in LIBRARIES)}: {error}")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, libraries: dict[str, bytes]) -> Path:
    """A page of two sound event systems, the second in short windows, and a recogniser, with one example."""
    folder = tmp_path_factory.mktemp("demo")
    events, texts = graph(system(own_level=True), folder), recogniser()
    systems = []
    for title, window_frames in (("whole", 500), ("windows", 40)):
        heard = predictor(system(own_level=True), window_frames=window_frames)
        facts = facts_of_events(heard.decision, heard.plan, sample_rate_hz=RATE_HZ)
        systems.append(HeardSystem(title=title, facts={**facts, "summary": "of a test"}, model=events))
    facts = facts_of_texts(SYMBOLS, sample_rate_hz=RATE_HZ, hop_seconds=texts.hop_seconds)
    systems.append(HeardSystem(title="text", facts={**facts, "summary": "of a test"}, model=graph(texts, folder)))
    sound = noise(folder / "example.wav", seconds=6.0).read_bytes()
    example = Example(title="noise", sound=sound, licence="nobody's", events=((0.5, 1.5, "dog"),))
    write_demo(folder / "page", systems, [example], libraries)
    return folder / "page" / "index.html"


@pytest.fixture
def browser(page: Path, tmp_path: Path) -> Iterator[Chromium]:
    """A browser that shows the page."""
    with Chromium(tmp_path / "profile", flags=("--autoplay-policy=no-user-gesture-required",)) as started:
        started.open(page)
        yield started


def found_events(browser: Chromium, number: int) -> list[tuple[float, float, str]]:
    """What a run of the page heard."""
    events = browser.value(f"earmark.page.results[{number}].events")
    return [(event["onset"], event["offset"], event["label"]) for event in events]


@pytest.mark.parametrize("channels", [1, 2])
def test_a_file_is_heard_as_predict_hears_it(browser: Chromium, tmp_path: Path, channels: int) -> None:
    """Events of one window and of joined ones, and a text, are Python's on the same file."""
    path = noise(tmp_path / "noise.wav", seconds=6.0, channels=channels)
    browser.choose_file("#file", path)
    browser.wait_for(DONE)
    assert browser.value("earmark.page.state") == "done", browser.value(STATUS)
    for number, window_frames in enumerate((500, 40)):
        expected = predictor(system(own_level=True), window_frames=window_frames)(path)
        assert len(expected.events) >= 3
        assert found_events(browser, number) == [tuple(event) for event in expected.events]
    waveform_1S = torch.from_numpy(soundfile.read(path, dtype="float32", always_2d=True)[0].mean(1))[None]
    with torch.inference_mode():
        [reading] = greedy(*recogniser()(waveform_1S, torch.tensor([waveform_1S.shape[1]])))
    assert len(reading.tokens) > 3
    assert browser.value("earmark.page.results[2].text") == spell(reading.tokens, SYMBOLS)
    assert browser.value("earmark.page.results[2].tokens.map(of => of.frame)") == list(reading.frames)


def test_the_keyboard_alone_plays_an_example(browser: Chromium, page: Path) -> None:
    """Tab to the example, Enter, Space plays, arrows seek; no address but the page's own files is asked for."""
    browser.wait_for("!document.getElementById('choose').disabled")
    for _ in range(8):
        if browser.value("document.activeElement.textContent") == "noise":
            break
        browser.press("Tab")
    assert browser.value("document.activeElement.matches(':focus-visible')")
    browser.press("Enter", text="\r")
    browser.wait_for(DONE)
    assert "whole" in browser.value(STATUS)
    browser.value("document.activeElement.blur()")
    browser.press(" ", code="Space", text=" ")
    browser.wait_for("document.getElementById('play').textContent === 'Pause'")
    browser.wait_for("parseFloat(document.getElementById('time').textContent) > 0.2")
    browser.press(" ", code="Space", text=" ")
    browser.wait_for("document.getElementById('play').textContent === 'Play'")
    before = browser.value("parseFloat(document.getElementById('time').textContent)")
    browser.press("ArrowRight")
    browser.wait_for(f"parseFloat(document.getElementById('time').textContent) > {before} + 0.9")
    asked = [line for line in browser.console if line.startswith("request ")]
    own = page.parent.resolve().as_uri()
    assert asked
    assert [line for line in asked if not line.startswith((f"request {own}", "request blob:", "request data:"))] == []


def test_what_cannot_be_heard_is_said_in_words(browser: Chromium, tmp_path: Path) -> None:
    """A file too large, a broken one, an empty one, a cut one, silence; and the page goes on."""
    large, broken, empty, cut, silent = (
        tmp_path / f"{name}.wav" for name in ("large", "broken", "empty", "cut", "silent")
    )
    with large.open("wb") as file:
        file.truncate(200_000_000)
    broken.write_bytes(b"no sound at all" * 100)
    empty.touch()
    cut.write_bytes(noise(tmp_path / "whole.wav", seconds=2.0).read_bytes()[:9000])
    soundfile.write(silent, np.zeros(2 * RATE_HZ), RATE_HZ)
    for path, words in (
        (large, "large.wav has 200 MB; this page takes up to 50 MB"),
        (broken, "broken.wav cannot be read"),
        (empty, "empty.wav is empty"),
        (cut, "cut.wav is broken: it ends before"),
        (silent, "silent throughout"),
    ):
        browser.choose_file("#file", path)
        browser.wait_for(f"{STATUS}.includes({words!r})")
    browser.choose_file("#file", noise(tmp_path / "good.wav", seconds=2.0))
    browser.wait_for("earmark.page.state === 'done' && earmark.page.sound.name === 'good.wav'")


@pytest.mark.parametrize(
    ("error", "words"),
    [("NotFoundError", "No microphone was found"), ("NotAllowedError", "is not allowed on this page")],
)
def test_a_missing_microphone_is_said_in_words(browser: Chromium, error: str, words: str) -> None:
    """What the browser throws becomes a sentence, and the page can still hear files."""
    browser.value(f"navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('', '{error}') }}, 1")
    browser.value("document.getElementById('record').click()")
    browser.wait_for(f"{STATUS}.includes({words!r})")


def test_a_recording_is_heard(page: Path, tmp_path: Path) -> None:
    """Of Chromium's own false microphone."""
    flags = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with Chromium(tmp_path / "profile", flags=flags) as browser:
        browser.open(page)
        browser.value("document.getElementById('record').click()")
        browser.wait_for("document.getElementById('record').textContent.includes('(2 s)')")
        browser.value("document.getElementById('record').click()")
        browser.wait_for(DONE)
        assert browser.value("earmark.page.state") == "done", browser.value(
            "document.getElementById('status').textContent"
        )
        assert browser.value("earmark.page.sound.seconds") > 0.5
