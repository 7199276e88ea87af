"""How often answers are right on each kind of music."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from beatmeter.errors import DatasetError
from beatmeter_mert.diagnostics.accuracy import balanced_accuracy, primary_accuracy
from beatmeter_mert.diagnostics.predictions import Predictions

Kinds = Mapping[str, Sequence[str]]
"""By trait, such as the tempo, of what kind each clip is."""


@dataclass(frozen=True)
class KindFigures:
    """Clips that share a trait.

    Attributes
    ----------
    trait, kind : str
    clips : int
    accuracy, balanced_accuracy : float in [0, 1]
        :func:`~beatmeter_mert.diagnostics.accuracy.primary_accuracy`, and the mean recall over the
        meters that the kind has clips of.
    """

    trait: str
    kind: str
    clips: int
    accuracy: float
    balanced_accuracy: float


def by_kind(predictions: Predictions, kinds: Kinds) -> tuple[KindFigures, ...]:
    """Count each kind of each trait by itself, kinds in alphabetical order.

    Parameters
    ----------
    predictions : Predictions
    kinds : mapping of str to sequence of str
        By trait, as many kinds as there are clips.

    Raises
    ------
    DatasetError
        If a trait has more or fewer.
    """
    return tuple(
        figures
        for trait, of_clips in kinds.items()
        for figures in _by_kind(predictions, trait, of_clips)
    )


def _by_kind(predictions: Predictions, trait: str, of_clips: Sequence[str]) -> list[KindFigures]:
    clips = len(predictions.names)
    if len(of_clips) != clips:
        raise DatasetError(f"predictions: {trait} of {len(of_clips)} clips (allowed: {clips})")
    figures = []
    for kind in sorted(set(of_clips)):
        rows = np.flatnonzero([of_clip == kind for of_clip in of_clips])
        alone = predictions.take(rows)
        answers = alone.probabilities, alone.labels
        figures.append(
            KindFigures(
                trait, kind, len(rows), primary_accuracy(*answers), balanced_accuracy(*answers)
            )
        )
    return figures
