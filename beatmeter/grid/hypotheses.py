r"""Metrical hypotheses: a pulse, a bar counted on it, and the beat that begins the bar.

For a meter `n` the candidates are all pulses on offer, each with the lengths a bar of `n` may have
in counted beats and with every phase. A log-linear choice model weighs them,

.. math:: p(c, l, \phi \mid n) \propto \exp(w \cdot x_{c, l, \phi}),

with few features: how long the bar would last, how fast one would count, how well beats fall on
onsets and on the beats that a network hears, how well downbeats fall on accents and on the
network's downbeats, and what the signals say of the pulse when they weigh the meter on it. The
weights are fitted on rendered music whose beats and downbeats are known (:mod:`beatmeter.grid.fit`)
so that the expected agreement with them is greatest. There are two sets, with a network and
without. Which meter it is has been settled by the fusion, pulses summed out; here it is given.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from beatmeter.grid.evidence import FEWEST_BEATS
from beatmeter.grid.metrical import BAR_LENGTHS
from beatmeter.meters import METERS
from beatmeter.signals.folding import explained_variance

if TYPE_CHECKING:
    from beatmeter.features.pulses import Pulse
    from beatmeter.grid.evidence import GridEvidence
    from beatmeter.signals.neural.activations import Activations

Array = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

FROM_ONSETS = (
    "bar_octaves",
    "bar_octaves_squared",
    "tempo_octaves",
    "tempo_octaves_squared",
    "six_beats",
    "two_beats",
    "salience",
    "pulse_score",
    "unsteadiness",
    "onset_on_downbeats",
    "low_on_downbeats",
    "harmony_on_downbeats",
    "onset_explained",
    "low_explained",
    "harmony_explained",
    "onset_on_beats",
    "onset_between_beats",
)
"""What a hypothesis is weighed by."""

FROM_NETWORK = (
    "network_on_beats",
    "network_between_beats",
    "network_at_thirds",
    "network_likelihood",
    "network_on_downbeats",
    "network_off_downbeats",
    "network_pulse",
    "network_bar",
)
"""What it is weighed by in addition where a network is heard."""

_BAR_S = 2.0  # most bars last about so long: the point from which their length is measured
_COUNTED_BPM = 150.0  # as in the signals' calibrations
_LEAST_SCORE = -12.0  # a log probability below says no more
_MOST_LOGIT = 6.0  # neither does an activation beyond this
_MOST_UNSTEADY = 0.3
_LEAST_DEVIATION = 0.1  # of accents, in units of the envelope: below, they are all alike
_REACH_S = 0.025  # an onset counts for a beat this near


@dataclass(frozen=True)
class Hypotheses:
    """Everything that may be counted in one excerpt for one meter.

    Attributes
    ----------
    pulse, bar_beats, phase : ndarray of int, shape (h,)
        Index of the pulse, counted beats a bar, and the index of the first downbeat.
    features : ndarray, shape (h, f)
        ``FROM_ONSETS``, and ``FROM_NETWORK`` where a network is heard.
    """

    pulse: npt.NDArray[np.int64]
    bar_beats: npt.NDArray[np.int64]
    phase: npt.NDArray[np.int64]
    features: Floats

    def __len__(self) -> int:
        """How many there are."""
        return len(self.pulse)


@dataclass(frozen=True)
class ChoiceModel:
    """Fitted weights of the features.

    Attributes
    ----------
    mean, scale, weights : list of float, length f
        The features are standardised by the first two.
    """

    mean: list[float]
    scale: list[float]
    weights: list[float]

    def log_probabilities(self, features: Floats) -> Floats:
        """Of each hypothesis: shape (h, f) to (h,)."""
        from scipy.special import log_softmax

        standard = (features - np.array(self.mean)) / np.array(self.scale)
        logs: Floats = log_softmax(standard @ np.array(self.weights))
        return logs


@cache
def load_model(with_network: bool) -> ChoiceModel:
    """The fitted weights, with a network or without."""
    text = files("beatmeter.grid").joinpath("choice.json").read_text(encoding="utf-8")
    return ChoiceModel(**json.loads(text)["network" if with_network else "onsets"])


def hypotheses_for(evidence: GridEvidence, meter: int, lengths: tuple[int, ...] = ()) -> Hypotheses:
    """List what may be counted for a meter.

    Parameters
    ----------
    evidence : GridEvidence
    meter : int
    lengths : tuple of int, optional
        Counted beats a bar, instead of all that the meter may have.

    Returns
    -------
    Hypotheses
        None where no pulse has beats for more than a bar.
    """
    keys: list[tuple[int, int, int]] = []
    rows: list[Floats] = []
    for index in range(len(evidence.pulses)):
        on_pulse = _PulseFeatures.of(evidence, index, METERS.index(meter))
        for length in lengths or BAR_LENGTHS[meter]:
            if len(evidence.pulses[index].beats) < max(length + 1, FEWEST_BEATS):
                continue
            rows += on_pulse.of_bars(length)
            keys += [(index, length, phase) for phase in range(length)]
    pulse, bar_beats, phase = np.array(keys, dtype=np.int64).reshape(-1, 3).T
    return Hypotheses(pulse, bar_beats, phase, np.array(rows))


def standard_accents(accents: npt.NDArray[np.floating]) -> Floats:
    """Accents in deviations from their mean; where they are all alike, next to nothing."""
    deviation = np.maximum(accents.std(axis=0), _LEAST_DEVIATION)
    standard: Floats = (accents - accents.mean(axis=0)) / deviation
    return standard


def beat_strengths(evidence: GridEvidence, index: int, with_network: bool) -> Floats:
    """How strong each beat of a pulse is, standardised.

    Returns
    -------
    ndarray, shape (beats, 3) or (beats, 5)
        The accents, and with a network the logits of a beat and of a downbeat.
    """
    columns = standard_accents(evidence.accents[index])
    if not with_network or evidence.activations is None:
        return columns
    heard = evidence.activations
    logits = [
        _NearBeats(np.clip(curve, -_MOST_LOGIT, _MOST_LOGIT), heard.frame_rate, 2).at(
            evidence.pulses[index].beats
        )
        for curve in (heard.beat, heard.downbeat)
    ]
    return np.column_stack([columns, *(standard_accents(each) for each in logits)])


def downbeat_scores(evidence: GridEvidence, index: int, length: int, model: ChoiceModel) -> Floats:
    """How much each beat of a pulse is worth as a downbeat of bars of `length` beats: (beats,).

    The sum over the beats of a phase is, but for a constant, what `model` gives to that phase.
    """
    pulse = _PulseFeatures.of(evidence, index, 0)
    worth = dict(
        zip(
            FROM_ONSETS + FROM_NETWORK,
            np.array(model.weights) / np.array(model.scale),
            strict=False,
        )
    )
    count = len(pulse.pulse.beats)
    bars = max(1.0, count / length)
    weights = [worth[f"{kind}_on_downbeats"] for kind in ("onset", "low", "harmony")]
    scores: Floats = standard_accents(pulse.accents) @ np.array(weights) / bars
    if pulse.downbeat_logits is not None:
        others = max(1.0, count - bars)
        on, off = worth["network_on_downbeats"], worth["network_off_downbeats"]
        scores = scores + pulse.downbeat_logits * (on / bars - off / others)
    return scores


@dataclass(frozen=True)
class _PulseFeatures:
    """Features of one pulse, from which those of its bars are made."""

    pulse: Pulse
    accents: Array
    of_pulse: list[float]
    onset_strength: list[float]
    of_network: list[float]
    downbeat_logits: Floats | None
    bar_logs: dict[int, float]
    from_network: bool

    @classmethod
    def of(cls, evidence: GridEvidence, index: int, column: int) -> _PulseFeatures:
        pulse = evidence.pulses[index]
        middles, thirds = _between(pulse.beats)
        reach = max(1, round(_REACH_S * evidence.frame_rate))
        near = _NearBeats(evidence.onsets, evidence.frame_rate, reach)
        intervals = np.log(np.maximum(np.diff(pulse.beats), 1e-3))
        octaves = float(np.log2(pulse.bpm / _COUNTED_BPM))
        of_network: list[float] = []
        downbeat_logits = None
        if evidence.activations is not None:
            heard, downbeat_logits = _network_features(
                evidence.activations, pulse.beats, middles, thirds, evidence.duration_s
            )
            of_network = heard
        return cls(
            pulse=pulse,
            accents=evidence.accents[index],
            of_pulse=[
                octaves,
                octaves**2,
                pulse.salience,
                max(float(evidence.pulse_scores[index, column]), _LEAST_SCORE),
                min(float(intervals.std()) if len(intervals) else 0.0, _MOST_UNSTEADY),
            ],
            onset_strength=[near.mean(pulse.beats), near.mean(middles)],
            of_network=of_network,
            downbeat_logits=downbeat_logits,
            bar_logs=_bar_logs(evidence.activations),
            from_network=index >= evidence.n_onset_pulses,
        )

    def of_bars(self, length: int) -> list[Floats]:
        """Features of bars of `length` beats, a row for each phase, in the order of the lists."""
        octaves, squared, *about_pulse = self.of_pulse
        bar = float(np.log2(length * 60.0 / self.pulse.bpm / _BAR_S))
        explained = explained_variance(self.accents, length)
        standard = standard_accents(self.accents)
        rows = []
        for phase in range(length):
            row = [bar, bar**2, octaves, squared, length == 6, length == 2, *about_pulse]
            row += [*standard[phase::length].mean(axis=0), *explained, *self.onset_strength]
            if self.downbeat_logits is not None:
                first = np.zeros(len(self.downbeat_logits), dtype=bool)
                first[phase::length] = True
                logits = self.downbeat_logits
                row += [*self.of_network, logits[first].mean(), logits[~first].mean()]
                row += [self.from_network, self.bar_logs.get(length, 0.0)]
            rows.append(np.array(row, dtype=np.float64))
        return rows


class _NearBeats:
    """The greatest value of a curve within `reach` frames of times."""

    def __init__(self, curve: npt.NDArray[np.floating], frame_rate: float, reach: int) -> None:
        from scipy.ndimage import maximum_filter1d

        self._widened = maximum_filter1d(curve, 2 * reach + 1)
        self._frame_rate = frame_rate

    def at(self, times: Floats) -> Floats:
        frames = np.round(times * self._frame_rate).astype(int)
        values: Floats = self._widened[np.clip(frames, 0, len(self._widened) - 1)]
        return values

    def mean(self, times: Floats) -> float:
        return float(self.at(times).mean()) if len(times) else 0.0


def _network_features(
    activations: Activations, beats: Floats, middles: Floats, thirds: Floats, duration_s: float
) -> tuple[list[float], Floats]:
    """Beat logits on, halfway and a third between beats, their sum a second; downbeat logits."""
    beat = np.clip(activations.beat, -_MOST_LOGIT, _MOST_LOGIT)
    downbeat = np.clip(activations.downbeat, -_MOST_LOGIT, _MOST_LOGIT)
    near = _NearBeats(beat, activations.frame_rate, 1)
    on_beats = near.at(beats)
    heard = [
        float(on_beats.mean()),
        near.mean(middles),
        near.mean(thirds),
        float(on_beats.sum()) / duration_s,
    ]
    return heard, _NearBeats(downbeat, activations.frame_rate, 2).at(beats)


def _bar_logs(activations: Activations | None) -> dict[int, float]:
    """Mean log probability of each number of beats a bar; empty where no network tells it."""
    from beatmeter.signals.neural import frame_network

    if activations is None or activations.bar is None:
        return {}
    logs = activations.bar - np.logaddexp.reduce(activations.bar, axis=1, keepdims=True)
    means = np.maximum(logs.mean(axis=0), _LEAST_SCORE)
    lengths = frame_network.BAR_LENGTHS
    return dict(zip(lengths, means[: len(lengths)].tolist(), strict=True))


def _between(beats: Floats) -> tuple[Floats, Floats]:
    """Times halfway between beats, and a third and two thirds of the way."""
    intervals = np.diff(beats)
    first = beats[:-1] + intervals / 3
    return beats[:-1] + intervals / 2, np.concatenate([first, first + intervals / 3])
