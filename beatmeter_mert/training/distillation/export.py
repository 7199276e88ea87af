"""A pre-trained network as a classifier that works at once, in the ordinary format."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beatmeter_mert.model import ClassifierConfig, HeadSettings, MertMeterClassifier, Preprocessing
from beatmeter_mert.model.backbone import (
    BESIDE,
    BackboneReference,
    fingerprint,
    freeze,
    round_to_half,
)
from beatmeter_mert.model.preprocessing import shortest_for

if TYPE_CHECKING:
    from beatmeter_mert.training.distillation.figures import Figures
    from beatmeter_mert.training.distillation.network import PretrainNetwork
    from beatmeter_mert.training.distillation.settings import PretrainSettings

_FOR_THE_CARD = ("balanced_accuracy", "accuracy", "clips")
_NOTE = "Backbone and head were trained together, from scratch, on music whose every beat is known."


def export(
    network: PretrainNetwork,
    settings: PretrainSettings,
    evaluation: dict[str, Figures],
    folder: Path,
) -> None:
    """Write the backbone, rounded to half precision, and the clip's head: no adapters.

    Parameters
    ----------
    network : PretrainNetwork
    settings : PretrainSettings
    evaluation : dict of str to Figures
        By evaluation set, for the card.
    folder : Path
        Its subfolder ``backbone`` is what fine-tuning takes as its model.
    """
    backbone: Any = copy.deepcopy(network.backbone).cpu()
    freeze(backbone.eval())
    round_to_half(backbone)
    reference = BackboneReference(
        name=BESIDE,
        revision=None,
        licence=settings.licence,
        layers=settings.backbone.layers,
        fingerprint=fingerprint(backbone.state_dict()),
    )
    shape = settings.backbone
    preprocessing = Preprocessing(
        settings.sample_rate,
        settings.chunk_seconds,
        max(settings.clip_seconds, settings.chunk_seconds),
        shortest_seconds=shortest_for(shape.conv_kernel, shape.conv_stride, settings.sample_rate),
    )
    classifier = MertMeterClassifier(
        backbone,
        ClassifierConfig(
            reference,
            settings.backbone.layers,
            preprocessing,
            HeadSettings(dropout=settings.loss.head_dropout),
            evaluation={
                name: {key: figures[key] for key in _FOR_THE_CARD}
                for name, figures in evaluation.items()
            },
            training_note=_NOTE,
        ),
    )
    classifier.head.load_state_dict(
        {name: tensor.cpu() for name, tensor in network.meter_head.state_dict().items()}
    )
    classifier.save_pretrained(folder)
