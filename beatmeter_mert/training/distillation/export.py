"""A student as a classifier that works at once, in the ordinary format."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beatmeter_mert.model import (
    ClassifierConfig,
    HeadSettings,
    MertMeterClassifier,
    Preprocessing,
)
from beatmeter_mert.model.backbone import (
    BESIDE,
    BackboneReference,
    fingerprint,
    freeze,
    round_to_half,
)
from beatmeter_mert.model.preprocessing import shortest_for

if TYPE_CHECKING:
    from beatmeter_mert.training.distillation.settings import DistillationSettings
    from beatmeter_mert.training.distillation.student import Student

_NOTE = "Backbone and head were trained together, from scratch, on music whose every beat is known."


def export(student: Student, settings: DistillationSettings, folder: Path) -> MertMeterClassifier:
    """Write the backbone, rounded to half precision, and the head: no adapters.

    Parameters
    ----------
    student : Student
    settings : DistillationSettings
    folder : Path
        Its subfolder ``backbone`` is what fine-tuning takes as its model.

    Returns
    -------
    MertMeterClassifier
        As written, on the processor.
    """
    backbone: Any = copy.deepcopy(student.backbone).cpu()
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
    config = ClassifierConfig(
        reference,
        settings.backbone.layers,
        preprocessing,
        HeadSettings(dropout=settings.head_dropout),
        training_note=_NOTE,
    )
    model = MertMeterClassifier(backbone, config).eval()
    model.head.load_state_dict(student.head.state_dict())
    model.save_pretrained(folder)
    return model
