"""FSL + refinement: frames learn the labels that the network of the round before leaves of the tags.

``Y_tc = y_c [r_tc ≥ share · max_t r_tc]``, r the curves of the row under ``from: {labels: …}``, and
``loss = mean over t, c of BCE(Y_tc, ŷ_tc)``; round 0 is false strong labelling. The round before must have learnt from
tags alone, so that the chain never sees when anything happens; its network hears each training clip as this one does,
without dropout, and does not train. Clip probability = mean over frames, as FSL's.
Relabelling as in Harb & Pernkopf's self-adaptive label refinement (arXiv 1810.06897), in which one network adapts to
its own curves while it trains; here each round begins anew from the curves of one that has ended.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lightning_modules.layers.labelled_features import LabelledFeatures
from lightning_modules.layers.log_mel import frame_mask
from lightning_modules.layers.pooling import mean_pool
from lightning_modules.losses.refined_labels import refined_labels
from lightning_modules.losses.strong import frame_loss
from lightning_modules.sed.detection import Detection
from lightning_modules.sed.weakly_supervised import FROM_TAGS, WeaklySupervised

LABELLING = ("encoder", "classifier")  # what makes the curves


class RefinedLabels(WeaklySupervised):
    """A further round of FSL. ``share`` of a class's loudest frame is what a frame must reach to keep its label.

    Raises ``ValueError`` for a share that is not between 0 and 1.
    """

    def __init__(self, *, share: float = 0.5, **shared: Any) -> None:
        super().__init__(**shared)
        if not 0 <= share <= 1:
            raise ValueError(f"share must lie within 0 and 1, got {share}")
        self.share = share
        self._labellers: list[nn.Module] = []  # in a list, out of the state_dict: it is the round before's

    def label_with(self, checkpoint: Path) -> None:
        """Take the network of the round before. Raises ``ValueError`` where it may not or cannot label."""
        stored = torch.load(checkpoint, map_location="cpu", weights_only=True)
        if (facts := stored.get(FROM_TAGS)) is None:
            raise ValueError(
                f"{checkpoint}: not of a system that learns from tags alone, so its curves may know when events are"
            )
        for name, value in {"classes": list(self.classes), **self.heard_through}.items():
            if facts.get(name) != value:
                raise ValueError(f"{checkpoint}: its {name} is {facts.get(name)}, this row's is {value}")
        labeller = nn.ModuleDict({part: copy.deepcopy(getattr(self, part)) for part in LABELLING})
        weights = {name: of for name, of in stored["state_dict"].items() if name.partition(".")[0] in LABELLING}
        try:
            labeller.load_state_dict(weights)
        except RuntimeError as error:
            why = str(error).splitlines()[-1].strip()
            raise ValueError(f"{checkpoint}: its encoder is another than this row's: {why}") from None
        self._labellers = [labeller.eval().requires_grad_(False)]

    def on_fit_start(self) -> None:
        """The labelling network goes where the training is."""
        for labeller in self._labellers:
            labeller.to(self.device)

    @torch.no_grad()
    def refined(self, labelled: LabelledFeatures) -> Tensor:
        """The frames' labels (B, T, C) of what training hears. Raises ``RuntimeError`` before ``label_with``."""
        if not self._labellers:
            raise RuntimeError("RefinedLabels has no network to label with: its row needs from: {labels: row}")
        encoder, classifier = (self._labellers[0].get_submodule(part) for part in LABELLING)
        hidden_BTH = encoder(labelled.features_BTM, labelled.num_frames_B)
        curves_BTC = torch.sigmoid(classifier(hidden_BTH).float())
        mask_BT = frame_mask(self.encoder.pooled_frames(labelled.num_frames_B), num_frames=hidden_BTH.shape[1])
        return refined_labels(curves_BTC, labelled.tags_BC, mask_BT, share=self.share)

    def detect(self, hidden_BTH: Tensor, mask_BT: Tensor) -> Detection:
        """Frame curves and their mean."""
        curves_BTC = self.frame_probabilities(hidden_BTH)
        return Detection(mean_pool(curves_BTC, mask_BT), curves_BTC, mask_BT)

    def training_loss(self, detection: Detection, labelled: LabelledFeatures) -> Tensor:
        """Cross-entropy of every frame with its refined label; logs the share of tagged frames that keep theirs."""
        assert detection.frame_probabilities_BTC is not None
        labels_BTC = self.refined(labelled)
        tagged = (labelled.tags_BC.unsqueeze(1) * detection.mask_BT.unsqueeze(-1)).sum()
        kept = labels_BTC.sum() / tagged.clamp_min(1.0)
        self.log("train/labels_kept", kept, on_step=False, on_epoch=True, sync_dist=True,
                 batch_size=len(labelled.clip_ids))  # fmt: skip
        return frame_loss(detection.frame_probabilities_BTC, labels_BTC, detection.mask_BT)
