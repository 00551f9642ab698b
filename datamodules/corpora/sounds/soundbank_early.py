"""Makes the soundbank with little installed: ``make demo`` runs it while pip installs the rest.

Whatever fails is left to ``earmark data``, which does what is missing and says why it can't.
"""

from __future__ import annotations

import contextlib

from datamodules.corpora.sounds import soundbank

if __name__ == "__main__":
    with contextlib.suppress(ValueError, OSError):
        soundbank.prepare()
