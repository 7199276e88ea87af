r"""Metrical hypotheses: a pulse, a bar counted on it, and the beat that begins the bar.

For a meter the candidates are all pulses on offer, each with the lengths that a bar of the meter
may have in counted beats, and with every phase. A model (:mod:`beatmeter.grid.choice`) weighs them
by few features: how long the bar would last, how fast one would count, how well beats fall on
onsets and on the beats that a network hears, how well downbeats fall on accents and on the
network's downbeats, whether bars of half or double the length would explain the accents better,
whether beats divide in three, and what the signals say of the pulse when they weigh the meter on
it. Which meter it is has been settled by the fusion, pulses summed out; here it is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from beatmeter.grid.evidence import FEWEST_BEATS
from beatmeter.grid.metrical import BAR_LENGTHS
from beatmeter.grid.near import NearTimes, hits
from beatmeter.meters import METERS
from beatmeter.signals.calibration import REFERENCE_BPM
from beatmeter.signals.folding import LENGTHS
from beatmeter.signals.neural.bar_network import PULSE_LENGTHS

if TYPE_CHECKING:
    from beatmeter.grid.choice import ChoiceModel
    from beatmeter.grid.evidence import GridEvidence
    from beatmeter.signals.neural.activations import Activations

Floats = npt.NDArray[np.float64]

_KINDS = ("onset", "low", "harmony")

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
    *(f"{kind}_explained" for kind in _KINDS),
    "onset_on_beats",
    "onset_between_beats",
    *(f"{kind}_more_in_double_bars" for kind in _KINDS),
    *(f"{kind}_more_than_in_part_bars" for kind in _KINDS),
    *(f"{kind}_more_in_other_bars" for kind in _KINDS),
    "ternary",
    "ternary_by_four",
    "ternary_by_six",
    "ternary_by_three",
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
    "network_same_beats",
    "network_same_downbeats",
    "network_same_bar",
    "network_double_bar",
    "network_half_bar",
    "bar_network_on_downbeats",
    "bar_network_off_downbeats",
    "bar_network_length",
    "bar_network_meter",
    "bar_network_counted",
)
"""What it is weighed by in addition where a network is heard."""

_FIRST_OF_BAR = FROM_ONSETS.index("onset_on_downbeats")
_NETWORK_ON = len(FROM_ONSETS) + FROM_NETWORK.index("network_on_downbeats")
_BARS_ON = len(FROM_ONSETS) + FROM_NETWORK.index("bar_network_on_downbeats")

_BAR_S = 2.0  # most bars last about so long: the point from which their length is measured
_LEAST_SCORE = -12.0  # a log probability below says no more
_MOST_LOGIT = 6.0  # neither does an activation beyond this
_MOST_UNSTEADY = 0.3
_LEAST_DEVIATION = 0.1  # of accents, in units of the envelope: below, they are all alike
_REACH_S = 0.025  # an onset counts for a beat this near
_SAME_OCTAVES = 0.06  # bars this near in length are the same: 4 percent


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
    of_pulses = _PulseFeatures(evidence)
    for index, pulse in enumerate(evidence.pulses):
        for length in lengths or BAR_LENGTHS[meter]:
            if len(pulse.beats) >= max(length + 1, FEWEST_BEATS):
                rows.append(of_pulses.of_bars(index, meter, length))
                keys += [(index, length, phase) for phase in range(length)]
    pulse_at, bar_beats, phase = np.array(keys, dtype=np.int64).reshape(-1, 3).T
    features = np.concatenate(rows) if rows else np.zeros((0, 0))
    return Hypotheses(pulse_at, bar_beats, phase, features)


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
        NearTimes(np.clip(curve, -_MOST_LOGIT, _MOST_LOGIT), heard.frame_rate, 2).at(
            evidence.pulses[index].beats
        )
        for curve in (heard.beat, heard.downbeat)
    ]
    return np.column_stack([columns, *(standard_accents(each) for each in logits)])


def downbeat_scores(
    evidence: GridEvidence, meter: int, index: int, length: int, model: ChoiceModel
) -> Floats:
    """How much each beat of a pulse is worth as a downbeat of bars of `length` beats: (beats,).

    The sum over the beats of a phase is, but for a constant, what `model` gives to that phase.
    Beats of one phase differ by their accents and by what the network hears on them.
    """
    of_pulses = _PulseFeatures(evidence)
    rows = of_pulses.of_bars(index, meter, length)
    logits = model.logits(rows)
    slopes = model.slopes(rows[int(logits.argmax())])
    worth = standard_accents(evidence.accents[index]) @ slopes[_FIRST_OF_BAR : _FIRST_OF_BAR + 3]
    if evidence.activations is not None:
        on, off = slopes[_NETWORK_ON : _NETWORK_ON + 2]
        worth = worth + of_pulses.downbeat_logits(index) * (on - off / max(1, length - 1))
        if evidence.bars:
            on, off = slopes[_BARS_ON : _BARS_ON + 2]
            worth = worth + of_pulses.bar_logits(index) * (on - off / max(1, length - 1))
    phase = np.arange(len(worth)) % length
    bars = np.maximum(1, np.bincount(phase, minlength=length))
    mean = np.bincount(phase, worth, length) / bars
    scores: Floats = (logits[phase] + worth - mean[phase]) / bars[phase]
    return scores


class _PulseFeatures:
    """Features of the pulses of an excerpt and of bars on them; what they share is found once."""

    def __init__(self, evidence: GridEvidence) -> None:
        self._evidence = evidence
        reach = max(1, round(_REACH_S * evidence.frame_rate))
        self._onsets = NearTimes(evidence.onsets, evidence.frame_rate, reach)
        self._heard = evidence.activations
        if self._heard is not None:
            rate = self._heard.frame_rate
            beat, downbeat = (
                np.clip(logits, -_MOST_LOGIT, _MOST_LOGIT)
                for logits in (self._heard.beat, self._heard.downbeat)
            )
            self._beat, self._downbeat = NearTimes(beat, rate, 1), NearTimes(downbeat, rate, 2)
            self._bar_logs = _bar_logs(self._heard)
        self._found: dict[int, tuple[list[float], list[float]]] = {}

    def of_bars(self, index: int, meter: int, length: int) -> Floats:
        """Features of bars of `length` beats on a pulse, a row for each phase: (length, f)."""
        evidence, pulse = self._evidence, self._evidence.pulses[index]
        if index not in self._found:
            self._found[index] = self._of_pulse(index)
        of_pulse, of_network = self._found[index]
        bar = float(np.log2(length * 60.0 / pulse.bpm / _BAR_S))
        tempo = float(np.log2(pulse.bpm / REFERENCE_BPM))
        steadiness, on_beats, between = of_pulse
        score = max(float(evidence.pulse_scores[index, METERS.index(meter)]), _LEAST_SCORE)
        ternary = float(evidence.ternary[index])
        explained, *compared = compared_bars(evidence.folded[index], length)
        before = [bar, bar**2, tempo, tempo**2, length == 6, length == 2, pulse.salience, score]
        after = [*explained, on_beats, between, *np.concatenate(compared), ternary]
        after += [ternary * (length == many) for many in (4, 6, 3)]
        columns = [
            np.tile([*before, steadiness], (length, 1)),
            _means(standard_accents(evidence.accents[index]), length)[0],
            np.tile(after, (length, 1)),
        ]
        if self._heard is not None:
            own, others = _means(self.downbeat_logits(index)[:, None], length)
            told = [index >= evidence.n_onset_pulses, self._bar_logs.get(length, 0.0)]
            columns += [np.tile(of_network[:4], (length, 1)), own, others]
            columns += [
                np.tile([*told, of_network[4]], (length, 1)),
                self._agreement(index, length),
                self._told_of_bars(index, meter, length),
            ]
        return np.hstack(columns).astype(np.float64)

    def downbeat_logits(self, index: int) -> Floats:
        """The network's downbeat logit on each beat of a pulse."""
        return self._downbeat.at(self._evidence.pulses[index].beats)

    def bar_logits(self, index: int) -> Floats:
        """The bar network's downbeat logit on each beat of a pulse."""
        logits = self._evidence.bars[index].downbeat.astype(np.float64)
        return np.clip(logits, -_MOST_LOGIT, _MOST_LOGIT)

    def _told_of_bars(self, index: int, meter: int, length: int) -> Floats:
        """What the bar network says of bars of `length` beats: (length, 5); nan without one."""
        if not self._evidence.bars:
            return np.full((length, 5), np.nan)
        told = self._evidence.bars[index]
        own, others = _means(self.bar_logits(index)[:, None], length)
        of_length = told.length[PULSE_LENGTHS.index(length)]
        logs = np.maximum([of_length, told.meter[METERS.index(meter)]], _LEAST_SCORE)
        return np.hstack([own, others, np.tile([*logs, told.counted], (length, 1))])

    def _of_pulse(self, index: int) -> tuple[list[float], list[float]]:
        """Steadiness, onsets on and between beats; and what the network hears there."""
        beats = self._evidence.pulses[index].beats
        intervals = np.diff(beats)
        middles = beats[:-1] + intervals / 2
        unsteady = float(np.log(np.maximum(intervals, 1e-3)).std()) if len(intervals) else 0.0
        of_pulse = [
            min(unsteady, _MOST_UNSTEADY),
            self._onsets.mean(beats),
            self._onsets.mean(middles),
        ]
        if self._heard is None:
            return of_pulse, []
        thirds = np.concatenate([beats[:-1] + intervals / 3, beats[:-1] + intervals * 2 / 3])
        heard = [self._beat.mean(times) for times in (beats, middles, thirds)]
        likelihood = heard[0] * len(beats) / self._evidence.duration_s
        own = self._evidence.network_bars[0]
        same = 2.0 * float(hits(beats, own).sum()) / max(1, len(beats) + len(own))
        return of_pulse, [*heard, likelihood, same]

    def _agreement(self, index: int, length: int) -> Floats:
        """With the bars that the network decodes by itself: (length, 4)."""
        pulse = self._evidence.pulses[index]
        downbeats = self._evidence.network_bars[1]
        met = hits(pulse.beats, downbeats).astype(np.float64)
        phase = np.arange(len(met)) % length
        bars = np.bincount(phase, minlength=length)
        same = 2.0 * np.bincount(phase, met, length) / np.maximum(1, bars + len(downbeats))
        compared = [0.0, 0.0, 0.0]
        if len(downbeats) > 1:
            octaves = np.log2(length * 60.0 / pulse.bpm / float(np.median(np.diff(downbeats))))
            compared = [float(abs(octaves - shift) < _SAME_OCTAVES) for shift in (0, 1, -1)]
        return np.column_stack([same, np.tile(compared, (length, 1))])


def compared_bars(folded: Floats, length: int) -> tuple[Floats, Floats, Floats, Floats]:
    """What bars of a length explain of the accents, and how bars of other lengths compare.

    Parameters
    ----------
    folded : ndarray, shape (11, 3)
        Explained variance of the accents by bars of 2 to 12 beats.
    length : int

    Returns
    -------
    explained, double, parts, others : ndarray, each of shape (3,)
        What double bars explain more; what bars explain more than the best bars that divide them;
        what the best bars that neither divide nor multiply them explain more.
    """
    clipped = np.clip(folded, 0.0, 1.0)
    explained = clipped[LENGTHS.index(length)]
    double = np.zeros(3)
    if 2 * length in LENGTHS:
        double = clipped[LENGTHS.index(2 * length)] - explained
    parts = [clipped[i] for i, other in enumerate(LENGTHS) if other < length and not length % other]
    others = [clipped[i] for i, other in enumerate(LENGTHS) if other % length and length % other]
    best = max(parts, key=lambda part: float(part.sum())) if parts else np.zeros(3)
    return explained, double, explained - best, np.max(others, axis=0) - explained


def _means(values: Floats, length: int) -> tuple[Floats, Floats]:
    """Mean of the beats of each phase, and of all others: (beats, d) to (length, d) twice."""
    count = len(values)
    padded = np.zeros((-(-count // length) * length, values.shape[1]))
    padded[:count] = values
    sums = padded.reshape(-1, length, values.shape[1]).sum(axis=0)
    bars = np.bincount(np.arange(count) % length, minlength=length)[:, None]
    others = (sums.sum(axis=0) - sums) / np.maximum(1, count - bars)
    return sums / np.maximum(1, bars), others


def _bar_logs(activations: Activations) -> dict[int, float]:
    """Mean log probability of each number of beats a bar; empty where no network tells it."""
    from beatmeter.signals.neural import frame_network

    if activations.bar is None:
        return {}
    logs = activations.bar - np.logaddexp.reduce(activations.bar, axis=1, keepdims=True)
    means = np.maximum(logs.mean(axis=0), _LEAST_SCORE)
    lengths = frame_network.BAR_LENGTHS
    return dict(zip(lengths, means[: len(lengths)].tolist(), strict=True))
