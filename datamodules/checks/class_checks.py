"""What can be wrong with the classes of sound events across clips: unknown ones, two spellings of one, too few clips.

When two names are one name misspelt:

- always where they differ in case, outer or repeated blanks, or blanks against underscores and hyphens alone;
- else where they are close (``difflib`` at least .8, two letters changed at most, digits the same: ``take 1`` and
  ``take 2`` are two) *and* one is at most a quarter as frequent as the other: ``speach`` beside ``speech``. Names of
  like frequency are taken for two classes, and so are two that ``--classes`` lists.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from difflib import SequenceMatcher, get_close_matches
from itertools import combinations

from datamodules.checks.checked_clips import CheckedClip
from datamodules.checks.event_checks import placed_events
from datamodules.checks.findings import NUM_EXAMPLES, Finding, finding, said

MIN_LETTERS = 4  # of names that are compared letter by letter: cat and car are two animals
MIN_RATIO = 0.8
MAX_EDITS = 2
MAX_RARITY = 0.25  # the rarer's frequency to the commoner's


def unknown_labels(clips: Sequence[CheckedClip], *, classes: Collection[str]) -> Finding | None:
    """Labels outside the declared classes, each with a class that may be meant."""
    known = frozenset(classes)
    unknown = [one for one in clips if not one.entry.labels <= known]
    counts = Counter(label for one in unknown for label in one.entry.labels - known)
    listed = ", ".join(f"{label!r} ({count}){_hint(label, classes)}" for label, count in counts.most_common(8))
    return finding(
        "unknown_labels", "error", f"labels that are no class: {listed}", unknown,
        lambda one: ", ".join(sorted(one.entry.labels - known)),
    )  # fmt: skip


def misspelt_labels(clips: Sequence[CheckedClip], *, classes: Collection[str] = ()) -> Finding | None:
    """Labels that seem to be another one misspelt; pairs of which ``classes`` declares both are two classes."""
    counts = label_counts(clips)
    pairs = [pair for pair in near_misses(counts) if not set(pair) <= set(classes)]
    if not pairs:
        return None
    first = _first_places(clips, {rare for rare, _ in pairs})
    examples = [
        said(first[rare], f"{rare!r} ({counts[rare]}) beside {common!r} ({counts[common]})") for rare, common in pairs
    ]
    what = "labels that differ in case, blanks or a letter from a commoner one"
    return Finding("misspelt_labels", "warning", len(pairs), what, tuple(examples[:NUM_EXAMPLES]))


def _first_places(clips: Sequence[CheckedClip], labels: Collection[str]) -> dict[str, str]:
    """Where each label stands first."""
    first: dict[str, str] = {}
    for one in clips:
        for label in one.entry.labels & set(labels) - first.keys():
            of_event = (each.place for each in placed_events(one) if each.event.label == label)
            first[label] = said(next(of_event, one.entry.place), one.name)
    return first


def near_misses(counts: Counter[str]) -> list[tuple[str, str]]:
    """(rarer, commoner) of the pairs that seem to be one name, by the rule of this file.

    >>> near_misses(Counter({"speech": 9, "speach": 1, "Dog": 4, "dog": 5, "door": 9, "floor": 1}))
    [('Dog', 'dog'), ('speach', 'speech')]
    >>> near_misses(Counter({"male_speech": 9, "female_speech": 8, "take 1": 1, "take 2": 9, "cat": 1, "car": 9}))
    []
    """
    found, plain = [], {label: _plain(label) for label in counts}
    for pair in combinations(sorted(counts), 2):
        rare, common = sorted(pair, key=lambda label: counts[label])
        one, other = plain[rare], plain[common]
        is_rare = counts[rare] <= MAX_RARITY * counts[common]
        if one == other or (is_rare and _is_close(one, other)):
            found.append((rare, common))
    return found


def label_counts(clips: Sequence[CheckedClip]) -> Counter[str]:
    """How often each label stands: its events, and its tags where a clip has no events."""
    counts: Counter[str] = Counter()
    for one in clips:
        if one.entry.events is not None:
            counts.update(event.label for event in one.entry.events)
        else:
            counts.update(one.entry.tags or ())
    return counts


def absent_classes(
    clips: Sequence[CheckedClip], *, classes: Collection[str], splits: Collection[str]
) -> Finding | None:
    """Classes of which one of ``splits`` has no clip: not learnt, not chosen by, or not tested."""
    having = {split: {label for one in clips if one.split == split for label in one.entry.labels} for split in splits}
    lacking = {label: [split for split in splits if label not in having[split]] for label in sorted(classes)}
    examples = [f"{label}: none in {', '.join(of)}" for label, of in lacking.items() if of]
    if not examples:
        return None
    what = f"classes without an example in a split ({', '.join(splits)})"
    return Finding("absent_classes", "warning", len(examples), what, tuple(examples[:NUM_EXAMPLES]))


def _plain(label: str) -> str:
    """A name without what people write now this way, now that."""
    return re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFKC", label)).strip().casefold()


def _is_close(one: str, other: str) -> bool:
    if min(len(one), len(other)) < MIN_LETTERS or re.findall(r"\d+", one) != re.findall(r"\d+", other):
        return False
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    if matcher.quick_ratio() < MIN_RATIO or matcher.ratio() < MIN_RATIO:
        return False
    edits = sum(max(i2 - i1, j2 - j1) for what, i1, i2, j1, j2 in matcher.get_opcodes() if what != "equal")
    return edits <= MAX_EDITS


def _hint(label: str, classes: Collection[str]) -> str:
    plain = {_plain(known): known for known in classes}
    close = get_close_matches(_plain(label), plain, n=1, cutoff=MIN_RATIO)
    return f" (is it {plain[close[0]]!r}?)" if close else ""
