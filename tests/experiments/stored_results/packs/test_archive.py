"""Packs are the same bytes for the same files, and whatever a stranger wrote is refused in one line."""

from __future__ import annotations

import io
import json
import lzma
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.errors import UserError
from experiments.stored_results.packs import archive, layout
from experiments.stored_results.packs.archive import read_archive, write_archive
from experiments.stored_results.packs.packed_store import check_curves

RUN = "runs/0123456789abcdef"
FILES = {"plan.json": b"{}", f"{RUN}/run.json": b"{}", f"{RUN}/scores/events_test.tsv": b"a\tb\n" * 50}


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    path = tmp_path / "a.tar.xz"
    write_archive(path, FILES)
    return path


def _tar(path: Path, members: Sequence[tuple[tarfile.TarInfo, bytes]], *, packed: bool = True) -> Path:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for info, data in members:
            info.size = len(data) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(data))
    path.write_bytes(lzma.compress(stream.getvalue()) if packed else stream.getvalue())
    return path


def _members(files: dict[str, bytes] | None = None) -> list[tuple[tarfile.TarInfo, bytes]]:
    """The members of a good pack of these files, to be spoilt."""
    files = FILES if files is None else files
    return [(tarfile.TarInfo(layout.MANIFEST), archive._manifest(files)),
            *((tarfile.TarInfo(name), data) for name, data in files.items())]  # fmt: skip


def _refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_archive(path)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path}: ")


def test_what_was_written_is_read(pack: Path) -> None:
    found = read_archive(pack)
    assert found.files == FILES
    assert len(found.digest) == 64


def test_the_same_files_are_the_same_bytes_in_whatever_order(pack: Path, tmp_path: Path) -> None:
    digest = write_archive(tmp_path / "b.tar.xz", dict(reversed(FILES.items())))
    assert (tmp_path / "b.tar.xz").read_bytes() == pack.read_bytes()
    assert digest == read_archive(pack).digest


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", f"{RUN}/../../x", f"{RUN}/log.txt", "C:\\x", f"{RUN}/scores/a\n.csv"]
)
def test_a_name_that_no_pack_has_is_refused(name: str, tmp_path: Path) -> None:
    assert "which no pack has" in _refusal(_tar(tmp_path / "a", [*_members(), (tarfile.TarInfo(name), b"x")]))
    assert "which no pack has" in _refusal(_tar(tmp_path / "a", _members({**FILES, name: b"x"})))
    with pytest.raises(UserError, match="does not go into a pack"):
        write_archive(tmp_path / "b", {name: b""})


def test_weights_have_two_names_and_no_pickle_has_one() -> None:
    assert all(layout.is_known(f"{RUN}/checkpoints/best.{kind}") for kind in ("safetensors", "json"))
    for name in ("checkpoints/best.ckpt", "checkpoints/last.ckpt", "checkpoints/last.safetensors", "best.safetensors",
                 "checkpoints/x/best.json", "scores/best.safetensors", "checkpoints/best.safetensors/x"):  # fmt: skip
        assert not layout.is_known(f"{RUN}/{name}"), name


def test_a_file_that_no_pack_may_hold_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "MOST_BYTES_OF_A_FILE", 500)
    large = {**FILES, f"{RUN}/checkpoints/best.safetensors": bytes(501)}
    with pytest.raises(UserError, match=r"best\.safetensors is of 501 bytes; a file of a pack has 500 at most"):
        write_archive(tmp_path / "a", large)
    assert not list(tmp_path.iterdir())
    write_archive(tmp_path / "a", {**large, f"{RUN}/checkpoints/best.safetensors": bytes(500)})


@given(st.text(alphabet=st.sampled_from("./\\abc0123456789defruns~-_ \n\0é"), max_size=60))
def test_no_name_leaves_its_folder(name: str) -> None:
    for candidate in (name, f"{RUN}/{name}", f"{RUN}/scores/{name}.csv", f"{RUN}/predictions/{name}"):
        if layout.is_known(candidate):
            parts = Path(candidate).parts
            assert not Path(candidate).is_absolute()
            assert not {"..", "."} & set(parts)
            assert candidate == "/".join(parts)
            assert candidate.isascii()
            assert candidate.isprintable()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_what_is_no_plain_file_is_refused(kind: bytes, tmp_path: Path) -> None:
    info = tarfile.TarInfo(f"{RUN}/scores/sentences.csv")
    info.type, info.linkname = kind, "/etc/passwd"
    assert "no plain file" in _refusal(_tar(tmp_path / "a", [*_members(), (info, b"")]))


def test_a_bomb_is_stopped_while_it_unpacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "FREE_BYTES", 10_000)
    bomb = {f"{RUN}/scores/sentences.csv": bytes(50_000_000)}
    path = _tar(tmp_path / "a", _members(bomb))
    assert path.stat().st_size < 10_000
    assert "unpacks to more than" in _refusal(path)


def test_a_size_that_a_header_makes_up_is_not_believed(tmp_path: Path) -> None:
    info = tarfile.TarInfo("plan.json")
    info.size = 10 * 2**30
    manifest = _tar(tmp_path / "m", _members()[:1], packed=False).read_bytes()[:-1024].rstrip(b"\0")
    whole = manifest + bytes(-len(manifest) % 512) + info.tobuf(tarfile.GNU_FORMAT) + b"{}"
    path = tmp_path / "a"
    path.write_bytes(lzma.compress(whole))
    assert "is of 10,737,418,240 bytes" in _refusal(path)


@pytest.mark.parametrize("spoil", [lambda data: data[: len(data) // 2], lambda data: data[:-1], lambda _: b""])
def test_a_pack_that_was_cut_off_is_refused(spoil: Callable[[bytes], bytes], pack: Path) -> None:
    pack.write_bytes(spoil(pack.read_bytes()))
    assert "cut off" in _refusal(pack)


def test_a_flipped_bit_is_refused(pack: Path) -> None:
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.write_bytes(bytes(data))
    assert "nothing was taken from it" in _refusal(pack)


def test_bytes_behind_the_end_are_refused(pack: Path) -> None:
    pack.write_bytes(pack.read_bytes() + lzma.compress(b"more"))
    assert "goes on behind its end" in _refusal(pack)


def test_another_digest_size_or_a_lacking_file_is_refused(tmp_path: Path) -> None:
    manifest, plan, *others = _members()
    changed = (tarfile.TarInfo("plan.json"), b"[]")
    assert "plan.json is not what the manifest says" in _refusal(_tar(tmp_path / "a", [manifest, changed, *others]))
    assert "lacks 1 of the files" in _refusal(_tar(tmp_path / "a", [manifest, *others]))
    assert "holds 'plan.json' twice" in _refusal(_tar(tmp_path / "a", [manifest, plan, plan, *others]))
    assert "begins with 'plan.json'" in _refusal(_tar(tmp_path / "a", [plan, manifest, *others]))
    assert "does not name" in _refusal(
        _tar(tmp_path / "a", [(tarfile.TarInfo("manifest.json"), archive._manifest({})), plan])
    )


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (
            {"format": "earmark results", "version": 2, "files": {}},
            "is of version 2 of the format; this earmark reads 1",
        ),
        ({"format": "something", "version": 1, "files": {}}, "is damaged, or it is no pack of results"),
        ({"format": "earmark results", "version": 1, "files": [1]}, "is damaged, or it is no pack of results"),
        ([], "is damaged, or it is no pack of results"),
    ],
)
def test_another_format_or_version_is_refused(document: object, says: str, tmp_path: Path) -> None:
    info = tarfile.TarInfo("manifest.json")
    assert says in _refusal(_tar(tmp_path / "a", [(info, json.dumps(document).encode())]))


def test_a_file_that_is_no_pack_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"PK\3\4" * 100)
    assert "is no xz file" in _refusal(tmp_path / "a")
    (tmp_path / "b").write_bytes(lzma.compress(b"no tar" * 1000))
    assert "damaged archive" in _refusal(tmp_path / "b")
    assert "No such file" in _refusal(tmp_path / "none")


def test_curves_that_unpack_to_more_than_a_file_may_have_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    np.savez_compressed(file, scores=np.zeros(1000))
    check_curves(file)
    monkeypatch.setattr(layout, "MOST_BYTES_OF_A_FILE", 4000)
    with pytest.raises(ValueError, match="at most 4000"):
        check_curves(file)
    with pytest.raises(ValueError, match=r"curve_statistics\.npz"):
        check_curves(io.BytesIO(b"not an archive"))
