"""On which bar line one meter gives way to another.

The state of a bar-pointer model is a meter and a place in its bar. Places follow each other, and
only at a bar line may the meter be another from then on. Here there are two meters, counted on
pulses that are known, and they change once: so the best path up to every bar line of the first is
found, the best path from every bar line of the second on, and the two that meet and are worth most
together.

A beat is weighed by whether a downbeat is heard on it, by whether the grid of a window on its side
of the change has one there, and by how like it is to the beat that is a bar away: before the change
to the one a bar earlier, after it to the one a bar later. So bars beside a change are as long as
each side's meter says. Each meter is heard in a span that is mostly its own, since a network
that hears a whole pulse lets the meter that holds for most of it prevail in the rest.

References
----------
N. Whiteley, A. T. Cemgil and S. Godsill, Bayesian modelling of temporal structure in musical audio,
ISMIR 2006.
F. Krebs, S. Boeck and G. Widmer, An efficient state-space model for joint tempo and meter tracking,
ISMIR 2015.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from beatmeter._util.arrays import Floats
from beatmeter._util.matching import TOLERANCE_S
from beatmeter.features.near import hits
from beatmeter.grid.evidence import FEWEST_BEATS
from beatmeter.grid.hypothesis_features import MOST_LOGIT, standard_accents

if TYPE_CHECKING:
    from beatmeter.grid.evidence import GridEvidence
    from beatmeter.grid.metrical import MetricalGrid


BROKEN_BAR_COST = 12.0
"""What a bar costs, in log odds, that breaks off before its last beat: a beat that the pulse lost.
"""

_LIKENESS_WEIGHT = 0.6  # in log odds, for a deviation of an accent; chosen on composed changes
_GRID_WEIGHT = 1.0  # in log odds, for a downbeat of the grid beside; chosen on composed changes
_SAME_RATE = 0.06  # a pulse counts at a rate when its own differs by less: 6 %
_WINDOWS_DEVIATION_S = 3.0  # how far off windows put a change: half the time between two of them


@dataclass(frozen=True)
class Side:
    """One of the meters, before or after a change.

    Attributes
    ----------
    evidence : GridEvidence
        Of a span that is mostly in this meter, and goes on beyond the change.
    grid : MetricalGrid
        How a window beside the change is counted.
    """

    evidence: GridEvidence
    grid: MetricalGrid

    @property
    def bar_beats(self) -> int:
        """Counted beats a bar."""
        return self.grid.bar_beats


def bar_line_of_change(
    before: Side, after: Side, about_s: float, between_s: tuple[float, float]
) -> float | None:
    """The bar line at which the meter changes.

    Parameters
    ----------
    before, after : Side
        Their spans overlap where the change may be.
    about_s : float
        Where windows tell it, in seconds of the recording.
    between_s : pair of float
        Where it may be, in seconds of the recording.

    Returns
    -------
    float or None
        Seconds of the recording; None where no pulses count at the rates of both sides.
    """
    best, found = -np.inf, None
    old = [
        (beats, best_bars(_worth(before, index, -before.bar_beats))[:-1])
        for index, beats in _counted(before, until_s=about_s)
    ]
    for index, beats in _counted(after, from_s=about_s):
        # Bars from a beat on are, backwards in time and from their last beat, bars up to it.
        onward = best_bars(_worth(after, index, after.bar_beats)[::-1, ::-1])[:0:-1]
        prior = -0.5 * ((beats - about_s) / _WINDOWS_DEVIATION_S) ** 2
        inside = (beats >= between_s[0]) & (beats <= between_s[1])
        for old_beats, so_far in old:
            nearest = np.abs(beats[:, None] - old_beats).argmin(axis=1)
            met = inside & (np.abs(beats - old_beats[nearest]) <= TOLERANCE_S)
            worth = np.where(met, so_far[nearest] + onward + prior, -np.inf)
            line = int(worth.argmax())
            if worth[line] > best:
                best, found = float(worth[line]), float(beats[line])
    return found


def best_bars(worth: Floats, broken_cost: float = BROKEN_BAR_COST) -> Floats:
    """What the best bars are worth that end before each beat, by dynamic programming.

    Parameters
    ----------
    worth : ndarray, shape (n, bar_beats)
        Log probability of each beat at each place of the bar; the first may be at any place.
    broken_cost : float, optional

    Returns
    -------
    ndarray, shape (n + 1,)
        The first is 0, that of no bars; the last is of all beats.
    """
    totals = np.zeros(len(worth) + 1)
    places = worth[0]
    for beat in range(1, len(totals)):
        totals[beat] = max(places[-1], places.max() - broken_cost)
        if beat < len(worth):
            places = np.concatenate([totals[beat : beat + 1], places[:-1]]) + worth[beat]
    return totals


def _counted(
    side: Side, from_s: float = -np.inf, until_s: float = np.inf
) -> Iterator[tuple[int, Floats]]:
    """Pulses that count at the rate of a side between two times: index, and beats in seconds."""
    for index, pulse in enumerate(side.evidence.pulses):
        beats = pulse.beats + side.evidence.start_s
        own = beats[(beats >= from_s) & (beats < until_s)]
        if len(own) >= max(FEWEST_BEATS, side.bar_beats):
            rate = 60.0 / float(np.median(np.diff(own)))
            if abs(rate / side.grid.beat_bpm - 1.0) < _SAME_RATE:
                yield index, beats


def _worth(side: Side, index: int, away: int) -> Floats:
    """Log probability of each beat of a pulse at each place of the bar: (n, bar_beats).

    `away` is how many beats later the beat is that each is likened to.
    """
    evidence = side.evidence
    heard = _downbeat_log_odds(evidence, index) + _downbeat_in_grid(side, index)
    worth = np.tile(-np.logaddexp(0.0, heard)[:, None], (1, side.bar_beats))
    worth[:, 0] += heard
    return worth + _LIKENESS_WEIGHT * _likeness(evidence.accents[index], away)[:, None]


def _downbeat_in_grid(side: Side, index: int) -> Floats:
    """Log odds of each beat of a pulse being a downbeat, by the grid of the window beside: (n,).

    0 for beats that this grid does not have.
    """
    beats = side.evidence.pulses[index].beats + side.evidence.start_s
    counted, downbeats = (hits(beats, times) for times in (side.grid.beats, side.grid.downbeats))
    log_odds: Floats = np.where(counted, _GRID_WEIGHT * np.where(downbeats, 1.0, -1.0), 0.0)
    return log_odds


def _downbeat_log_odds(evidence: GridEvidence, index: int) -> Floats:
    """Log odds of each beat of a pulse being a downbeat, by all networks that are heard: (n,)."""
    from scipy.special import logit

    from beatmeter.signals.neural.bars import downbeat_probability

    beats = evidence.pulses[index].beats
    log_odds = np.zeros(len(beats))
    if evidence.bars:
        logits = evidence.bars[index].downbeat.astype(np.float64)
        log_odds += np.clip(logits, -MOST_LOGIT, MOST_LOGIT)
    if evidence.activations is not None:
        log_odds += logit(downbeat_probability(evidence.activations, beats))
    return log_odds


def _likeness(accents: npt.NDArray[np.float32], away: int) -> Floats:
    """How like the accents of each beat are to those of the beat `away` beats later: (n,).

    In deviations, less the mean; 0 where there is no such beat.
    """
    standard = standard_accents(accents)
    likeness = np.zeros(len(standard))
    lag = abs(away)
    if len(standard) > lag:
        alike = -np.abs(standard[lag:] - standard[:-lag]).sum(axis=1)
        alike -= alike.mean()
        likeness[lag:] = alike
    return likeness if away < 0 else np.roll(likeness, -lag)
