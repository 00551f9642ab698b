"""LibriSpeech and Multilingual LibriSpeech as they unpack, part by part.

    LibriSpeech/train-clean-5/SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt     ID TEXT, audio ID.flac beside it
    mls_polish/train/transcripts.txt                                       ID<tab>text
    mls_polish/train/audio/SPEAKER/BOOK/SPEAKER_BOOK_NUMBER.flac           (mls_polish_opus: .opus)

Lhotse's recipes read the same folders (a test compares them) but open every file, stop at the first damaged one, and
leave out missing ones in silence; these readers leave both to ``earmark data check``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from datamodules.importers.entry import ManifestEntry, ManifestError, lines_of
from datamodules.importers.left_out import warn_of_left_out

MLS_LANGUAGES = {
    "dutch": "nl", "english": "en", "french": "fr", "german": "de", "italian": "it", "polish": "pl",
    "portuguese": "pt", "spanish": "es",
}  # fmt: skip
_PARTS = ("train", "dev", "test")


def read_librispeech(folder: Path, *, audio_root: Path | None = None) -> Iterator[ManifestEntry]:
    """Utterances of one part (``LibriSpeech/train-clean-5``), sorted by transcript file. Raises ``ManifestError``."""
    _refuse_audio_root(audio_root, "librispeech")
    transcripts = sorted(folder.rglob("*.trans.txt"))
    if not transcripts:
        raise ManifestError(f"{folder}: no *.trans.txt below it, allowed: a part of LibriSpeech (train-clean-5)")
    if parts := sorted({part for path in transcripts if (part := _part(path.relative_to(folder)))}):
        holds = ", ".join(map(str, parts))
        raise ManifestError(f"{folder}: holds the parts {holds}, allowed: one part, as {folder / parts[0]}")
    said = {line.split(maxsplit=1)[0] for path in transcripts for _, line in lines_of(path)}
    silent = sorted(path.stem for path in folder.rglob("*.flac") if path.stem not in said)
    warn_of_left_out(folder, silent, what="audio files without a line in *.trans.txt")
    for path in transcripts:
        for place, line in lines_of(path):
            utterance, *text = line.split(maxsplit=1)
            yield ManifestEntry(
                utterance_id=utterance,
                audio=path.absolute().parent / f"{utterance}.flac",
                text=text[0].strip() if text else "",
                place=place,
                language="en",
                speaker=utterance.split("-")[0],
            )


def _part(transcript: Path) -> Path | None:
    """The folder of a part above a transcript, at any depth: ``LibriSpeech/test-clean``."""
    above = [folder for folder in transcript.parents if folder.name.startswith(_PARTS)]
    return above[-1] if above else None


def read_mls(folder: Path, *, audio_root: Path | None = None) -> Iterator[ManifestEntry]:
    """Utterances of one part (``mls_polish/train``), in the order of its transcripts. Raises ``ManifestError``."""
    _refuse_audio_root(audio_root, "mls")
    transcripts = folder / "transcripts.txt"
    if not transcripts.is_file():
        raise ManifestError(f"{folder}: no file 'transcripts.txt', allowed: a part of MLS (mls_polish/train)")
    name = folder.absolute().parent.name.removeprefix("mls_")
    suffix = ".opus" if name.endswith("_opus") else ".flac"
    said = {line.partition("\t")[0] for _, line in lines_of(transcripts)}
    silent = sorted(path.stem for path in (folder / "audio").rglob(f"*{suffix}") if path.stem not in said)
    warn_of_left_out(folder, silent, what="audio files without a line in transcripts.txt")
    for place, line in lines_of(transcripts):
        utterance, tab, text = line.partition("\t")
        pieces = utterance.split("_")
        if not tab or len(pieces) != 3:
            raise ManifestError(f"{place}: {line[:40]!r}, allowed: SPEAKER_BOOK_NUMBER, a tab, the text")
        yield ManifestEntry(
            utterance_id=utterance,
            audio=folder.absolute() / "audio" / pieces[0] / pieces[1] / f"{utterance}{suffix}",
            text=text.strip(),
            place=place,
            language=MLS_LANGUAGES.get(name.removesuffix("_opus")),
            speaker=pieces[0],
        )


def _refuse_audio_root(audio_root: Path | None, name: str) -> None:
    if audio_root is not None:
        raise ManifestError(f"--audio-root {audio_root}: {name} folders know where their audio is, allowed: leave out")
