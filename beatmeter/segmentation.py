"""Where in a recording the meter changes: stretches of excerpts, each in one meter.

A recording is heard in excerpts of about 30 s. Only where they disagree is it heard again over
windows of 12 s, and the changes that hold over them are moved to the bar line between the bars of
the meter before and those of the meter after. Then each stretch is heard by itself, so that no
excerpt holds two meters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from beatmeter.audio.excerpts import WINDOW_HOP_S, excerpts, windows
from beatmeter.errors import Abstain, AudioError
from beatmeter.features.rhythm import Rhythm
from beatmeter.grid.estimate import estimate_grid
from beatmeter.grid.presence import LEAST_PROBABILITY, bar_probability, flattened
from beatmeter.grid.segments import change_of_bars, meter_path, runs
from beatmeter.meters import METERS

if TYPE_CHECKING:
    from beatmeter.analysis import SignalOutput
    from beatmeter.audio.source import OpenSource
    from beatmeter.fusion.pool import Prediction
    from beatmeter.grid.evidence import GridEvidence
    from beatmeter.grid.metrical import MetricalGrid
    from beatmeter.pipeline import Ensemble, ExcerptResult

SHORTEST_STRETCH_S = 8.0
"""Less music than this says nothing sure of its meter."""

_HAS_A_SAY = 0.25  # an excerpt whose bars are less probable does not vote beside others
_LEAST_SCORE = 1e-3  # no excerpt rules a meter out for the others


@dataclass(frozen=True)
class Excerpt:
    """An excerpt after its samples are let go."""

    result: ExcerptResult
    evidence: GridEvidence


@dataclass(frozen=True)
class Stretch:
    """Consecutive excerpts in one meter.

    Attributes
    ----------
    start_s, end_s : float
        Seconds; a stretch begins where the one before it ends.
    excerpts : sequence of Excerpt
        At least one.
    outputs : dict of str to SignalOutput
        Of the excerpts that have a say.
    prediction : Prediction
        Flattened where bars are doubtful.
    bars_heard : bool
        Whether bars are more probable than not.
    """

    start_s: float
    end_s: float
    excerpts: Sequence[Excerpt]
    outputs: dict[str, SignalOutput]
    prediction: Prediction
    bars_heard: bool

    @property
    def meter(self) -> int:
        """The most probable meter."""
        return self.prediction.meter


def find_stretches(recording: OpenSource, ensemble: Ensemble) -> list[Stretch]:
    """Divide a recording where its meter changes; one stretch where it does not.

    Raises
    ------
    Abstain
        If no signal with a weight spoke anywhere.
    AudioError
        If the recording cannot be decoded, or is silent.
    """
    end = recording.duration_s
    heard = list(ask(recording, excerpts(end), ensemble))
    if not heard:
        raise AudioError(f"{recording.name}: is silent (allowed: something to hear)")
    whole = _stretch(0.0, end, heard, ensemble)
    if len(runs(_path(heard, ensemble))) == 1:
        return [whole]
    bounds = [0.0, *_changes(recording, ensemble), end]
    parts = [p for pair in pairwise(bounds) if (p := _part(recording, ensemble, *pair)) is not None]
    joined = _without_repeats(parts, ensemble)
    return joined if len(joined) > 1 else [whole]


def ask(
    recording: OpenSource, spans: Sequence[tuple[float, float]], ensemble: Ensemble
) -> Iterator[Excerpt]:
    """Ask an ensemble about each of some spans that is audible."""
    for start, samples in recording.excerpts(spans):
        rhythm = Rhythm(samples, recording.sample_rate, recording.path)
        result = ensemble.score_excerpt(rhythm, start)
        yield Excerpt(result, ensemble.grid_evidence(rhythm, result))


def in_main_meter(stretches: Sequence[Stretch], ensemble: Ensemble) -> Stretch:
    """All that is in the meter which holds for most of the time, as if it were one stretch."""
    seconds = Counter[int]()
    for stretch in stretches:
        seconds[stretch.meter] += round(1000 * (stretch.end_s - stretch.start_s))
    main = max(seconds, key=lambda meter: seconds[meter])
    own = [stretch for stretch in stretches if stretch.meter == main]
    if len(own) == 1:
        return own[0]
    heard = [excerpt for stretch in own for excerpt in stretch.excerpts]
    together = _stretch(own[0].start_s, own[-1].end_s, heard, ensemble)
    longest = max(own, key=lambda stretch: stretch.end_s - stretch.start_s)
    return together if together.meter == main else longest


def window_meters(heard: Sequence[Excerpt], ensemble: Ensemble) -> list[int]:
    """The meter of each window, given that meters seldom change."""
    return [METERS[index] for index in _path(heard, ensemble)]


def fused_scores(excerpt: Excerpt, ensemble: Ensemble) -> dict[int, float]:
    """What the signals say together of one excerpt: a distribution over the meters.

    Raises
    ------
    Abstain
        If no signal with a weight spoke.
    """
    return _prediction([excerpt], ensemble)[1].scores


def _path(heard: Sequence[Excerpt], ensemble: Ensemble) -> npt.NDArray[np.int64]:
    return meter_path(np.array([_log_scores(excerpt, ensemble) for excerpt in heard]))


def _log_scores(excerpt: Excerpt, ensemble: Ensemble) -> npt.NDArray[np.float64]:
    """Log distribution of one excerpt; flat where nothing speaks for a meter."""
    try:
        scores = fused_scores(excerpt, ensemble)
    except Abstain:
        return np.zeros(len(METERS))
    return np.log(np.maximum([scores[meter] for meter in METERS], _LEAST_SCORE))


def _stretch(start_s: float, end_s: float, heard: Sequence[Excerpt], ensemble: Ensemble) -> Stretch:
    with_bars = [e for e in heard if _bar_probability([e]) >= _HAS_A_SAY]
    outputs, prediction = _prediction(with_bars or heard, ensemble)
    probability = _bar_probability(with_bars or heard)
    return Stretch(start_s, end_s, heard, outputs, prediction, probability >= LEAST_PROBABILITY)


def _bar_probability(heard: Sequence[Excerpt]) -> float:
    evidence = [excerpt.evidence for excerpt in heard]
    return bar_probability([e.presence for e in evidence], [e.cycle for e in evidence])


def _prediction(
    heard: Sequence[Excerpt], ensemble: Ensemble
) -> tuple[dict[str, SignalOutput], Prediction]:
    """What the signals say together of some excerpts, given the probability that there are bars."""
    results = [excerpt.result for excerpt in heard]
    outputs = ensemble.outputs(results)
    prediction = ensemble.predict(outputs, sum(result.duration_s for result in results))
    probability = _bar_probability(heard)
    scores = flattened(prediction.scores, probability)
    return outputs, replace(prediction, scores=scores, confidence=scores[prediction.meter])


def _changes(recording: OpenSource, ensemble: Ensemble) -> list[float]:
    """Times of the changes that hold over windows, each on a bar line, in seconds."""
    heard = list(ask(recording, windows(recording.duration_s), ensemble))
    path = _path(heard, ensemble)
    found = [0.0]
    for old, new in pairwise(runs(path)):
        before, after = heard[new.start - 1].result, heard[new.start].result
        middle = (before.start_s + before.end_s + after.start_s + after.end_s) / 4
        # The windows beside those that may hold the change tell what the bars are like.
        outer = heard[max(old.start, new.start - 2)], heard[min(new.stop - 1, new.start + 1)]
        meters = METERS[path[old.start]], METERS[path[new.start]]
        grids = [estimate_grid([e.evidence], m) for e, m in zip(outer, meters, strict=True)]
        time = _bar_line(recording, middle, (grids[0], grids[1]))
        if time - found[-1] >= SHORTEST_STRETCH_S:
            found.append(time)
    times = found[1:]
    if times and recording.duration_s - times[-1] < SHORTEST_STRETCH_S:
        times.pop()
    return times


def _bar_line(
    recording: OpenSource, time_s: float, grids: tuple[MetricalGrid, MetricalGrid]
) -> float:
    """Where near a time bars of one grid give way to bars of another."""
    start = max(0.0, time_s - 2 * WINDOW_HOP_S)
    span = start, min(recording.duration_s, time_s + 2 * WINDOW_HOP_S)
    reach = 0.75 * WINDOW_HOP_S  # beyond it, another window would hold the change
    for start, samples in recording.excerpts([span]):
        rhythm = Rhythm(samples, recording.sample_rate, recording.path)
        onsets, rate = rhythm.onset_envelope, rhythm.frame_rate
        found = change_of_bars(onsets, rate, start, grids, (time_s - reach, time_s + reach))
        return time_s if found is None else found
    return time_s


def _part(
    recording: OpenSource, ensemble: Ensemble, start_s: float, end_s: float
) -> Stretch | None:
    """A stretch heard by itself; None where nothing is to be heard."""
    spans = [(start_s + a, start_s + b) for a, b in excerpts(end_s - start_s)]
    heard = list(ask(recording, spans, ensemble))
    try:
        return _stretch(start_s, end_s, heard, ensemble) if heard else None
    except Abstain:
        return None


def _without_repeats(parts: Sequence[Stretch], ensemble: Ensemble) -> list[Stretch]:
    """The same stretches without gaps, neighbours of one meter joined."""
    joined: list[Stretch] = []
    for part in parts:
        if joined and joined[-1].meter == part.meter:
            before = joined.pop()
            heard = [*before.excerpts, *part.excerpts]
            part = _stretch(before.start_s, part.end_s, heard, ensemble)
        joined.append(part)
    return joined
