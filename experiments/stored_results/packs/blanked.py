"""Texts that leave this machine: without its folders, and without its name.

A folder that is known (the home, the data, the user's own, earmark's) is called by a name, of any other whole path the
last part stays. What was replaced is counted.
"""

from __future__ import annotations

import re
import socket
from pathlib import Path

from datamodules.corpus_folder import data_root, home
from experiments.runs.provenance import SOURCE

_PATH = re.compile(r"(?<![\w.:/~…$}-])/(?:[^\s/\"'\\,;:]+/)+([^\s/\"'\\,;:]*)")


class Blanked:
    """``num_replaced`` counts paths and host names over all texts."""

    def __init__(self) -> None:
        folders = {data_root(): "$EARMARK_DATA", home(): "$EARMARK_HOME", SOURCE: "$EARMARK", Path.home(): "~"}
        known = sorted(((str(path), name) for path, name in folders.items()), key=lambda pair: -len(pair[0]))
        self._folders = [(re.compile(re.escape(path) + r"(?![\w.-])"), name) for path, name in known if len(path) > 1]
        self._host = re.compile(rf"(?<![\w.-]){re.escape(socket.gethostname())}(?![\w.-])")
        self.num_replaced = 0

    def text(self, text: str) -> str:
        """Without the folders of this machine."""
        for pattern, name in self._folders:
            text = self._replaced(pattern, name, text)
        return self._replaced(_PATH, r"…/\1", text)

    def message(self, text: str) -> str:
        """What a process said: without this machine's name, too."""
        return self._replaced(self._host, "…", self.text(text))

    def _replaced(self, pattern: re.Pattern[str], name: str, text: str) -> str:
        text, count = pattern.subn(name, text)
        self.num_replaced += count
        return text
