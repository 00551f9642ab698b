"""Fixtures of the fault tests: a package archive on this disk, with stand-ins for apt-get and apt-cache."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile
from G722 import G722

APT_GET = r"""#!/bin/bash
# download NAME=VERSION into the current folder; FAKE_APT says how it goes wrong
[ "$1" = update ] && { touch "$ARCHIVE/updated"; exit 0; }
name=${@: -1}; name=${name%%=*}
deb=$(echo "$ARCHIVE"/"$name"_*.deb)
case "$FAKE_APT" in
  truncate) head -c 500 "$deb" > "$(basename "$deb")" ;;
  fail) head -c 500 "$deb" > "$(basename "$deb")"; echo "W: slow" >&2; echo "E: Connection failed" >&2; exit 100 ;;
  hang) head -c 500 "$deb" > "$(basename "$deb")"; touch "$ARCHIVE/hanging"; exec sleep 60 ;;
  *) cp "$deb" . ;;
esac
"""
APT_CACHE = r"""#!/bin/bash
name=${@: -1}
[ "$FAKE_LISTS" = empty ] && [ ! -e "$ARCHIVE/updated" ] && exit 100
cat "$ARCHIVE/$name.show" 2>/dev/null
"""


class PackageArchive:
    """Holds packages; ``install_tools`` puts the stand-ins on PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def add(self, package: str, files: Mapping[str, bytes]) -> Path:
        """Build a package with these files (paths without a leading slash)."""
        tree = self.folder / f"{package}.tree"
        (tree / "DEBIAN").mkdir(parents=True)
        control = (
            f"Package: {package}\nVersion: 1.0-1\nArchitecture: all\nMaintainer: N <n@example.org>\nDescription: x\n"
        )
        (tree / "DEBIAN" / "control").write_text(control)
        for path, data in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(data)
        deb = self.folder / f"{package}_1.0-1_all.deb"
        subprocess.run(["dpkg-deb", "--build", "-Zgzip", str(tree), str(deb)], check=True, capture_output=True)
        shutil.rmtree(tree)
        data = deb.read_bytes()
        facts = f"Package: {package}\nVersion: 1.0-1\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"
        (self.folder / f"{package}.show").write_text(facts)
        return deb

    def environment(self) -> dict[str, str]:
        """PATH with the stand-ins before the real tools, and what they need to know."""
        tools = self.folder / "tools"
        tools.mkdir(exist_ok=True)
        for name, script in (("apt-get", APT_GET), ("apt-cache", APT_CACHE)):
            (tools / name).write_text(script)
            (tools / name).chmod(0o755)
        return {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "ARCHIVE": str(self.folder)}

    @staticmethod
    def sound(seed: int, seconds: float = 0.6, rate_hz: int = 16_000) -> np.ndarray:
        """Noise of its own for each seed, shape (samples,)."""
        return np.random.default_rng(seed).normal(size=round(seconds * rate_hz)) * 0.1

    @classmethod
    def wav(cls, seed: int, seconds: float = 0.6, rate_hz: int = 16_000, padding_seconds: float = 0.0) -> bytes:
        """A sound file of that noise between two stretches of digital silence."""
        padding_S = np.zeros(round(padding_seconds * rate_hz))
        file = io.BytesIO()
        samples_S = np.concatenate([padding_S, cls.sound(seed, seconds, rate_hz), padding_S])
        soundfile.write(file, samples_S, rate_hz, format="WAV", subtype="PCM_16")
        return file.getvalue()

    @classmethod
    def g722(cls, seed: int, seconds: float) -> bytes:
        """That noise as a telephone prompt."""
        return bytes(G722(16_000, 64_000).encode((cls.sound(seed, seconds) * 32767).astype(np.int16)))


@pytest.fixture
def package_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackageArchive:
    """An empty archive whose apt-get and apt-cache stand first on PATH."""
    if shutil.which("dpkg-deb") is None:
        pytest.skip("needs dpkg-deb")
    archive = PackageArchive(tmp_path / "archive")
    for name, value in archive.environment().items():
        monkeypatch.setenv(name, value)
    return archive
