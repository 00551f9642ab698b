"""From the phone labels of ``festvox_ru`` to the phones of each word and the letters that they say.

A label file has a line a phone, ``END_SECONDS 125 PHONE`` after ``#``; ``pau`` is silence. Its times lie 10 ms apart: a
synthesiser's aligner set them, no hand, so errors below that are not to be told. Words are not marked. Russian
is written nearly as it is said, so letters and phones are aligned by least cost: a letter costs nothing with a phone
that it may stand for, less within its own kind (vowel, consonant) than outside; signs and doubled letters go with the
phone before. An utterance whose letters and phones disagree in one sound and ``WORST_SHARE`` of its letters gets none.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from datamodules.phones import Phone

SILENCE = "pau"
WORST_SHARE = 0.15
ONE_SOUND = 1.5
_HARD = {
    "б": "b p", "в": "v f", "г": "g k v h", "д": "d t c", "ж": "zh sh", "з": "z s zh sh", "к": "k g h", "л": "l",
    "м": "m", "н": "n", "п": "p b", "р": "r", "с": "s z sh zh sch", "т": "t d c ch", "ф": "f v", "х": "h g",
    "ц": "c", "ч": "ch sh zh", "ш": "sh zh", "щ": "sch sh", "й": "j",
}  # fmt: skip
_VOWELS = {
    "а": "a aa ay ae", "о": "oo a aa ay", "у": "u uu ur", "ы": "y yy i ay", "э": "e ee i ae y ay",
    "и": "i ii y yy ae ay", "е": "e ee i ae ay y yy", "ё": "oo ay e", "ю": "u uu ur", "я": "a aa ae ay i y",
}  # fmt: skip
_PHONES = {
    **{letter: {*said.split(), *(2 * one for one in said.split())} for letter, said in _HARD.items()},
    **{letter: set(said.split()) for letter, said in _VOWELS.items()},
}
_VOWEL_PHONES = set.union(*(_PHONES[letter] for letter in _VOWELS))
_SIGNS = "ьъ"
_IOTATED = "еёюяиьъ"  # a j may come before these
_OTHER, _FOREIGN, _SILENT, _EXTRA, _OVER_PAUSE = 1.0, 4.0, 1.2, 1.5, 6.0  # costs


def parse_labels(listed: str) -> list[Phone]:
    """Phones in order, each from the end of the one before; neighbouring silences are one.

    >>> [tuple(phone[:3]) for phone in parse_labels("#\\n0.2 125 pau\\n0.3 125 k\\n")]
    [(0.0, 0.2, 'pau'), (0.2, 0.3, 'k')]
    """
    fields = [line.split() for line in listed.splitlines()]
    ends = [(float(of_line[0]), of_line[2]) for of_line in fields if len(of_line) == 3]
    phones: list[Phone] = []
    for (start, _), (end, name) in pairwise([(0.0, ""), *ends]):
        if phones and name == phones[-1].name == SILENCE:
            phones[-1] = phones[-1]._replace(end_seconds=end)
        else:
            phones.append(Phone(start, end, name))
    return phones


def spelt_phones(text: str, phones: Sequence[Phone]) -> tuple[Phone, ...] | None:
    """The phones with their words and letters; None where they do not say ``text``.

    >>> said = [Phone(k / 10, (k + 1) / 10, name) for k, name in enumerate("pau d a pau j e ll".split())]
    >>> [(phone.word, phone.letters) for phone in spelt_phones("да ель", said)]
    [(0, ''), (1, 'д'), (1, 'а'), (0, ''), (2, ''), (2, 'е'), (2, 'ль')]
    """
    letters = [(letter, number) for number, word in enumerate(text.split(), start=1) for letter in word]
    spoken = [place for place, phone in enumerate(phones) if phone.name != SILENCE]
    steps = _cheapest(
        [phones[place] for place in spoken],
        letters,
        _pauses(phones, spoken),
        most=ONE_SOUND + WORST_SHARE * len(letters),
    )
    if steps is None:
        return None
    found = list(phones)
    for place, (word, said) in zip(spoken, steps, strict=True):
        found[place] = found[place]._replace(word=word, letters=said)
    return tuple(found)


def _pauses(phones: Sequence[Phone], spoken: Sequence[int]) -> list[bool]:
    """Whether silence comes before each spoken phone."""
    return [place > 0 and phones[place - 1].name == SILENCE for place in spoken]


_Own = tuple[int, str]  # a word's number, and the letters of it


def _cheapest(
    phones: Sequence[Phone], letters: Sequence[tuple[str, int]], after_pause: Sequence[bool], *, most: float
) -> list[_Own] | None:
    """For each phone its word and letters, by a dynamic program over (phones read, letters read).

    None where that costs more than ``most``: what is dearer on the way is not followed.
    """
    num_phones, num_letters = len(phones), len(letters)
    infinity = float("inf")
    best = [[infinity] * (num_letters + 1) for _ in range(num_phones + 1)]
    came = [[""] * (num_letters + 1) for _ in range(num_phones + 1)]
    best[0][0] = 0.0
    for p in range(num_phones + 1):
        for u in range(num_letters + 1):
            here = best[p][u]
            if here > most:
                continue
            starts = u == 0 or (u < num_letters and letters[u][1] != letters[u - 1][1])
            if p < num_phones:
                inside = _OVER_PAUSE if after_pause[p] and not starts and u else 0.0
                if u < num_letters:
                    _offer(best, came, p + 1, u + 1, here + inside + _said(letters[u][0], phones[p].name), "both")
                    _offer(best, came, p + 1, u, here + inside + _extra(letters[u][0], phones[p].name), "phone")
                else:
                    _offer(best, came, p + 1, u, here + inside + _EXTRA, "phone")
            if u < num_letters and not starts:  # a word's first letter has a phone of its own
                _offer(best, came, p, u + 1, here + _silent(letters[u][0], letters[u - 1][0]), "letter")
    return _owners(came, letters, num_phones) if best[num_phones][num_letters] <= most else None


def _offer(best: list[list[float]], came: list[list[str]], p: int, u: int, cost: float, step: str) -> None:
    if cost < best[p][u]:
        best[p][u], came[p][u] = cost, step


def _said(letter: str, phone: str) -> float:
    """What it costs that a phone says a letter."""
    if phone in _PHONES.get(letter, ()):
        return 0.0
    alike = (letter in _VOWELS) == (phone in _VOWEL_PHONES) and letter not in _SIGNS
    return _OTHER if alike else _FOREIGN


def _extra(letter: str, phone: str) -> float:
    """What a phone costs that says the beginning of the next letter: the j of е."""
    return 0.0 if phone == "j" and letter in _IOTATED else _EXTRA


def _silent(letter: str, before: str) -> float:
    """What a letter without a phone of its own costs: signs and doubled letters nothing."""
    return 0.0 if letter in _SIGNS or letter == before else _SILENT


def _owners(came: list[list[str]], letters: Sequence[tuple[str, int]], num_phones: int) -> list[_Own]:
    """Read the cheapest way back; a letter that is silent goes with the phone before it."""
    own: list[_Own] = [(0, "")] * num_phones
    p, u, silent = num_phones, len(letters), ""
    while p or u:
        step = came[p][u]
        if step == "letter":
            silent = letters[u - 1][0] + silent
            u -= 1
        elif step == "phone":
            p -= 1
            # Before a letter of its own, or after the word's last one.
            own[p] = (letters[min(u, len(letters) - 1)][1], silent)
            silent = ""
        else:
            p, u = p - 1, u - 1
            own[p] = (letters[u][1], letters[u][0] + silent)
            silent = ""
    return own
