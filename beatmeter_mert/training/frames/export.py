"""A student as a classifier that works at once, in the ordinary format."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beatmeter.signals.neural.spectrogram import SAMPLE_RATE
from beatmeter_mert.model.backbone import (
    BESIDE,
    BackboneReference,
    fingerprint,
    freeze,
    round_to_half,
)
from beatmeter_mert.model.classifier import MertMeterClassifier
from beatmeter_mert.model.config import ClassifierConfig
from beatmeter_mert.model.head import HeadSettings
from beatmeter_mert.model.preprocessing import Preprocessing

if TYPE_CHECKING:
    from beatmeter_mert.training.frames.figures import Figures
    from beatmeter_mert.training.frames.settings import FramesSettings
    from beatmeter_mert.training.frames.student import FrameStudent

MODEL = "model"
CHUNK_SECONDS = 30.0
SHORTEST_SECONDS = 4.0
"""Of less, no bar of a slow 9 or 11 is heard twice; the signal then abstains."""
_FOR_THE_CARD = ("balanced_accuracy", "accuracy", "clips")
_NOTE = (
    "Backbone and head were trained together, from scratch, on rendered music whose every beat "
    "and bar is known: beats, downbeats and bar length at every frame, and the clip's meters."
)


def export(student: FrameStudent, settings: FramesSettings, figures: Figures, folder: Path) -> None:
    """Write the backbone, rounded to half precision, and the clip's head: no adapters.

    Parameters
    ----------
    student : FrameStudent
    settings : FramesSettings
    figures : Figures
        On clips left out, for the card.
    folder : Path
        Its subfolder ``backbone`` is what fine-tuning takes as its model.
    """
    backbone: Any = copy.deepcopy(student.backbone).cpu().float()
    freeze(backbone.eval())
    round_to_half(backbone)
    reference = BackboneReference(
        name=BESIDE,
        revision=None,
        licence=settings.licence,
        layers=settings.backbone.layers,
        fingerprint=fingerprint(backbone.state_dict()),
    )
    preprocessing = Preprocessing(
        sample_rate=SAMPLE_RATE,
        chunk_seconds=CHUNK_SECONDS,
        clip_seconds=CHUNK_SECONDS,
        normalize=False,
        shortest_seconds=SHORTEST_SECONDS,
    )
    groups = {"all": figures.get("all", {}).get("all", {})} | figures.get("held_out", {})
    config = ClassifierConfig(
        reference,
        settings.backbone.layers,
        preprocessing,
        HeadSettings(dropout=settings.loss.head_dropout),
        evaluation={
            f"left out: {name}": {key: row[key] for key in _FOR_THE_CARD if row[key] is not None}
            for name, row in groups.items()
            if row
        },
        training_note=_NOTE,
    )
    classifier = MertMeterClassifier(backbone, config)
    classifier.head.load_state_dict(
        {name: tensor.cpu() for name, tensor in student.meter_head.state_dict().items()}
    )
    classifier.save_pretrained(folder)
