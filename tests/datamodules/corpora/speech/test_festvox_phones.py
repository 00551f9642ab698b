"""Letters meet the phones that say them: by hand, and against every way there is."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datamodules.corpora.speech import festvox_phones
from datamodules.corpora.speech.festvox_phones import parse_labels, spelt_phones
from datamodules.phones import Phone

INFINITY = float("inf")


def phones(names: str) -> list[Phone]:
    return [Phone(place / 10, (place + 1) / 10, name) for place, name in enumerate(names.split())]


def test_labels_are_read_from_the_end_of_one_phone_to_the_next_and_silences_are_one() -> None:
    listed = "#\n0.34200 125 pau\n0.39200 125 k\n0.5 125 pau\n0.6 125 pau\n"
    assert parse_labels(listed) == [Phone(0, 0.342, "pau"), Phone(0.342, 0.392, "k"), Phone(0.392, 0.6, "pau")]
    assert parse_labels("#\n") == []


@pytest.mark.parametrize(
    ("text", "said", "letters"),
    [
        ("корреспондент", "k ay rr ae s p a n dd ee n t", "к о рр е с п о н д е н т"),
        ("в лес с ним", "v ll ee s pau s nn ii m", "1в 2л 2е 2с 0 3с 4н 4и 4м"),
        ("солнце", "s oo n c ay", "с ол н ц е"),
        ("её", "j ae j oo", "- е - ё"),
        ("объём", "ay b j oo m", "о бъ - ё м"),
    ],
)
def test_russian_is_written_as_it_is_said(text: str, said: str, letters: str) -> None:
    found = spelt_phones(text, phones(said))
    assert found is not None
    for phone, expected in zip(found, letters.split(), strict=True):
        word, own = (int(expected[0]), expected[1:]) if expected[0].isdigit() else (1, expected)
        assert (phone.word, phone.letters) == (word, "" if own == "-" else own)


def test_phones_of_another_text_are_none() -> None:
    assert spelt_phones("здравствуйте", phones("pau m a m a pau")) is None
    assert spelt_phones("да", phones("pau")) is None


@settings(max_examples=60, deadline=None)
@given(
    text=st.text("аетьс ", min_size=1, max_size=5).map(lambda text: " ".join(text.split())).filter(bool),
    said=st.lists(st.sampled_from(["a", "ay", "e", "j", "t", "tt", "s", "pau"]), min_size=1, max_size=5),
)
def test_no_other_way_costs_less(text: str, said: list[str]) -> None:
    spoken = [place for place, name in enumerate(said) if name != "pau"]
    letters = [(letter, number) for number, word in enumerate(text.split(), start=1) for letter in word]

    @cache
    def least(p: int, u: int) -> float:  # the cost of all that comes after p phones and u letters
        if p == len(spoken) and u == len(letters):
            return 0.0
        starts = u == 0 or (u < len(letters) and letters[u][1] != letters[u - 1][1])
        ways = [INFINITY]
        if p < len(spoken):
            name, paused = said[spoken[p]], spoken[p] > 0 and said[spoken[p] - 1] == "pau"
            inside = festvox_phones._OVER_PAUSE if paused and u and not starts else 0.0
            if u < len(letters):
                ways.append(inside + festvox_phones._said(letters[u][0], name) + least(p + 1, u + 1))
                ways.append(inside + festvox_phones._extra(letters[u][0], name) + least(p + 1, u))
            else:
                ways.append(inside + festvox_phones._EXTRA + least(p + 1, u))
        if u < len(letters) and not starts:
            ways.append(festvox_phones._silent(letters[u][0], letters[u - 1][0]) + least(p, u + 1))
        return min(ways)

    cost = least(0, 0)
    args = ([Phone(0, 0, said[place]) for place in spoken], letters)
    pauses = [place > 0 and said[place - 1] == "pau" for place in spoken]
    if cost < INFINITY:
        assert festvox_phones._cheapest(*args, pauses, most=cost + 1e-9) is not None
    if cost > 0:
        assert festvox_phones._cheapest(*args, pauses, most=cost - 1e-6 if cost < INFINITY else 1e9) is None
