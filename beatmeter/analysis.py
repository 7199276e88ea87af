"""What is told of a recording: the verdict with everything needed to doubt it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from beatmeter.meters import MeterScores, Polyrhythm


@dataclass(frozen=True)
class SignalOutput:
    """What one signal says of a recording.

    Attributes
    ----------
    weight : float
        Its weight in the ensemble; 0.0 is shown but does not vote.
    scores : MeterScores or None
        None when it could not speak.
    unavailable : str or None
        Why it could not speak; None when it did.
    """

    weight: float
    scores: MeterScores | None
    unavailable: str | None


@dataclass(frozen=True)
class Window:
    """The verdict on a stretch of the recording.

    Attributes
    ----------
    start_s, end_s : float
        Seconds.
    meter : int
    time_signature : str
    tempo_bpm : float
    confidence : float in [0, 1]
    changed : bool
        Whether the meter differs from the window before.
    """

    start_s: float
    end_s: float
    meter: int
    time_signature: str
    tempo_bpm: float
    confidence: float
    changed: bool


@dataclass(frozen=True)
class Analysis:
    """The verdict on a recording, with everything needed to doubt it.

    Attributes
    ----------
    path : str or None
        None when samples were given.
    duration_s : float
        Seconds.
    tempo_bpm : float
        Beats a minute of the tactus, the pulse to which one taps.
    meter : int
        Beats per bar: one of ``METERS``.
    time_signature : str
        A reading of the meter at that tempo, such as ``"7/8"``; not a fact.
    confidence : float in [0, 1]
        Calibrated probability that `meter` is right.
    runner_up : int
        The second most probable meter.
    scores : dict of int to float
        The fused distribution over the meters; sums to 1.
    signals : dict of str to SignalOutput
    polyrhythm : Polyrhythm or None
        Evidence for two simultaneous meters; None when no signal could tell.
    timeline : tuple of Window or None
        None unless :func:`beatmeter.pipeline.timeline` was asked for.
    beats, downbeats : ndarray of float, shape (n,)
        Seconds: the counted beats, and those that begin a bar, as found for `meter`.
    """

    path: str | None
    duration_s: float
    tempo_bpm: float
    meter: int
    time_signature: str
    confidence: float
    runner_up: int
    scores: dict[int, float]
    signals: dict[str, SignalOutput]
    polyrhythm: Polyrhythm | None
    timeline: tuple[Window, ...] | None
    beats: npt.NDArray[np.float64]
    downbeats: npt.NDArray[np.float64]
