"""Sound event data sets in the folders and files in which they are published, with a few seconds of noise in each."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile
from lhotse import CutSet, MonoCut, MultiCut, Recording, SupervisionSegment

ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "esc50": ("--train", "ESC-50-master"),
    "esc10": ("--train", "ESC-50-master", "--format", "esc10"),
    "urban_sed": ("--train", "URBAN-SED", "--format", "urban_sed"),
    "jams": ("--train", "URBAN-SED"),
    "dcase2018": ("--train", "task4", "--format", "dcase2018"),
    "dcase2018_eval": ("--train", "task4", "--format", "dcase2018_eval"),
    "dcase2018_lists": (
        "--train", "task4/metadata/train/weak.csv", "--test", "task4/metadata/eval/eval.csv"
    ),
    "audioset": ("--train", "audioset/balanced_train_segments.csv", "--test", "audioset/eval_segments.csv"),
    "audioset_strong": ("--train", "audioset/audioset_train_strong.tsv"),
    "label_studio": ("--train", "label_studio/export.json"),
    "lhotse": ("--train", "lhotse/cuts.jsonl.gz"),
}  # fmt: skip


def noise(path: Path, seconds: float = 2.0, *, rate_hz: int = 16_000, channels: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples_SC = np.random.default_rng(zlib.crc32(bytes(path))).uniform(-0.3, 0.3, (round(seconds * rate_hz), channels))
    soundfile.write(path, samples_SC, rate_hz)
    return path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def esc50(root: Path) -> None:
    rows = ["filename,fold,target,category,esc10,src_file,take"]
    for fold in range(1, 6):
        for target, category, is_esc10 in ((0, "dog", True), (10, "rain", True), (14, "chirping_birds", False)):
            name = f"{fold}-{fold}{target:02d}-A-{target}.wav"
            rows.append(f"{name},{fold},{target},{category},{is_esc10},{fold}{target:02d},A")
            noise(root / "ESC-50-master" / "audio" / name, rate_hz=44_100)
    write(root / "ESC-50-master" / "meta" / "esc50.csv", "\n".join(rows) + "\n")


def urban_sed(root: Path) -> None:
    for split, count in (("train", 4), ("validate", 2), ("test", 2)):
        for number in range(count):
            name = f"soundscape_{split}_uniform{number}"
            noise(root / "URBAN-SED" / "audio" / split / f"{name}.wav", rate_hz=44_100)
            events = [(0.265813, 0.41016800000000003, "gun_shot"), (1.164048, 0.835952, "dog_bark")]
            lines = "".join(f"{onset}\t{onset + duration}\t{label}\n" for onset, duration, label in events)
            write(root / "URBAN-SED" / "annotations" / split / f"{name}.txt", lines)
            data = [observation(0.0, 2.0, "noise", "background"), *(observation(*of, "foreground") for of in events)]
            annotation = {"namespace": "scaper", "data": data, "annotation_metadata": {}, "sandbox": {}}
            jams = {"annotations": [annotation], "file_metadata": {"duration": 2.0}, "sandbox": {}}
            write(root / "URBAN-SED" / "annotations" / split / f"{name}.jams", json.dumps(jams, indent=2))


def observation(time: float, duration: float, label: str, role: str) -> dict[str, object]:
    return {"time": time, "duration": duration, "confidence": 1.0, "value": {"label": label, "role": role, "snr": 9.0}}


def dcase2018(root: Path) -> None:
    lists = {
        "train/weak": "filename\tevent_labels",
        "train/unlabel_in_domain": "filename",
        "train/unlabel_out_of_domain": "filename",
        "test/test": "filename\tonset\toffset\tevent_label",
        "eval/eval": "filename\tonset\toffset\tevent_label",
    }
    rest = {"train/weak": "\t{}", "test/test": "\t0.5\t1.25\t{}", "eval/eval": "\t0.0\t2.0\t{}"}
    for part, heading in lists.items():
        folder = root / "task4" / "audio" / (part if part.startswith("train") else part.split("/")[0])
        video = "Y" + part.split("/")[1].replace("_", "-")[-11:]
        rows = [heading]
        for number in range(6 if part == "train/weak" else 2):
            noise(folder / f"{video}_{number}.000_{number + 2}.000.wav", rate_hz=44_100)
            label = ("Dog", "Speech")[number % 2]
            rows.append(f"{video}_{number}.000_{number + 2}.000.wav" + rest.get(part, "").format(label))
        rows.append(f"{video}_90.000_100.000.wav" + rest.get(part, "").format("Dog"))  # a video that is gone
        write(root / "task4" / "metadata" / f"{part}.csv", "\n".join(rows) + "\n")


def audioset(root: Path) -> None:
    names = 'index,mid,display_name\n0,/m/09x0r,"Speech"\n1,/m/05zppz,"Male speech, man speaking"\n'
    write(root / "audioset" / "class_labels_indices.csv", names)
    strong = "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n"
    for split, count in (("balanced_train", 6), ("eval", 2)):
        text = "# Segments csv created Sun Mar  5 10:54:25 2017\n# num_ytids=6\n"
        text += "# YTID, start_seconds, end_seconds, positive_labels\n"
        for number in range(count):
            video = f"-{split[:4]}FKhb_{number}"
            text += f'{video}, 30.000, 32.000, "{("/m/09x0r", "/m/05zppz,/m/09x0r")[number % 2]}"\n'
            strong += f"{video}_30000\t0.5\t1.25\t{('/m/09x0r', '/m/05zppz')[number % 2]}\n"
            noise(root / "audioset" / split / f"Y{video}.wav", rate_hz=32_000)
        write(root / "audioset" / f"{split}_segments.csv", text + 'gone_-_gone, 0.000, 10.000, "/m/09x0r"\n')
    write(root / "audioset" / "audioset_train_strong.tsv", strong)


def label_studio(root: Path) -> None:
    tasks = []
    for number in range(8):
        noise(root / "label_studio" / "audio" / f"yard {number}.flac", rate_hz=22_050, channels=2)
        value = {"start": 0.25, "end": 1.5, "channel": 0, "labels": [("dog", "rain")[number % 2]]}
        result = {"type": "labels", "from_name": "label", "to_name": "audio", "value": value, "original_length": 2.0}
        done = {"id": number, "was_cancelled": False, "result": [result], "updated_at": "2024-01-30T02:40:43Z"}
        skipped = {"id": 99, "was_cancelled": True, "result": [], "updated_at": "2024-01-31T02:40:43Z"}
        audio = f"/data/upload/2/{number}f5a7c1e-yard%20{number}.flac"
        tasks.append({"id": number, "data": {"audio": audio}, "annotations": [done, skipped][: 1 + (number == 0)]})
    write(root / "label_studio" / "export.json", json.dumps(tasks, indent=1))


def lhotse(root: Path) -> None:
    cuts = []
    for number in range(8):
        audio = noise(root / "lhotse" / "audio" / f"{number}.wav", rate_hz=8_000, channels=2)
        recording = Recording.from_file(audio, recording_id=f"rec{number}")
        event = SupervisionSegment(f"e{number}", recording.id, 0.25, 1.0, channel=[0, 1], custom={"label": "dog"})
        cuts.append(MultiCut(f"c{number}", 0.0, 2.0, [0, 1], supervisions=[event], recording=recording))
        cuts.append(MonoCut(f"d{number}", 0.5, 1.5, 1, supervisions=[], recording=recording))
    CutSet.from_cuts(cuts).to_file(root / "lhotse" / "cuts.jsonl.gz")


def write_all(root: Path) -> None:
    for layout in (esc50, urban_sed, dcase2018, audioset, label_studio, lhotse):
        layout(root)
