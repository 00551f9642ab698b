"""What a transcription is told, where its output goes, and NeMo's lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.applying.transcribing.nemo_manifest import read_lines
from experiments.applying.transcribing.output_files import output_stems, refuse_existing, write_text
from experiments.applying.transcribing.settings import Settings, load_params
from experiments.errors import UserError
from experiments.table_files.yaml_files import to_yaml


def test_settings_come_back_from_their_file(tmp_path: Path) -> None:
    told = Settings(formats="srt,ctm", row="ctc_decoding/wfst", max_seconds=12)
    path = tmp_path / "transcribe.yaml"
    path.write_text(to_yaml({"earmark": "0", "run": {"text": "abc"}, "settings": told.as_plain()}), encoding="utf-8")
    assert load_params(path) == ("abc", told)
    assert told.with_given({"formats": "txt", "cut": None}).formats == "txt"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"settings": {}}, "run.text and settings are missing"),
        ({"run": {"text": "a"}, "settings": {"cuts": "vad"}}, "settings key 'cuts'"),
        ({"run": {"text": "a"}, "settings": {"beam_size": "wide"}}, "settings.beam_size 'wide', allowed: int"),
        ({"run": {"text": "a"}, "settings": {"max_seconds": True}}, "settings.max_seconds True"),
    ],
)
def test_other_params_files_are_refused(tmp_path: Path, content: object, message: str) -> None:
    path = tmp_path / "transcribe.yaml"
    path.write_text(to_yaml(content), encoding="utf-8")
    with pytest.raises(UserError, match=message):
        load_params(path)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"formats": "srt,doc"}, "unknown format 'doc'"),
        ({"cut": "words"}, "allowed: vad, quiet, none"),
        ({"max_seconds": 0.5}, "--max-seconds 0.5"),
        ({"hotword_bonus": -1.0}, "--hotword-bonus -1.0"),
    ],
)
def test_settings_out_of_range_are_refused(told: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Settings(**told)  # type: ignore[arg-type]


def test_all_formats_are_each_once() -> None:
    assert Settings(formats="all").format_names == ("txt", "srt", "vtt", "tsv", "json", "ctm")
    assert Settings(formats="srt, txt,srt").format_names == ("srt", "txt")


def test_outputs_of_one_name_keep_their_suffix_and_nothing_is_overwritten(tmp_path: Path) -> None:
    audio = [Path("a/talk.wav"), Path("a/talk.mp3"), Path("a/other.wav")]
    assert output_stems(audio, None) == [Path("a/talk.wav"), Path("a/talk.mp3"), Path("a/other")]
    with pytest.raises(UserError, match="would be of several files"):
        output_stems([Path("a/talk.wav"), Path("b/talk.wav")], tmp_path)
    write_text(tmp_path / "new" / "talk.txt", "a")
    with pytest.raises(UserError, match="1 output files are there already"):
        refuse_existing([tmp_path / "new" / "talk.txt", tmp_path / "b"], overwrite=False)
    refuse_existing([tmp_path / "new" / "talk.txt"], overwrite=True)


def test_nemo_lines_get_pred_text_and_keep_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "test.jsonl"
    path.write_text(
        '{"audio_filepath": "a.wav", "text": "dobrý den", "speaker": "x"}\n'
        '{"audio_filepath": "/b.wav", "offset": 1.5, "duration": 2, "channel": 1}\n',
        encoding="utf-8",
    )
    whole, stretch = read_lines(path)
    assert (whole.audio, whole.whole, whole.channel) == (tmp_path / "a.wav", True, None)
    assert (stretch.offset, stretch.duration, stretch.whole, stretch.channel) == (1.5, 2.0, False, 1)
    answered = json.loads(whole.answered("dobry den"))
    assert answered == {"audio_filepath": "a.wav", "text": "dobrý den", "speaker": "x", "pred_text": "dobry den"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"audio": "a.wav"}', "line 1: audio_filepath None"),
        ('{"audio_filepath": "a.wav", "offset": "soon"}', "line 1: offset 'soon', allowed: a number of seconds"),
        ('{"audio_filepath": "a.wav", "channel": [0, 1]}', r"line 1: channel \[0, 1\], allowed: one channel"),
        ("a.wav", "one JSON object a line, as NeMo's lines are; no other manifest is transcribed"),
    ],
)
def test_other_lines_are_refused_by_place(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "test.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=message):
        list(read_lines(path))
