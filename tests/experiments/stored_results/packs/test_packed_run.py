"""Which files of a run travel in a pack: what each of its decoders fitted among them; no pictures, nothing deeper."""

from __future__ import annotations

import pytest

from experiments.stored_results.packs import layout
from experiments.stored_results.packs.packed_run import _is_wanted

KEY = "0123456789abcdef"


@pytest.mark.parametrize(
    ("name", "travels"),
    [
        ("scores/decoding.json", True),
        ("scores/joint_lm/decoding.json", True),
        ("scores/joint_lm/scores.json", False),
        ("scores/joint_lm/deeper/decoding.json", False),
        ("scores/xdecoding.json", True),
        ("scores/pictures/attention.png", False),
        ("scores/errors_test.csv", True),
        ("predictions/test.npz", False),
        ("log.txt", False),
    ],
)
def test_what_is_packed_of_a_run_is_what_a_pack_may_hold(name: str, travels: bool) -> None:
    assert _is_wanted(name, "none", curves=False) is travels
    if travels:
        assert layout.is_known(f"runs/{KEY}/{name}")


def test_of_a_decoders_folder_a_pack_holds_nothing_else() -> None:
    assert not layout.is_known(f"runs/{KEY}/scores/joint_lm/errors_test.csv")
    assert not layout.is_known(f"runs/{KEY}/scores/../decoding.json")
    assert not layout.is_known(f"runs/{KEY}/scores/a/b/decoding.json")
