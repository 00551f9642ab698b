"""AdamW whose learning rate falls from layer to layer of a pretrained encoder, from the top down.

Lower layers hold what all speech has and are to change least: ULMFiT's discriminative fine-tuning (Howard & Ruder 2018,
arXiv 1801.06146, section 3.2, a division by 2.6 a layer), as BERT is fine-tuned (Sun et al. 2019, arXiv 1905.05583:
times .95 a layer). A parameter with k transformer layers above its own learns at

    rate · top_factor · layer_decay ** k

where ``rate`` is the optimiser's as its schedule has it; parameters that are of no pretrained layer (a recurrent layer
on top, the output layer) learn at ``rate``. The factors multiply at every step: OneCycleLR gives all groups one
``max_lr``, so that rates written into the groups would be lost with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

_ABOVE = "num_layers_above"  # an attribute of a parameter: an optimiser is given parameters, without their names
FACTOR = "layer_factor"  # of a parameter group


def say_layers_above(model: nn.Module, layers: Iterable[nn.Module], *, closing: Iterable[nn.Module]) -> None:
    """Tell every parameter of ``model`` how many of its ``layers`` (from the input on) lie above its own.

    ``closing`` modules stand behind the last layer and have none above; what is in neither stands before the first.
    """
    from_the_input = list(layers)
    for parameter in model.parameters():
        setattr(parameter, _ABOVE, len(from_the_input))
    for above, layer in enumerate(reversed(from_the_input)):
        for parameter in layer.parameters():
            setattr(parameter, _ABOVE, above)
    for module in closing:
        for parameter in module.parameters():
            setattr(parameter, _ABOVE, 0)


class LayerwiseAdamW(torch.optim.AdamW):
    """AdamW with ``layer_decay`` a layer, in (0, 1], and ``top_factor`` for the topmost pretrained layer, above 0.

    Raises ``ValueError`` where these are out of range, and where no parameter that trains is of a pretrained layer.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        *,
        lr: float,
        layer_decay: float,
        top_factor: float = 1.0,
        weight_decay: float = 0.01,
    ) -> None:
        if not 0 < layer_decay <= 1:
            raise ValueError(f"layer_decay {layer_decay}, allowed: above 0, up to 1 (1: every layer alike)")
        if not 0 < top_factor < float("inf"):
            raise ValueError(f"top_factor {top_factor}, allowed: above 0")
        by_depth: dict[int | None, list[nn.Parameter]] = {None: []}
        for parameter in params:
            by_depth.setdefault(getattr(parameter, _ABOVE, None), []).append(parameter)
        if not any(one.requires_grad for depth, of in by_depth.items() if depth is not None for one in of):
            raise ValueError(
                "layer_decay: no pretrained layer trains; allowed: with the encoder "
                "lightning_modules.layers.pretrained_layers.PretrainedLayers, frozen: false"
            )
        factors = {depth: 1.0 if depth is None else top_factor * layer_decay**depth for depth in by_depth}
        groups = [{"params": of, FACTOR: factors[depth]} for depth, of in by_depth.items() if of]
        super().__init__(groups, lr=lr, weight_decay=weight_decay)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of AdamW, each group at its own share of the rate."""
        rates = [group["lr"] for group in self.param_groups]
        for group in self.param_groups:
            group["lr"] *= group[FACTOR]
        try:
            return super().step(closure)
        finally:
            for group, rate in zip(self.param_groups, rates, strict=True):
                group["lr"] = rate
