"""How often predictions are right on each kind of music."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from beatmeter.errors import DatasetError
from beatmeter.evaluation.groups import rows_by_group
from beatmeter.evaluation.metrics import balanced_accuracy, primary_accuracy
from beatmeter_mert.diagnostics.predictions import Predictions

Subgroups = Mapping[str, Sequence[str]]
"""By trait, such as the tempo, of what kind each clip is."""


@dataclass(frozen=True)
class SubgroupFigures:
    """Clips that share a trait.

    Attributes
    ----------
    accuracy, balanced_accuracy : float in [0, 1]
        :func:`~beatmeter.evaluation.metrics.primary_accuracy`, and the mean recall over the meters
        that the subgroup has clips of.
    """

    trait: str
    kind: str
    clips: int
    accuracy: float
    balanced_accuracy: float


def by_subgroup(predictions: Predictions, subgroups: Subgroups) -> tuple[SubgroupFigures, ...]:
    """Count each kind of each trait by itself, kinds in alphabetical order.

    Parameters
    ----------
    subgroups : mapping of str to sequence of str
        By trait, as many kinds as there are clips.

    Raises
    ------
    DatasetError
        If a trait has more or fewer.
    """
    clips = len(predictions.names)
    figures = []
    for trait, kinds in subgroups.items():
        if len(kinds) != clips:
            raise DatasetError(f"predictions: {trait} of {len(kinds)} clips (allowed: {clips})")
        for kind, rows in rows_by_group(kinds).items():
            alone = predictions.probabilities[rows], predictions.labels[rows]
            accuracies = primary_accuracy(*alone), balanced_accuracy(*alone)
            figures.append(SubgroupFigures(trait, kind, len(rows), *accuracies))
    return tuple(figures)
