"""From a recording to an :class:`~beatmeter.analysis.Analysis`: sections, signals, fusion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from beatmeter.analysis import Analysis, SignalOpinion, Window
from beatmeter.ensemble import REFERENCE_S, Verdict, fuse, sharpness
from beatmeter.errors import AudioError, CannotSpeak
from beatmeter.gate.honour import honoured_weights
from beatmeter.meters import METERS, MeterScores, Polyrhythm
from beatmeter.plugins import installed_signals
from beatmeter.printable import printable
from beatmeter.reading import Reading, read_as
from beatmeter.rhythm import Rhythm
from beatmeter.sections import sections, windows
from beatmeter.signal import Signal
from beatmeter.sources import OpenSource, Source, open_source
from beatmeter.weights import Weights

FAILED = "failed: "
"""How the reason begins when a signal is absent because it broke, not because it cannot speak."""


@dataclass(frozen=True)
class Heard:
    """What remains of a section when its samples are let go.

    Attributes
    ----------
    start_s, end_s : float
        Seconds.
    tempo_bpm : float
    scores : dict of str to MeterScores
        By the signals that spoke.
    silent : dict of str to str
        Why the others did not.
    readings : dict of int to Reading
        How the section may be counted in each meter; times within the recording.
    """

    start_s: float
    end_s: float
    tempo_bpm: float
    scores: dict[str, MeterScores]
    silent: dict[str, str]
    readings: dict[int, Reading]

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


class Ensemble:
    """Signals and their weights, ready to listen.

    Parameters
    ----------
    signals : mapping of str to Signal, optional
        All that are installed when not given.
    weights : Weights, optional
        Those of ``weights.toml`` when not given, as far as gate records vouch for them.
    """

    def __init__(
        self, signals: Mapping[str, Signal] | None = None, weights: Weights | None = None
    ) -> None:
        self.signals = installed_signals() if signals is None else dict(signals)
        self.weights = honoured_weights(self.signals) if weights is None else weights

    def voters(self) -> Ensemble:
        """The same ensemble without the signals that have no weight."""
        weights = self.weights.signals
        voting = {n: signal for n, signal in self.signals.items() if weights.get(n, 0.0) > 0}
        return Ensemble(voting, self.weights)

    def hear(self, rhythm: Rhythm, start_s: float = 0.0) -> Heard:
        """Ask every signal about one section, which begins at `start_s`."""
        scores, silent = {}, {}
        for name, signal in self.signals.items():
            try:
                scores[name] = signal.score(rhythm)
            except CannotSpeak as reason:
                silent[name] = str(reason)
            except Exception as error:  # a signal may be foreign code: it alone is left out
                silent[name] = f"{FAILED}{type(error).__name__}: {printable(str(error))}"
        return Heard(
            start_s=start_s,
            end_s=start_s + rhythm.duration_s,
            tempo_bpm=rhythm.tempo_bpm,
            scores=scores,
            silent=silent,
            readings={meter: read_as(rhythm, meter).shifted(start_s) for meter in METERS},
        )

    def opinions(self, heard: Sequence[Heard]) -> dict[str, SignalOpinion]:
        """Each signal's mean opinion over sections."""
        return {name: self._opinion(heard, name) for name in self.signals}

    def verdict(
        self, opinions: Mapping[str, SignalOpinion], heard_s: float = REFERENCE_S
    ) -> Verdict:
        """Fuse opinions.

        Parameters
        ----------
        opinions : mapping of str to SignalOpinion
        heard_s : float
            Seconds on which they rest: the confidence grows with them.

        Raises
        ------
        CannotSpeak
            If no signal with a weight spoke.
        """
        spoken = {n: o.scores for n, o in opinions.items() if o.scores is not None}
        sharp = float(sharpness(heard_s, self.weights.growth))
        return fuse(spoken, self.weights.signals, self.weights.prior, sharp)

    def _opinion(self, heard: Sequence[Heard], name: str) -> SignalOpinion:
        weight = self.weights.signals.get(name, 0.0)
        spoken = [section.scores[name] for section in heard if name in section.scores]
        if not spoken:
            return SignalOpinion(weight, None, heard[0].silent[name])
        mean = np.mean([scores.values for scores in spoken], axis=0)
        scores = MeterScores.from_array(mean, spoken[0].kind, _strongest(spoken))
        return SignalOpinion(weight, scores, None)


def listen(recording: OpenSource, ensemble: Ensemble) -> list[Heard]:
    """Let an ensemble hear the sections that together speak for a recording.

    Raises
    ------
    AudioError
        If it cannot be decoded, is shorter than two seconds, or silent.
    """
    spans = sections(recording.duration_s)
    heard = [ensemble.hear(rhythm, start) for start, rhythm in recording.rhythms(spans)]
    if not heard:
        raise AudioError(f"{recording.name}: is silent (allowed: something to hear)")
    return heard


def analyze(
    source: Source, sample_rate: int | None = None, ensemble: Ensemble | None = None
) -> Analysis:
    """Tell the meter of a recording.

    Parameters
    ----------
    source : str, Path, or array_like of shape (n,) or (n, channels)
        A file, or samples.
    sample_rate : int, optional
        Hz; needed with samples, and only with them.
    ensemble : Ensemble, optional
        Instead of all installed signals at the weights of ``weights.toml``.

    Returns
    -------
    Analysis
        Long recordings are heard in sections of about 30 s, whose opinions are averaged.

    Raises
    ------
    AudioError
        If the recording cannot be read, is shorter than two seconds, silent, or without rhythm.

    Examples
    --------
    >>> import beatmeter
    >>> beatmeter.analyze("take_five.flac").meter  # doctest: +SKIP
    5
    """
    ensemble = ensemble or Ensemble()
    with open_source(source, sample_rate) as recording:
        heard = listen(recording, ensemble)
    opinions = ensemble.opinions(heard)
    try:
        verdict = ensemble.verdict(opinions, sum(section.duration_s for section in heard))
    except CannotSpeak as reason:
        raise AudioError(f"{recording.name}: no meter can be told ({reason})") from reason
    readings = [section.readings[verdict.meter] for section in heard]
    return Analysis(
        path=recording.path,
        duration_s=recording.duration_s,
        tempo_bpm=float(np.median([section.tempo_bpm for section in heard])),
        meter=verdict.meter,
        time_signature=Counter(r.time_signature for r in readings).most_common(1)[0][0],
        confidence=verdict.confidence,
        runner_up=verdict.runner_up,
        scores=verdict.scores,
        signals=opinions,
        polyrhythm=_strongest([o.scores for o in opinions.values() if o.scores is not None]),
        timeline=None,
        beats=np.concatenate([reading.beats for reading in readings]),
        downbeats=np.concatenate([reading.downbeats for reading in readings]),
    )


def timeline(
    source: Source, sample_rate: int | None = None, ensemble: Ensemble | None = None
) -> tuple[Window, ...]:
    """The meter of a recording over overlapping windows of 12 s, one every 6 s.

    Parameters and errors are those of :func:`analyze`. Only signals with a weight are asked.
    Windows in which nothing can be told are left out; a change is marked against the window before.
    """
    ensemble = (ensemble or Ensemble()).voters()
    found: list[Window] = []
    with open_source(source, sample_rate) as recording:
        for start, rhythm in recording.rhythms(windows(recording.duration_s)):
            heard = ensemble.hear(rhythm, start)
            try:
                verdict = ensemble.verdict(ensemble.opinions([heard]), heard.duration_s)
            except CannotSpeak:
                continue
            found.append(
                Window(
                    start_s=heard.start_s,
                    end_s=heard.end_s,
                    meter=verdict.meter,
                    time_signature=heard.readings[verdict.meter].time_signature,
                    tempo_bpm=heard.tempo_bpm,
                    confidence=verdict.confidence,
                    changed=bool(found) and found[-1].meter != verdict.meter,
                )
            )
    return tuple(found)


def _strongest(spoken: Sequence[MeterScores]) -> Polyrhythm | None:
    evidence = [scores.polyrhythm for scores in spoken if scores.polyrhythm is not None]
    return max(evidence, key=lambda e: (e.found, e.probability - e.threshold), default=None)
