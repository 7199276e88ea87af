"""Give a recording another meter by cutting it at its beats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from beatmeter._util.arrays import Floats
from beatmeter.audio.samples import Samples
from beatmeter.corpora.random import pick
from beatmeter.corpora.splicing.plan import Plan, SpliceError, borrow, follow, walk
from beatmeter.corpora.splicing.recipes import RECIPES, SOURCE_METERS, Recipe, grouping_of
from beatmeter.meters import check_meter

LEAD_S = 0.012
"""How long before a beat it is cut, so that its attack stays whole."""
FADE_S = 0.012  # seconds of the crossfade at a cut
SHARE_OF_CUTS = (0.5, 0.7)
"""Range from which the cuts per beat are drawn, whatever the meter."""


@dataclass(frozen=True)
class BarredMusic:
    """A stretch of a recording whose bars are known.

    Attributes
    ----------
    samples : ndarray of float32, shape (n,)
    sample_rate : int
        Hz.
    beats : ndarray of float, shape (bars * meter + 1,)
        Seconds, ascending; the first is a downbeat, the last the bar line that closes the
        stretch.
    meter : int
        Beats per bar, 3 or 4.

    Raises
    ------
    SpliceError
        If meter and beats are not such.
    """

    samples: Samples
    sample_rate: int
    beats: Floats
    meter: int

    def __post_init__(self) -> None:
        if self.meter not in SOURCE_METERS:
            raise SpliceError(f"splice: source meter {self.meter} (allowed: 3, 4)")
        if len(self.beats) < 3 * self.meter + 1 or (len(self.beats) - 1) % self.meter:
            raise SpliceError(
                f"splice: {len(self.beats)} beats (allowed: whole bars of {self.meter}, "
                "3 or more, and the bar line after them)"
            )
        if np.any(np.diff(self.beats) <= LEAD_S + FADE_S):
            raise SpliceError(
                f"splice: beats {np.diff(self.beats).min():.3f} s apart "
                f"(allowed: more than {LEAD_S + FADE_S:.3f} s)"
            )

    @property
    def bars(self) -> int:
        """Whole bars."""
        return (len(self.beats) - 1) // self.meter


@dataclass(frozen=True)
class Spliced:
    """A re-barred recording.

    Attributes
    ----------
    samples : ndarray of float32, shape (n,)
    sample_rate : int
        Hz.
    beats : ndarray of float, shape (bars * meter + 1,)
        Seconds; the first is a downbeat.
    plan : Plan
        Which source beat sounds at each beat.
    """

    samples: Samples
    sample_rate: int
    beats: Floats
    meter: int
    grouping: tuple[int, ...]
    plan: Plan

    @property
    def downbeats(self) -> Floats:
        """Bar lines in seconds, the closing one included."""
        return self.beats[:: self.meter]


def splice(music: BarredMusic, meter: int, seconds: float, rng: np.random.Generator) -> Spliced:
    """Re-bar music into `meter`, with a recipe drawn at random.

    Parameters
    ----------
    meter : int
        One of ``METERS``, the music's own included.
    seconds : float
        Shortest length wanted; whole bars are made.

    Raises
    ------
    SpliceError
        If the music is too short.
    """
    recipe = pick(rng, RECIPES[music.meter, check_meter(meter)])
    return splice_with(music, recipe, seconds, rng)


def beats_in(seconds: float, beats: npt.ArrayLike) -> int:
    """Tell how many beats last for so many seconds, at the median distance of some beats."""
    return int(np.ceil(seconds / float(np.median(np.diff(beats)))))


def bars_for(source_meter: int, beats: int) -> int:
    """Tell how many source bars make so many beats, whatever the meter and the recipe."""
    return max(
        walk(recipe, source_meter, beats)[1]
        for (of_meter, _), recipes in RECIPES.items()
        if of_meter == source_meter
        for recipe in recipes
    )


def splice_with(
    music: BarredMusic, recipe: Recipe, seconds: float, rng: np.random.Generator
) -> Spliced:
    """Re-bar music with a given recipe; see :func:`splice`."""
    plan = follow(recipe, music.meter, music.bars, beats_in(seconds, music.beats))
    share = float(rng.uniform(*SHARE_OF_CUTS))
    plan = borrow(plan, music.meter, music.bars, share, rng)
    samples, beats = _play(music, plan)
    return Spliced(samples, music.sample_rate, beats, plan.bar_length, grouping_of(recipe), plan)


def _play(music: BarredMusic, plan: Plan) -> tuple[Samples, Floats]:
    """Concatenate the runs of a plan, cross-faded with equal power around each cut."""
    rate = music.sample_rate
    lead, half = round(LEAD_S * rate), round(FADE_S * rate / 2)
    cuts = np.round(music.beats * rate).astype(np.int64) - lead
    padded = np.pad(music.samples, (lead + half, half + 1))
    starts = np.concatenate([[0], plan.joints()])
    ends = np.concatenate([plan.joints(), [len(plan.order)]])
    lengths = cuts[plan.order + 1] - cuts[plan.order]
    edges = np.concatenate([[0], np.cumsum(lengths)])
    out = np.zeros(edges[-1] + 2 * half, np.float32)
    rise = np.sin(np.linspace(0, np.pi / 2, 2 * half, dtype=np.float32))
    for start, end in zip(starts, ends, strict=True):
        first = cuts[plan.order[start]] + lead
        size = edges[end] - edges[start] + 2 * half
        run = padded[first : first + size].copy()
        run = np.pad(run, (0, size - len(run)))
        run[: 2 * half] *= rise
        run[-2 * half :] *= rise[::-1]
        out[edges[start] : edges[start] + size] += run
    return out, (edges + half + lead) / rate
