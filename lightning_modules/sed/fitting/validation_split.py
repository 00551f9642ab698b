"""The door to everything that is fitted on labels: a validation split, and nothing else, comes through it."""

from __future__ import annotations

from dataclasses import dataclass

from datamodules.annotations import ClipReferences


@dataclass(frozen=True)
class ValidationSplit:
    """References that may be fitted on.

    Raises ``ValueError`` for those of any other split, and for those that name none: fitting on test labels makes test
    scores meaningless.
    """

    references: ClipReferences

    def __post_init__(self) -> None:
        if (split := self.references.split) != "validation":
            raise ValueError(f"fitting was given the references of the split {split!r}, allowed: 'validation'")
