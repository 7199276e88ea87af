"""Figures of an exported student on held-out clips, by family."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from beatmeter_mert.training.figures import accuracy_figures
from beatmeter_mert.training.inference import predict_clips

if TYPE_CHECKING:
    from beatmeter_mert.model import MertMeterClassifier
    from beatmeter_mert.training.distillation.dataset import RenderedClip

FOR_THE_CARD = ("balanced_accuracy", "accuracy", "clips")

Figures = dict[str, float]


def evaluate(
    model: MertMeterClassifier, clips: Sequence[RenderedClip], leave_out: Sequence[str], out: Path
) -> dict[str, Figures]:
    """Evaluate a classifier.

    Parameters
    ----------
    leave_out : sequence of str
        Families, sources and soundfonts that it was not trained on.
    out : Path
        Predictions are noted in it on the way.

    Returns
    -------
    dict of str to dict of str to float
        Of the clips like those trained on (``val``), of those left out (``left_out``), and of each
        family: those of :func:`~beatmeter_mert.training.figures.accuracy_figures`, and ``clips``.
    """
    folders = list(dict.fromkeys(clip.folder for clip in clips))
    clips = [clip for folder in folders for clip in clips if clip.folder == folder]
    parts = [
        predict_clips(
            model, [clip.file for clip in clips if clip.folder == folder], out / f"val-{number}"
        )
        for number, folder in enumerate(folders)
    ]
    probabilities = np.concatenate([part.probabilities for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    left_out = np.array([clip.is_of(leave_out) for clip in clips])
    families = np.array([clip.labels.family for clip in clips])
    sets = {"val": ~left_out, "left_out": left_out}
    sets |= {str(family): families == family for family in np.unique(families)}
    return {
        name: accuracy_figures(probabilities[chosen], labels[chosen])
        | {"clips": float(chosen.sum())}
        for name, chosen in sets.items()
        if chosen.any()
    }
