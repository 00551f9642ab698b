"""Fetches what the soundbank is made of with little installed: ``make demo`` runs it while pip installs the rest.

Whatever fails is left to ``earmark data``, which fetches what is missing then and says why it can't.
"""

from __future__ import annotations

import contextlib

from datamodules.corpora import debian
from datamodules.corpora.sounds.packages import soundbank_packages

if __name__ == "__main__":
    with contextlib.suppress(ValueError, OSError):
        debian.fetch(soundbank_packages())
