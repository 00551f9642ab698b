"""What is to be known of a recording beside its text: which of its channels were heard, which band it lacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from datamodules.run_warning import first_names

MOST_NAMES = 3  # of those that a remark is true of


def sound_remarks(
    *, rate_hz: int, num_channels: int, heard_hz: int, channel: int | None = None, names_channel: bool = True
) -> tuple[str, ...]:
    """Those of a file's own rate and channels; ``heard_hz`` is the recogniser's rate.

    ``channel`` None is the mean of all. ``names_channel`` False means that nobody asked for this ``channel``.
    """
    remarks = []
    if num_channels > 1 and channel is None:
        remarks.append(f"the mean of {num_channels} channels")
    elif num_channels > 1 and not names_channel:
        remarks.append(f"channel {channel} of {num_channels} (from 0), since none is named")
    if rate_hz < heard_hz:
        remarks.append(
            f"{rate_hz} Hz: nothing above {rate_hz / 2:g} Hz, where the recogniser of {heard_hz} Hz listens too"
        )
    return tuple(remarks)


def by_remark(named: Iterable[tuple[str, Sequence[str]]]) -> Iterator[str]:
    """A line a remark, with the first of its names: a list of thousands has few remarks.

    >>> list(by_remark([("a", ["no speech was found"]), ("b", []), ("c", ["no speech was found"])]))
    ['a, c: no speech was found']
    """
    names: dict[str, list[str]] = {}
    for name, remarks in named:
        for remark in remarks:
            names.setdefault(remark, []).append(name)
    for remark, those in names.items():
        number = f" ({len(those)} in all)" if len(those) > MOST_NAMES else ""
        yield f"{first_names(those, MOST_NAMES)}{number}: {remark}"
