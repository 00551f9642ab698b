"""A transcript as files of other programs: one function a format.

=====  ======================================================================================================
txt    a line a part
srt    SubRip: numbered cues, ``00:00:01,250 --> 00:00:02,000``
vtt    WebVTT: the same with a point, and a heading
tsv    ``start<TAB>end<TAB>text`` in whole milliseconds, as Whisper's
json   everything: parts, words with confidence, tokens
ctm    NIST's: ``recording 1 start duration word confidence``, seconds
=====  ======================================================================================================

Cues with words end where a subtitle would (``transcript.py``). A CTM of words without times is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from experiments.applying.transcribing.transcript import Transcript


def as_txt(transcript: Transcript) -> str:
    """See above."""
    return "".join(f"{part.text}\n" for part in transcript.parts if part.text)


def as_srt(transcript: Transcript) -> str:
    """See above."""
    return "".join(
        f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{cue.text}\n\n"
        for number, cue in enumerate(transcript.cues(), start=1)
    )


def as_vtt(transcript: Transcript) -> str:
    """See above; ``&``, ``<`` and ``>`` are escaped, as WebVTT asks."""
    cues = (f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{_escaped(cue.text)}\n" for cue in transcript.cues())
    return "\n".join(("WEBVTT\n", *cues))


def as_tsv(transcript: Transcript) -> str:
    """See above."""
    rows = (f"{_milliseconds(cue.start)}\t{_milliseconds(cue.end)}\t{cue.text}\n" for cue in transcript.cues())
    return "".join(("start\tend\ttext\n", *rows))


def as_json(transcript: Transcript) -> str:
    """See above."""
    return json.dumps(transcript.as_plain(), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def as_ctm(transcript: Transcript) -> str:
    """See above; a recording's name gets no blanks. Raises ``ValueError`` where words have no times."""
    if transcript.times == "parts" and transcript.text:
        raise ValueError("its recogniser attends to nothing, so words have no times, which ctm needs; take srt or json")
    name = re.sub(r"\s", "_", transcript.audio)
    return "".join(
        f"{name} 1 {word.start:.3f} {word.end - word.start:.3f} {word.text}"
        + ("\n" if word.confidence is None else f" {word.confidence:.3f}\n")
        for word in transcript.words
    )


FORMATS: Mapping[str, Callable[[Transcript], str]] = {
    "txt": as_txt, "srt": as_srt, "vtt": as_vtt, "tsv": as_tsv, "json": as_json, "ctm": as_ctm
}  # fmt: skip
OF_WORD_TIMES = ("srt", "vtt", "ctm")  # a cue that is a whole part of 20 s is no subtitle


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)


def _clock(seconds: float, point: str) -> str:
    minutes, milliseconds = divmod(_milliseconds(seconds), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{milliseconds // 1000:02d}{point}{milliseconds % 1000:03d}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
