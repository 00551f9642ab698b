"""One utterance as a user's manifest describes it, and the ways of refusing a manifest.

Every reader of this package yields these, whatever the format. Nothing here opens audio, so a manifest of a million
lines is read in seconds; a missing or damaged file is found by ``earmark data check``, which names it by ``place``.
"""

from __future__ import annotations

import difflib
import gzip
import hashlib
import math
import os
import re
import unicodedata
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from datamodules.run_warning import RunWarning
from datamodules.texts.language_codes import TWO_LETTERS
from datamodules.texts.utf8_text import NotUtf8Error, has_surrogate, printable, read_utf8

_LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_][A-Za-z0-9]{2,8})*")
SOURCES = ("session", "group")  # what an utterance was recorded from, beside its speaker; a user's own meaning
# As manifests name what is read of an utterance.
FIELDS = ("audio", "text", "language", "speaker", *SOURCES, "start", "duration", "channel", "id")
MOST_ID_BYTES = 200  # of UTF-8: a file is named by it, with a suffix, and takes 255
_AUDIO_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}$")


class ManifestError(ValueError):
    """A manifest that cannot be read; the text names file, line, key, value and what is allowed."""


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """An utterance before its text is normalised and its audio opened.

    ``text`` is as written. ``duration_seconds`` None means to the end of the file. ``language`` and ``speaker`` are
    None where the manifest says nothing. ``place`` is where it was read: ``train.tsv, line 3``. ``channel`` is that of
    the file, counted from 0; ``names_channel`` False means that the manifest names none and the first is taken.
    ``sources`` are the others of ``SOURCES`` that the manifest says.
    """

    utterance_id: str
    audio: Path
    text: str
    place: str
    start_seconds: float = 0.0
    duration_seconds: float | None = None
    language: str | None = None
    speaker: str | None = None
    channel: int = 0
    names_channel: bool = False
    sources: Mapping[str, str] = field(default_factory=dict)


def audio_path(written: str, *, root: Path, place: str) -> Path:
    """The file that a manifest names; a relative one is relative to ``root``.

    Raises ``ManifestError`` for an empty name, for a root and for commands, which are never run.
    """
    if not written:
        raise ManifestError(f"{place}: audio '', allowed: the name of an audio file")
    if written.endswith("|") or written.startswith("|"):
        raise ManifestError(
            f"{place}: audio {written!r} is a command, allowed: the name of an audio file; commands are not run, "
            "write their output to files first"
        )
    if "\0" in written:
        raise ManifestError(f"{place}: audio {written!r} holds a zero byte, allowed: the name of an audio file")
    try:
        path = Path(os.path.normpath(root / Path(written).expanduser()))
    except RuntimeError:  # ~somebody
        raise ManifestError(
            f"{place}: audio {written!r} names a user whose home is not known, allowed: a path"
        ) from None
    if not path.name:
        raise ManifestError(
            f"{place}: audio {written!r} is the root of all folders, allowed: the name of an audio file"
        )
    return path if os.path.exists(path) else _as_on_disk(written, root=root) or path


def _as_on_disk(written: str, *, root: Path) -> Path | None:
    """The file of a name that another system wrote; None where there is none.

    Windows writes folders with backslashes, and a Mac's ``é`` may be two characters: the same text to Unicode, another
    file name to Linux.
    """
    for separated in dict.fromkeys((written, written.replace("\\", "/"))):
        for form in ("NFC", "NFD"):
            path = Path(os.path.normpath(root / unicodedata.normalize(form, separated)))
            if os.path.isfile(path):  # unlike Path's it takes any text
                return path
    return None


def default_id(written: str, start_seconds: float, has_start: bool, *, channel: int = 0) -> str:
    """The id of an utterance that has none: its audio's name, its channel after the first, its start in milliseconds.

    >>> default_id("clips/a b/1.flac", 0.0, False), default_id("/x/long.wav", 12.5, True, channel=1)
    ('clips-a_b-1', 'x-long-ch1-0012500')
    """
    stem = _AUDIO_SUFFIX.sub("", unicodedata.normalize("NFC", written).replace("\\", "/")).strip("/.")
    name = re.sub(r"[^\w.-]", "_", stem.replace("/", "-")) or "utterance"
    if channel:
        name = f"{name}-ch{channel}"
    encoded = name.encode(errors="surrogatepass")  # a name that is not Unicode is refused later, by its line
    if len(encoded) > MOST_ID_BYTES - 8:  # a start stands behind it
        end = encoded[-(MOST_ID_BYTES - 32) :].decode(errors="ignore").lstrip(".")
        name = f"{end}-{hashlib.sha256(encoded).hexdigest()[:12]}"
    return f"{name}-{round(start_seconds * 1000):07d}" if has_start else name


def seconds(value: object, *, key: str, place: str, above_zero: bool = False) -> float:
    """A time of a manifest, written as a number or as text. Raises ``ManifestError`` naming what is allowed."""
    allowed = f"a number of seconds, {'more than 0' if above_zero else '0 or more'}"
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError
        number = float(value)
    except (ValueError, OverflowError):
        raise ManifestError(f"{place}: {key} {value!r}, allowed: {allowed}") from None
    if not math.isfinite(number) or number < 0 or (above_zero and number == 0):
        raise ManifestError(f"{place}: {key} {value!r}, allowed: {allowed}")
    return number


def channel_number(value: object, *, place: str) -> int:
    """A channel of a manifest, counted from 0, written as a number or as text.

    Raises ``ManifestError`` for several channels, fractions and all else that is not one channel's number.

    >>> channel_number(1, place="cuts.jsonl, line 2"), channel_number("0", place="train.tsv, line 2")
    (1, 0)
    """
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,4}", value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ManifestError(f"{place}: channel {value!r}, allowed: one channel, as a whole number from 0 (0 is the first)")


def language_code(written: str, *, key: str, place: str) -> str:
    """The ISO 639 code of a language or locale, of two letters where it has such a one.

    Raises ``ManifestError`` for anything else.

    >>> language_code("sv-SE", key="language", place="train.tsv, line 2"), language_code("kab", key="", place="")
    ('sv', 'kab')
    >>> language_code("tur", key="", place=""), language_code("ger-AT", key="", place="")
    ('tr', 'de')
    """
    match = _LANGUAGE.fullmatch(written)
    if match is None:
        raise ManifestError(f"{place}: {key} {written!r}, allowed: an ISO 639 code such as en, cs or pt-BR")
    return TWO_LETTERS.get(match[1], match[1])


def utterance_id(written: str, *, place: str) -> str:
    """An id that can name a file. Raises ``ManifestError`` for one that cannot."""
    if (size := len(written.encode(errors="surrogatepass"))) > MOST_ID_BYTES:
        raise ManifestError(f"{place}: id {written[:20]!r}… of {size} bytes, allowed: {MOST_ID_BYTES}")
    if not re.fullmatch(r"[^\s\0/\\.][^\s\0/\\]*", written):
        raise ManifestError(f"{place}: id {written!r}, allowed: a name without spaces, slashes and leading dot")
    return written


def entry_from_fields(fields: Mapping[str, object], *, written_audio: str, root: Path, place: str) -> ManifestEntry:
    """An entry from the columns or keys that all our tables share: text, id, start, duration, channel, language,
    speaker, session, group.

    Absent, null and empty optional fields are the same: not given.
    """
    given = {key: value for key, value in fields.items() if value is not None and value != ""}
    start = seconds(given.get("start", 0.0), key="start", place=place)
    duration = None
    if "duration" in given:
        duration = seconds(given["duration"], key="duration", place=place, above_zero=True)
    text = fields.get("text")
    if not isinstance(text, str):
        raise ManifestError(f"{place}: text {text!r}, allowed: a transcript in quotes")
    language = given.get("language")
    channel = channel_number(given.get("channel", 0), place=place)
    audio = audio_path(written_audio, root=root, place=place)
    return ManifestEntry(
        utterance_id=utterance_id(str(given["id"]), place=place)
        if "id" in given
        else default_id(written_audio, start, "start" in given or "duration" in given, channel=channel),
        audio=audio,
        text=text,
        place=place,
        start_seconds=start,
        duration_seconds=duration,
        language=None if language is None else language_code(str(language), key="language", place=place),
        speaker=str(given["speaker"]) if "speaker" in given else None,
        channel=channel,
        names_channel="channel" in given,
        sources={kind: str(given[kind]) for kind in SOURCES if kind in given},
    )


def refuse_surrogates(entry: ManifestEntry) -> None:
    """Raise ``ManifestError`` for a name or text that cannot be written as UTF-8, whatever format it came from."""
    named = {"id": entry.utterance_id, "audio": str(entry.audio), "text": entry.text, "speaker": entry.speaker or ""}
    named |= entry.sources
    for key, value in named.items():
        if has_surrogate(value):
            raise ManifestError(
                f"{printable(entry.place)}: {key} {value!r} is not UTF-8 (half of a surrogate pair), allowed: names "
                "and texts in UTF-8; rename the file, or mend the line"
            )


def missing_key(what: str, missing: str, there: Iterable[str]) -> str:
    """``no WHAT 'audio' (did you mean 'Audio'?); there are: …``: a hint that also finds other names' spelling."""
    names = [name for name in there if name]
    folded = {name.lower(): name for name in names}
    close = difflib.get_close_matches(missing, folded, n=1)
    hint = f" (is it {folded[close[0]]!r}?)" if close else ""
    return f"no {what} {missing!r}{hint}; there are: {', '.join(map(repr, names)) or 'none'}"


def refuse_end(names: Collection[str], *, what: str, place: str) -> None:
    """An ``end`` would be read past in silence. Raises ``ManifestError``."""
    if "end" in names and "duration" not in names:
        raise ManifestError(f"{place}: {what} 'end' is not read; allowed: duration, the seconds from start to end")


def say_not_read(path: Path, names: Sequence[str], *, what: str) -> None:
    """One line for the columns or keys of a manifest that are not read, with what may be meant."""
    if not names:
        return
    meant = {name: name.lower() for name in names if name.lower() in FIELDS}
    says = [f"{name!r} (is it {meant[name]!r}?)" if name in meant else repr(name) for name in names]
    warnings.warn(f"{path}: {what} that are not read: {', '.join(says)}", RunWarning, stacklevel=3)


def lines_of(path: Path) -> list[tuple[str, str]]:
    """(place, line) of every line that is not blank, line ends and a byte-order mark removed.

    Raises ``ManifestError`` for a file that is no UTF-8 text or can't be opened.
    """
    numbered = enumerate(re.split(r"\r\n|\n|\r", read_text(path)), start=1)
    return [(f"{path}, line {number}", line) for number, line in numbered if line.strip()]


def is_empty(path: Path) -> bool:
    """Whether a file is there and holds nothing, be it compressed (``.gz``) or not.

    Raises ``OSError`` for one that can't be read.
    """
    if not path.is_file():
        return False
    with gzip.open(path) if path.suffix == ".gz" and path.stat().st_size else path.open("rb") as file:
        return not file.read(1)


def read_text(path: Path) -> str:
    """A manifest's text. Raises ``ManifestError`` for a file that is no UTF-8 text or can't be opened."""
    try:
        return read_utf8(path)
    except NotUtf8Error as error:
        raise ManifestError(str(error)) from error
    except OSError as error:
        raise ManifestError(f"{path}: {error.strerror}") from error
