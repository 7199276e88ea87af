"""A backbone and head that were trained together, as a classifier in the ordinary format."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beatmeter_mert.model import ClassifierConfig, HeadSettings, MertMeterClassifier
from beatmeter_mert.model.backbone import (
    BESIDE,
    BackboneReference,
    fingerprint,
    freeze,
    round_to_half,
)

if TYPE_CHECKING:
    from torch import nn

    from beatmeter_mert.model import MERTClassificationHead, Preprocessing
    from beatmeter_mert.model.config import Evaluation

MODEL = "model"
"""Folder of the classifier, in that of a run."""


def export(
    folder: Path,
    backbone: nn.Module,
    head: MERTClassificationHead,
    preprocessing: Preprocessing,
    *,
    licence: str,
    note: str,
    evaluation: Evaluation | None = None,
) -> MertMeterClassifier:
    """Write a backbone, rounded to half precision, and its head: no adapters.

    Parameters
    ----------
    folder : Path
        Its subfolder ``backbone`` is what fine-tuning takes as its model.
    licence : str
        Hub identifier of the licence of the weights.
    note : str
        How they were trained, for the card.
    evaluation : dict of str to dict of str to float, optional
        Figures by dataset and metric, for the card.

    Returns
    -------
    MertMeterClassifier
        As written, on the processor.
    """
    rounded: Any = copy.deepcopy(backbone).cpu().float()
    freeze(rounded.eval())
    round_to_half(rounded)
    layers = rounded.config.num_hidden_layers
    config = ClassifierConfig(
        BackboneReference(BESIDE, None, licence, layers, fingerprint(rounded.state_dict())),
        layers,
        preprocessing,
        HeadSettings(head.hidden.out_features, head.dropout.p),
        evaluation=evaluation or {},
        training_note=note,
    )
    classifier = MertMeterClassifier(rounded, config).eval()
    classifier.head.load_state_dict(head.state_dict())
    classifier.save_pretrained(folder)
    return classifier
