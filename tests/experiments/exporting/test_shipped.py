"""What an exported folder carries runs without earmark and torch, and says what the system itself says."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import wave
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import scipy.ndimage
import torch
from hypothesis import given
from hypothesis import strategies as st

from experiments.exporting.exported_folder import export
from experiments.exporting.shipped import filters
from experiments.exporting.shipped.exported_model import ExportedModel
from experiments.exporting.shipped.numpy_log_mel import NumpyLogMel
from experiments.exporting.shipped.sound_file import read_sound
from experiments.exporting.shipped_code import PACKAGE, shipped_files
from lightning_modules.asr.recogniser import Encoded
from lightning_modules.decoding.texts import spell

MAY_IMPORT = {*sys.stdlib_module_names, "numpy", PACKAGE}
WHERE_INSTALLED = {"onnxruntime", "soundfile", "soxr", "scipy"}  # inside functions alone
BLOCKER = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"experiments", "lightning_modules", "datamodules", "torch", "scipy", "soundfile",
                                  "soxr", "mlflow", "pytorch_lightning", "lhotse", "librosa", "pandas"}:
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocker())
"""
POSTPROCESSING = {
    "version": 2,
    "classes": ["bird", "door", "rain"],
    "events": {
        "kind": "thresholds", "median_seconds": 0.12, "window_seconds": 0.2, "high_threshold": 0.5,
        "low_threshold": 0.3, "rescaled": True, "longest_gap_seconds": 0.1, "shortest_event_seconds": 0.05,
        "hysteresis": "extend", "keeps_one": True,
    },
    "frames": {}, "gate": {"bird": 0.0, "door": 0.0, "rain": 1.0}, "tags": "own", "fit": "events",
}  # fmt: skip


def test_shipped_code_imports_numpy_and_itself() -> None:
    files = shipped_files()
    modules = {f"{PACKAGE}.{Path(name).stem}" for name in files if name.startswith(PACKAGE)}
    for name, text in files.items():
        for node in ast.walk(tree := ast.parse(text)):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            names = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            for of in map(str, names):
                allowed = MAY_IMPORT if node in tree.body else MAY_IMPORT | WHERE_INSTALLED
                assert of.split(".")[0] in allowed, f"{name} imports {of}"
                assert not of.startswith(PACKAGE) or of in modules, f"{name}: {of} is not shipped"


@given(st.integers(1, 40), st.sampled_from([1, 3, 7, 21]), st.integers(0, 2**32 - 1))
def test_filters_are_scipys(frames: int, size: int, seed: int) -> None:
    curves_TC = np.random.default_rng(seed).random((frames, 3), dtype=np.float32)
    expected = scipy.ndimage.median_filter(curves_TC, size=(size, 1), mode="nearest")
    assert np.array_equal(filters.median_filter(curves_TC, size=(size, 1), mode="nearest"), expected)
    smooth = scipy.ndimage.uniform_filter1d(curves_TC, size, axis=0, mode="nearest")
    np.testing.assert_allclose(filters.uniform_filter1d(curves_TC, size, axis=0, mode="nearest"), smooth, atol=1e-6)


def write_wav(path: Path, samples_S: Any, rate_hz: int, *, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(width)
        file.setframerate(rate_hz)
        whole = (np.asarray(samples_S, dtype=np.float64) * 2 ** (8 * width - 1)).round().astype(np.int64)
        file.writeframes(b"".join(int(value).to_bytes(width, "little", signed=True) for value in whole))
    return path


def sound(seconds: float = 1.5, *, rate_hz: int = 8000) -> Any:
    rng = np.random.default_rng(5)
    times_S = np.arange(round(seconds * rate_hz)) / rate_hz
    loud_S = (times_S % 0.5 < 0.25) * np.sin(2 * np.pi * 900 * times_S)
    quantised_S: Any = np.round((0.3 * loud_S + 0.05 * rng.normal(size=len(times_S))).clip(-0.9, 0.9) * 2**15) / 2**15
    return quantised_S.astype(np.float32)


@pytest.mark.parametrize("width", [2, 3, 4])
def test_python_reads_wav_as_soundfile_does(width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_wav(tmp_path / "a.wav", sound(0.1), 8000, width=width)
    by_soundfile = read_sound(path, rate_hz=8000)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    assert np.array_equal(read_sound(path, rate_hz=8000), by_soundfile)


def test_another_rate_is_refused_in_one_line_where_nothing_resamples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_wav(tmp_path / "a.wav", sound(0.1), 8000)
    assert len(read_sound(path, rate_hz=16000)) == 1600
    for name in ("soxr", "scipy.signal"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ValueError, match=r"a.wav: 8000 Hz, and the model hears 16000 Hz"):
        read_sound(path, rate_hz=16000)


@pytest.fixture(scope="module")
def detector(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    return exported("mil", tiny, tmp_path_factory, inside=False)


def exported(name: str, tiny: ModuleType, factory: pytest.TempPathFactory, *, inside: bool = True) -> tuple[Any, Path]:
    """A tiny system, and the folder that it was exported to from a run's folder; no store is near."""
    folder, system = factory.mktemp("exported"), tiny.make(name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARMARK_HOME", str(folder / "home"))
        patch.setenv("EARMARK_DATA", str(folder / "data"))
        chosen = tiny.run_folder(folder / "a0b1", name, system)
        (chosen.folder / "scores").mkdir()
        if hasattr(system, "classes"):
            (chosen.folder / "scores" / "postprocessing.json").write_text(json.dumps(POSTPROCESSING))
        export(chosen, folder / "model", inside=inside)
    return system, folder / "model"


def test_the_script_alone_finds_the_events_of_the_system(detector: tuple[Any, Path], tmp_path: Path) -> None:
    from lightning_modules.sed.fitting.fitted import FittedPostProcessing
    from lightning_modules.sed.predictions import DetectionPredictions

    system, folder = detector
    path = write_wav(tmp_path / "a.wav", samples_S := sound(), 8000)
    code = f"""{BLOCKER}
import runpy
sys.argv = ["run_model.py", {str(path)!r}, "--format", "json"]
sys.path.insert(0, {str(folder)!r})
runpy.run_path({str(folder / "run_model.py")!r}, run_name="__main__")
"""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, env=environment, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    with torch.no_grad():
        detection = system(torch.from_numpy(samples_S)[None], torch.tensor([len(samples_S)]))
    curves_1TC = detection.frame_probabilities_BTC.numpy()
    predictions = DetectionPredictions(
        tuple(system.classes), ("a",), detection.clip_probabilities_BC.numpy(), curves_1TC,
        np.array([curves_1TC.shape[1]]), system.hop_seconds,
    )  # fmt: skip
    fitted = FittedPostProcessing.load(folder / "scores" / "postprocessing.json")
    events = fitted.events(predictions, duration_seconds={"a": len(samples_S) / 8000})["a"]
    assert events
    assert [tuple(event.values()) for event in said["events"]] == [pytest.approx(tuple(event)) for event in events]
    assert list(said["tags"].values()) == pytest.approx(detection.clip_probabilities_BC[0].tolist(), abs=1e-4)


def test_log_mel_in_numpy_is_that_of_the_system(detector: tuple[Any, Path]) -> None:
    system, folder = detector
    samples_S = sound()
    expected = system.log_mel(torch.from_numpy(samples_S)[None], torch.tensor([len(samples_S)]))[0]
    np.testing.assert_allclose(NumpyLogMel(folder / "log_mel.npz")(samples_S), expected.numpy(), atol=2e-4)


@pytest.mark.parametrize("name", ["ctc, gru", "las, location", "transducer"])
def test_texts_are_those_of_the_systems_own_greedy_search(
    name: str, tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> None:
    system, folder = exported(name, tiny, tmp_path_factory)
    samples_S = sound()
    waveform_1S, length_1 = torch.from_numpy(samples_S)[None], torch.tensor([len(samples_S)])
    with torch.no_grad():
        encoded: Encoded = system.encode(waveform_1S, length_1)
        [hypothesis] = system.greedy(encoded)
    assert hypothesis.tokens
    assert ExportedModel(folder).answer(samples_S) == {"text": spell(hypothesis.tokens, system.symbols)}
