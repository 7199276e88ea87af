"""Fitting the grid on music whose beats and downbeats are known, and on sounds without bars.

**Choice.** For every clip the hypotheses of its meter are listed, and each is held against the
annotated beats and downbeats: its worth is the sum of both F-measures (within 70 ms). The weights
maximise the expected worth of a hypothesis drawn by the model's probabilities, less a penalty on
their squares; so a clip on which all hypotheses are bad teaches nothing, and near misses count for
what they are.

**Grouping.** Of clips on which some hypothesis is nearly right, its accents teach which grouping
of the bar they mean, by the likelihood of the annotated one.

**Presence.** Whether there are bars is a logistic regression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from beatmeter.grid.evidence import GridEvidence
from beatmeter.grid.grouping import GroupingModel, grouping_features, groupings
from beatmeter.grid.hypotheses import (
    FROM_NETWORK,
    FROM_ONSETS,
    ChoiceModel,
    beat_strengths,
    hypotheses_for,
)
from beatmeter.grid.presence import PresenceModel

Floats = npt.NDArray[np.float64]

TOLERANCE_S = 0.07  # of an F-measure of beats, as mir_eval has it
PENALTY = 1e-3
PRESENCE_PENALTY = 1e-3
GROUPING_PENALTY = 1e-2
FITTING = 0.9  # of a hypothesis whose accents teach grouping: F-measure of beats and downbeats


@dataclass(frozen=True)
class Example:
    """The hypotheses of one clip.

    Attributes
    ----------
    features : ndarray, shape (h, f)
    worth : ndarray, shape (h, 2)
        F-measures of beats and of downbeats.
    """

    features: Floats
    worth: Floats


def example_of(
    evidence: GridEvidence, meter: int, beats: Floats, downbeats: Floats
) -> Example | None:
    """Hold the hypotheses of a clip against its annotation; None where there is none."""
    hypotheses = hypotheses_for(evidence, meter)
    if not len(hypotheses):
        return None
    of_beats = [f_measure(beats, pulse.beats) for pulse in evidence.pulses]
    worth = []
    for c, length, phase in zip(
        hypotheses.pulse, hypotheses.bar_beats, hypotheses.phase, strict=True
    ):
        of_downbeats = f_measure(downbeats, evidence.pulses[c].beats[phase::length])
        worth.append((of_beats[c], of_downbeats))
    return Example(hypotheses.features, np.array(worth))


def f_measure(annotated: Floats, estimated: Floats) -> float:
    """Harmonic mean of precision and recall of times matched within 70 ms, in order.

    Unlike ``mir_eval.beat.f_measure`` it counts the first five seconds too.
    """
    i = j = hits = 0
    while i < len(annotated) and j < len(estimated):
        if abs(annotated[i] - estimated[j]) <= TOLERANCE_S:
            hits, i, j = hits + 1, i + 1, j + 1
        elif annotated[i] < estimated[j]:
            i += 1
        else:
            j += 1
    total = len(annotated) + len(estimated)
    return 2.0 * hits / total if total else 0.0


def fit_choice(examples: Sequence[Example], with_network: bool) -> ChoiceModel:
    """Fit the weights, with the network's features or without."""
    from scipy.optimize import minimize

    width = len(FROM_ONSETS) + (len(FROM_NETWORK) if with_network else 0)
    features = np.concatenate([example.features[:, :width] for example in examples])
    worth = np.concatenate([example.worth.sum(axis=1) for example in examples])
    sizes = [len(example.features) for example in examples]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    clip = np.repeat(np.arange(len(sizes)), sizes)
    mean, scale = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    standard = (features - mean) / scale

    def loss(weights: Floats) -> tuple[float, Floats]:
        logits = standard @ weights
        chances = np.exp(logits - np.maximum.reduceat(logits, starts)[clip])
        chances /= np.add.reduceat(chances, starts)[clip]
        expected = np.add.reduceat(chances * worth, starts)
        slope = standard.T @ (chances * (worth - expected[clip])) / len(sizes)
        value = PENALTY * float(weights @ weights) - float(expected.mean())
        return value, 2.0 * PENALTY * weights - slope

    weights = minimize(loss, np.zeros(width), jac=True, method="L-BFGS-B").x
    return ChoiceModel(mean.tolist(), scale.tolist(), weights.tolist())


@dataclass(frozen=True)
class GroupingExample:
    """The candidates of one clip.

    Attributes
    ----------
    features : ndarray, shape (k, d)
        From :func:`beatmeter.grid.grouping.grouping_features`.
    right : int
        Index of the annotated grouping.
    """

    features: Floats
    right: int


def grouping_example(
    evidence: GridEvidence, grouping: tuple[int, ...], beats: Floats, downbeats: Floats
) -> GroupingExample | None:
    """What a clip teaches of grouping; None where there is no choice, or no pulse fits.

    Groups of four are two groups of two.
    """
    parts = tuple(part for size in grouping for part in ((2, 2) if size == 4 else (size,)))
    length = sum(parts)
    if parts not in groupings(length) or len(groupings(length)) < 2:
        return None
    worth = [f_measure(beats, pulse.beats) for pulse in evidence.pulses]
    index = int(np.argmax(worth))
    heard = evidence.pulses[index].beats
    phases = [f_measure(downbeats, heard[phase::length]) for phase in range(length)]
    phase = int(np.argmax(phases))
    if min(worth[index], phases[phase]) < FITTING:
        return None
    strengths = beat_strengths(evidence, index, evidence.activations is not None)
    positions = (np.arange(len(heard)) - phase) % length + 1
    features = grouping_features(strengths, positions, length)
    return GroupingExample(features, groupings(length).index(parts))


def fit_grouping(examples: Sequence[GroupingExample]) -> GroupingModel:
    """Fit the weights of groupings."""
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    def loss(weights: Floats) -> tuple[float, Floats]:
        value, slope = 0.0, np.zeros_like(weights)
        for example in examples:
            logs = log_softmax(example.features @ weights)
            value -= float(logs[example.right])
            slope += example.features.T @ np.exp(logs) - example.features[example.right]
        penalty = GROUPING_PENALTY * float(weights @ weights)
        return value / len(examples) + penalty, slope / len(
            examples
        ) + 2.0 * GROUPING_PENALTY * weights

    width = examples[0].features.shape[1]
    return GroupingModel(minimize(loss, np.zeros(width), jac=True, method="L-BFGS-B").x.tolist())


def fit_presence(features: Floats, present: npt.NDArray[np.bool_]) -> PresenceModel:
    """Fit whether there are bars.

    Parameters
    ----------
    features : ndarray, shape (clips, f)
        Of :func:`beatmeter.grid.presence.presence_features`.
    present : ndarray of bool, shape (clips,)
        Whether each clip has bars.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    mean, scale = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    standard = np.column_stack([(features - mean) / scale, np.ones(len(features))])
    sign = np.where(present, 1.0, -1.0)
    shrunk = np.ones(standard.shape[1])
    shrunk[-1] = 0.0  # the bias is free

    def loss(numbers: Floats) -> tuple[float, Floats]:
        margins = sign * (standard @ numbers)
        value = np.logaddexp(0.0, -margins).mean() + PRESENCE_PENALTY * shrunk @ numbers**2
        slope = -(standard.T @ (sign * expit(-margins))) / len(sign)
        return float(value), slope + 2.0 * PRESENCE_PENALTY * shrunk * numbers

    found = minimize(loss, np.zeros(standard.shape[1]), jac=True, method="L-BFGS-B").x
    return PresenceModel(mean.tolist(), scale.tolist(), found[:-1].tolist(), float(found[-1]))
