"""The speech corpora, built from packages made here: texts meet their clips, what does not fit is counted."""

from __future__ import annotations

import argparse
import gzip
import io
import json
from typing import Any

import numpy as np
import pytest
import soundfile
from lhotse import CutSet

from datamodules.corpora import debian
from datamodules.corpora.clip_corpus import SPLITS
from datamodules.corpora.prompts import Voice
from datamodules.corpora.speech import speech_festvox_ru, speech_fillets, speech_prompts, speech_stamps
from datamodules.corpora.speech.speech_prompts import parse_texts
from datamodules.corpus_folder import CorpusMissingError, data_root, read_card
from datamodules.phones import Phone, read_phones
from experiments.commands.data import prepare_data
from experiments.errors import UserError

WORDS = ("modrá", "ryba", "plave", "dole", "vlevo", "velký", "kámen", "leží", "tady", "stále")
SENTENCES = [f"{a} {b} {c}" for a in WORDS[:5] for b in WORDS[5:] for c in WORDS[2:4]]  # 50 of them


def utterances(name: str) -> dict[str, tuple[str, str, str, float]]:
    """(text, language, speaker, seconds) by id, of all splits; ids and audio files agree."""
    found = {}
    for split in SPLITS:
        for cut in CutSet.from_file(data_root() / name / "manifests" / f"{split}.jsonl.gz"):
            (said,) = cut.supervisions
            found[cut.id] = (said.text, said.language, said.speaker, cut.duration)
            assert (data_root() / name / cut.recording.sources[0].source).is_file()
    return found


def dropped(name: str) -> dict[str, dict[str, int]]:
    read: dict[str, dict[str, int]] = json.loads((data_root() / name / "dropped.json").read_text())
    return read


def ogg(seed: int, seconds: float) -> bytes:
    file = io.BytesIO()
    noise_S = np.random.default_rng(seed).normal(0, 0.1, round(seconds * 16_000))
    soundfile.write(file, noise_S, 16_000, format="OGG", subtype="VORBIS")
    return file.getvalue()


def command(*words: str) -> int:
    parser = argparse.ArgumentParser()
    prepare_data.add_arguments(parser)
    return prepare_data.run(parser.parse_args(words))


@pytest.fixture
def prompts(package_archive: Any, earmark_home: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """One voice: fifty sentences, and one prompt of each kind that is left out."""
    root = "usr/share/asterisk/sounds/it_F/"
    sounds = {f"{root}s-{k}.g722": package_archive.g722(k, 1.0) for k in range(50)}
    texts = [f"s-{k}: {text.capitalize()}." for k, text in enumerate(SENTENCES)]
    extra = {
        "vm-one": "Premere 1.", "dir/lost": "La chiamata non pu? essere fatta", "letters/w": "W",
        "odd": "[suono]", "vm-bye": "Addio amico mio. vm-then: poi ancora", "vm-then": None, "untold": None,
    }  # fmt: skip
    for number, (key, text) in enumerate(extra.items()):
        sounds[f"{root}{key}.g722"] = package_archive.g722(100 + number, 1.0)
        texts += [f"{key}: {text}"] if text else []
    sounds[f"{root}silence/1.g722"] = sounds[f"{root}beep.g722"] = bytes(8000)
    package_archive.add("voice-it-g722", sounds)
    listed = gzip.compress(("\ufeff; Sounds\n\n" + "\n".join(texts) + "\n").encode())
    package_archive.add("voice-it", {"usr/share/doc/voice-it/core-sounds-it.txt.gz": listed})
    monkeypatch.setattr(speech_prompts, "VOICES", (Voice("voice-it-g722", "it_F", "voice_carlo", "CC-BY-3.0"),))
    return package_archive


def test_prompts_meet_their_texts(prompts: Any) -> None:
    card = speech_prompts.prepare()
    found = utterances("prompts")
    assert sum(card.num_clips.values()) == len(found) == 52
    assert found["it-s-7"][:3] == (SENTENCES[7], "it", "carlo")
    assert found["it-vm-bye"][0] == "addio amico mio"  # two entries stood in one line
    assert found["it-vm-then"][0] == "poi ancora"
    assert dropped("prompts") == {
        "it": {"digits": 1, "damaged text": 1, "name of a letter": 1, "brackets": 1, "no text": 1}
    }
    assert card.licences == {"voice-it-g722": "CC-BY-3.0"}
    assert (card.classes, card.sample_rate_hz, card.synthetic) == ((), 16_000, False)
    assert read_card("prompts") == card == speech_prompts.prepare() == speech_prompts.prepare(rebuild=True)


def test_the_command_says_languages_licences_and_what_was_left_out(
    prompts: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("prompts") == 0
    first = capsys.readouterr().out
    assert command("prompts") == 0
    assert capsys.readouterr().out == first.replace("prepared in", "already there in")
    assert "left out of it: 1 brackets, 1 damaged text, 1 digits, 1 name of a letter, 1 no text" in first
    assert "texts in two splits: 0" in first
    assert "licence of voice-it-g722: CC-BY-3.0" in first
    with pytest.raises(UserError, match="prompts: --scale and --seed are of soundscapes, tones, spoken_tones"):
        command("prompts", "--scale", "tiny")
    assert command("spoken_tones", "--scale", "tiny") == 0
    assert "synthetic, no sound in it was ever recorded" in capsys.readouterr().out


def test_a_package_without_texts_is_told_and_leaves_nothing(prompts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts.add("voice-xx-g722", {"usr/share/asterisk/sounds/xx_F/a.g722": prompts.g722(1, 1.0)})
    prompts.add("voice-xx", {"usr/share/doc/voice-xx/copyright": b""})
    monkeypatch.setattr(speech_prompts, "VOICES", (Voice("voice-xx-g722", "xx_F", "voice_x", "CC0-1.0"),))
    with pytest.raises(debian.PackageError, match=r"voice-xx.*holds no core-sounds-xx.txt.gz"):
        speech_prompts.prepare()
    with pytest.raises(CorpusMissingError, match=r"run: earmark data prompts$"):
        read_card("prompts")
    assert not (data_root() / ".prompts.partial").exists()


def test_only_known_keys_start_an_entry_inside_a_line() -> None:
    listed = "a: Say no-one: go away.\nb: first b-c: second\nb: again\n"
    assert parse_texts(listed, {"a", "b", "b-c"}) == {"a": "Say no-one: go away.", "b": "first", "b-c": "second"}


def test_fillets_meet_their_lines_by_level_and_name(package_archive: Any, earmark_home: Any) -> None:
    root = "usr/share/games/fillets-ng"
    for number, language in enumerate(("cs", "nl")):
        sounds = {f"{root}/sound/reef/{language}/v-{k}.ogg": ogg(k + 500 * number, 1.0) for k in range(50)}
        sounds[f"{root}/sound/share/borejokes/{language}/m-x.ogg"] = ogg(99 + number, 0.8)
        sounds[f"{root}/sound/reef/{language}/untold.ogg"] = ogg(97 + number, 1.0)
        package_archive.add(f"fillets-ng-data-{language}", sounds)
    scripts = {
        f"{root}/script/reef/dialogs_cs.lua": script("small"),
        f"{root}/script/reef/dialogs_nl.lua": script("big"),
        f"{root}/script/reef/dialogs_de.lua": script("de"),
        f"{root}/script/share/bore_dialogs_cs.lua": b'dialogId("m-x", "font_elk", "A")\n\ndialogStr("Co \\"to\\" je?")',
    }
    package_archive.add("fillets-ng-data", scripts)
    speech_fillets.prepare()
    found = utterances("fillets")
    assert found["cs-reef-v-3"][:3] == (SENTENCES[3], "cs", "cs_small")
    assert found["nl-reef-v-3"][:3] == (SENTENCES[3], "nl", "nl_big")
    assert found["cs-share-m-x"][:3] == ("co to je", "cs", "cs_elk")
    assert len(found) == 101
    assert dropped("fillets") == {"cs": {"no text": 1}, "nl": {"no text": 2}}
    for split in SPLITS:  # both languages say the same here, so each text is in one split of both
        folder = data_root() / "fillets" / "audio" / split
        assert {p.name[3:] for p in folder.glob("cs-reef*")} == {p.name[3:] for p in folder.glob("nl-reef*")}


def script(font: str) -> bytes:
    lines = (
        f'dialogId("v-{k}", "font_{font}", "x \\"y\\" z")\n-- eh\ndialogStr("{t}!")\n\n'
        for k, t in enumerate(SENTENCES)
    )
    return "\n".join(lines).encode()


def test_festvox_texts_lose_their_stress_signs(package_archive: Any, earmark_home: Any) -> None:
    texts = [f"сл+ово {a}, {b}." for a in "абвгд" for b in "еёжзи"]
    files = {f"usr/share/f/wav/ru_{k:04}.wav": package_archive.wav(k, 1.0) for k in range(len(texts))}
    files["usr/share/f/wav/ru_long.wav"] = package_archive.wav(77, 21.0)
    entries = [f'( ru_{k:04} "{text}" )' for k, text in enumerate(texts)] + ['( ru_long "сл+ово" )']
    files["usr/share/f/etc/txt.done.data"] = "\n".join(entries).encode()
    package_archive.add("festvox-ru", files)
    speech_festvox_ru.prepare()
    found = utterances("festvox_ru")
    assert found["ru-0006"][:3] == ("слово б ё", "ru", "nsh")
    assert len(found) == 25
    assert dropped("festvox_ru") == {"ru": {"over 20 s": 1}}
    assert not (data_root() / "festvox_ru" / "phones.tsv").exists()


def test_festvox_phones_count_from_where_silence_was_cut(package_archive: Any, earmark_home: Any) -> None:
    """Half a second of digital silence before each recording, of which 50 ms are left."""
    texts = [f"да {a}т {b}т" for a in "аоуэи" for b in "еёжзи"]
    files = {f"usr/share/f/lab/ru_{k:04}.lab": LABELS for k in range(len(texts))}
    for k in range(len(texts)):
        sound_S = np.random.default_rng(k).normal(0, 0.1, 16_000)
        file = io.BytesIO()
        soundfile.write(file, np.concatenate([np.zeros(8000), sound_S]), 16_000, format="WAV")
        files[f"usr/share/f/wav/ru_{k:04}.wav"] = file.getvalue()
    entries = [f'( ru_{k:04} "{text}" )' for k, text in enumerate(texts)]
    files["usr/share/f/etc/txt.done.data"] = "\n".join(entries).encode()
    package_archive.add("festvox-ru", files)
    speech_festvox_ru.prepare()
    found = read_phones(data_root() / "festvox_ru")
    assert found["ru-0000"][:3] == (
        Phone(0.0, 0.05, "pau"), Phone(0.05, 0.15, "d", 1, "д"), Phone(0.15, 0.25, "a", 1, "а"),
    )  # fmt: skip
    assert "ru-0002" not in found  # жт is not what its labels say: no phones, and it stays


LABELS = b"#\n0.5 125 pau\n0.6 125 d\n0.7 125 a\n0.8 125 a\n0.9 125 t\n1.0 125 e\n1.1 125 t\n1.5 125 pau\n"


def test_stamps_meet_the_line_of_their_language(package_archive: Any, earmark_home: Any) -> None:
    root, files = "usr/share/tuxpaint/stamps/animals", {}
    for k, text in enumerate(SENTENCES):
        files[f"{root}/fish {k}.txt"] = f"A fish.\nro.utf8={text}\nda.utf8={text}\nsw.utf8=samaki\n".encode()
        files |= {f"{root}/fish {k}_desc_ro.ogg": ogg(k, 1.0), f"{root}/fish {k}_desc_da.ogg": ogg(100 + k, 1.0)}
        files[f"{root}/fish {k}_desc_sw.ogg"] = ogg(200, 1.0)
    files[f"{root}/fish 0_desc_da.ogg"] = ogg(300, 2.5)  # the text is too short for it: strict in Danish
    files[f"{root}/fish 0_desc_ro.ogg"] = ogg(301, 2.5)
    files[f"{root}/fish 1.txt"] = b"A fish.\nro.utf8=\n"
    package_archive.add("tuxpaint-stamps-default", files)
    speech_stamps.prepare()
    found = utterances("stamps")
    assert found["ro-animals-fish-5"][:3] == (SENTENCES[5], "ro", "stamps_ro")
    assert {language for _, language, _, _ in found.values()} == {"ro", "da"}
    assert dropped("stamps") == {"da": {"no text": 1, "text too short for its sound": 1}, "ro": {"no text": 1}}


def test_a_broken_download_is_one_line_and_no_apt_get_code_3(
    prompts: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAKE_APT", "fail")
    with pytest.raises(UserError, match=r"apt-get download failed \(E: Connection failed\)"):
        command("prompts")
    monkeypatch.setenv("PATH", "")
    assert command("prompts") == prepare_data.NO_PACKAGE_MANAGER
