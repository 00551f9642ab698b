"""The end of a training whose figures are no numbers any more: one line that says when, which loss and for what."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

HELP = "lower model.optimizer.lr or set trainer.gradient_clip_val"


class DivergedError(ValueError):
    """A figure that is NaN or infinite, from which no training comes back."""


def check_finite(figures_B: Tensor, *, names: Sequence[str], what: str, loss: str, epoch: int, step: int) -> None:
    """Raises ``DivergedError`` naming the first clips or utterances (``what``) whose figures, (B, ...), are not finite.

    ``loss`` is the name of what is computed from them. Costs one wait for the device.
    """
    good_B = figures_B.isfinite().flatten(1).all(1) if figures_B.ndim > 1 else figures_B.isfinite()
    if bool(good_B.all()):
        return
    wrong = [name for name, good in zip(names, good_B.tolist(), strict=True) if not good]
    raise DivergedError(
        f"epoch {epoch}, step {step}: {loss} is no number for {len(wrong)} of {len(good_B)} {what}: "
        f"{', '.join(wrong[:3])}{', …' if len(wrong) > 3 else ''}; {HELP}"
    )
