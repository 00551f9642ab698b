"""No shipped row mixes speech into speech and calls it noise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from experiments.table_files.spec import TABLES, read_table


def noise_folders(config: Any) -> Iterator[str]:
    if isinstance(config, dict):
        for key, value in config.items():
            if key == "noise_folder" and value is not None:
                yield value
            else:
                yield from noise_folders(value)


def test_noise_is_a_class_of_the_sound_bank_that_does_not_speak() -> None:
    found = {
        folder
        for name in sorted(path.stem for path in TABLES.glob("*.yaml"))
        for row in read_table(name).rows.values()
        for folder in noise_folders(row.config)
    }
    assert found
    for folder in found:  # the whole bank is three quarters speech, of the corpus `prompts` among others
        assert folder.split("/")[0] == "soundbank"
        assert folder.split("/")[1:] not in ([], ["speech"])
