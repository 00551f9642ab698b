"""The pictures of a whole report on its page: the rows compared beside the table, and one clip with its sound."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple, Protocol

from datamodules.corpus_folder import CorpusMissingError
from experiments.errors import UserError
from experiments.reporting.formats.page_media import Media, picture, sound, strip
from experiments.reporting.pictures.drawn import (
    ChartSource,
    Picture,
    draw_all_confused,
    draw_comparisons,
    draw_examples,
)
from experiments.reporting.pictures.example_choice import ChosenClip
from experiments.reporting.pictures.example_picture import caption
from experiments.stored_results.split_references import References
from experiments.table_files.merge import get_path


class PageClip(NamedTuple):
    """An example clip: its heading, the sentence that says which it is, and the names of its media."""

    heading: str
    says: str
    picture: str
    sound: str


class PicturedPage(Protocol):
    """What pictures are put into."""

    media: Media
    comparisons: list[str]
    clips: list[PageClip]
    charts: list[str]
    remarks: list[str]


def add_pictures(page: PicturedPage, source: ChartSource) -> None:
    """Draw comparisons and example clips; one that cannot be drawn is a remark, since the figures do not hang on it."""
    with tempfile.TemporaryDirectory() as folder:
        for draw, shown in (
            (draw_comparisons, page.comparisons),
            (draw_examples, page.comparisons),
            (draw_all_confused, page.charts),
        ):
            try:
                pictures, undrawn = draw(source, folder=Path(folder))
            except UserError as error:
                pictures, undrawn = [], [str(error)]
            page.remarks += undrawn
            for drawn in pictures:
                _add(page, drawn, shown)


def _add(page: PicturedPage, drawn: Picture, shown: list[str]) -> None:
    """Put a picture among those that are ``shown`` in one place, or, of a clip, where its sound is."""
    name = drawn.path.stem
    page.media.add("charts", name, picture(drawn.path))
    if name not in page.media.uris:
        return
    if drawn.chosen is None:
        shown.append(name)
        return
    clip = _corpus_and_clip(drawn.chosen)
    add_sound(page.media, drawn.chosen.references, drawn.chosen.clip, name=clip)
    page.clips.append(PageClip(drawn.path.stem.replace("_", " "), caption(drawn.chosen), name, f"sound {clip}"))


def _corpus_and_clip(chosen: ChosenClip) -> str:
    return f"{get_path(chosen.systems[0].cell.row.config, 'data.corpus')} {chosen.clip}"


def add_sound(media: Media, references: References, clip: str, *, name: str) -> None:
    """A clip's sound and a strip of its spectrogram, once, under a name that has its corpus."""
    if media.known(f"sound {name}"):
        return
    try:
        waveform_S = references.load_waveform(clip)
    except CorpusMissingError:  # labels travel in packs of results, sounds do not
        return
    rate_hz = references.sample_rate_hz
    media.add("sounds", f"sound {name}", sound(waveform_S, sample_rate_hz=rate_hz))
    media.add("spectrograms", f"strip {name}", strip(waveform_S, sample_rate_hz=rate_hz))
