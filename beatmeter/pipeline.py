"""From a recording to an :class:`~beatmeter.analysis.Analysis`: sections, signals, fusion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from beatmeter._util.text import escape_control
from beatmeter.analysis import Analysis, SignalOutput, Window
from beatmeter.audio.excerpts import excerpts, windows
from beatmeter.audio.source import OpenSource, Source, open_source
from beatmeter.errors import Abstain, AudioError
from beatmeter.features.rhythm import Rhythm
from beatmeter.fusion.effective import effective_weights
from beatmeter.fusion.pool import REFERENCE_S, Prediction, fuse, inverse_temperature
from beatmeter.fusion.weights import Weights
from beatmeter.grid.estimate import MetricalGrid, estimate_grid
from beatmeter.meters import METERS, MeterScores, Polyrhythm
from beatmeter.plugins import installed_signals
from beatmeter.signal import Signal

FAILED = "failed: "
"""How the reason begins when a signal is absent because it broke, not because it cannot speak."""


@dataclass(frozen=True)
class ExcerptResult:
    """What is kept of an excerpt when its samples are let go.

    Attributes
    ----------
    start_s, end_s : float
        Seconds.
    tempo_bpm : float
    scores : dict of str to MeterScores
        By the signals that did not abstain.
    abstained : dict of str to str
        Why the others abstained.
    grids : dict of int to MetricalGrid
        The best grid for each meter; times within the recording.
    """

    start_s: float
    end_s: float
    tempo_bpm: float
    scores: dict[str, MeterScores]
    abstained: dict[str, str]
    grids: dict[int, MetricalGrid]

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


class Ensemble:
    """Signals and their weights.

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
        self.weights = effective_weights(self.signals) if weights is None else weights

    def voters(self) -> Ensemble:
        """The same ensemble without the signals that have no weight."""
        weights = self.weights.signals
        voting = {n: signal for n, signal in self.signals.items() if weights.get(n, 0.0) > 0}
        return Ensemble(voting, self.weights)

    def score_excerpt(self, rhythm: Rhythm, start_s: float = 0.0) -> ExcerptResult:
        """Ask every signal about one excerpt, which begins at `start_s`."""
        scores, abstained = {}, {}
        for name, signal in self.signals.items():
            try:
                scores[name] = signal.score(rhythm)
            except Abstain as reason:
                abstained[name] = str(reason)
            except Exception as error:  # a signal may be foreign code: it alone is left out
                abstained[name] = f"{FAILED}{type(error).__name__}: {escape_control(str(error))}"
        return ExcerptResult(
            start_s=start_s,
            end_s=start_s + rhythm.duration_s,
            tempo_bpm=rhythm.tempo_bpm,
            scores=scores,
            abstained=abstained,
            grids={meter: estimate_grid(rhythm, meter).shifted(start_s) for meter in METERS},
        )

    def outputs(self, results: Sequence[ExcerptResult]) -> dict[str, SignalOutput]:
        """Each signal's mean output over excerpts."""
        return {name: self._output(results, name) for name in self.signals}

    def predict(
        self, outputs: Mapping[str, SignalOutput], heard_s: float = REFERENCE_S
    ) -> Prediction:
        """Fuse outputs.

        Parameters
        ----------
        outputs : mapping of str to SignalOutput
        heard_s : float
            Seconds on which they rest: the confidence grows with them.

        Raises
        ------
        Abstain
            If no signal with a weight spoke.
        """
        spoken = {n: o.scores for n, o in outputs.items() if o.scores is not None}
        sharp = float(inverse_temperature(heard_s, self.weights.growth))
        return fuse(spoken, self.weights.signals, self.weights.prior, sharp)

    def _output(self, results: Sequence[ExcerptResult], name: str) -> SignalOutput:
        weight = self.weights.signals.get(name, 0.0)
        spoken = [result.scores[name] for result in results if name in result.scores]
        if not spoken:
            return SignalOutput(weight, None, results[0].abstained[name])
        mean = np.mean([scores.values for scores in spoken], axis=0)
        scores = MeterScores.from_array(mean, spoken[0].kind, _strongest(spoken))
        return SignalOutput(weight, scores, None)


def score_excerpts(recording: OpenSource, ensemble: Ensemble) -> list[ExcerptResult]:
    """Ask an ensemble about the excerpts that together stand for a recording.

    Raises
    ------
    AudioError
        If it cannot be decoded, is shorter than two seconds, or silent.
    """
    spans = excerpts(recording.duration_s)
    results = [
        ensemble.score_excerpt(Rhythm(samples, recording.sample_rate, recording.path), start)
        for start, samples in recording.excerpts(spans)
    ]
    if not results:
        raise AudioError(f"{recording.name}: is silent (allowed: something to hear)")
    return results


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
        Long recordings are heard in sections of about 30 s, whose outputs are averaged.

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
        results = score_excerpts(recording, ensemble)
    outputs = ensemble.outputs(results)
    try:
        prediction = ensemble.predict(outputs, sum(result.duration_s for result in results))
    except Abstain as reason:
        raise AudioError(f"{recording.name}: no meter can be told ({reason})") from reason
    grids = [result.grids[prediction.meter] for result in results]
    return Analysis(
        path=recording.path,
        duration_s=recording.duration_s,
        tempo_bpm=float(np.median([result.tempo_bpm for result in results])),
        meter=prediction.meter,
        time_signature=Counter(r.time_signature for r in grids).most_common(1)[0][0],
        confidence=prediction.confidence,
        runner_up=prediction.runner_up,
        scores=prediction.scores,
        signals=outputs,
        polyrhythm=_strongest([o.scores for o in outputs.values() if o.scores is not None]),
        timeline=None,
        beats=np.concatenate([grid.beats for grid in grids]),
        downbeats=np.concatenate([grid.downbeats for grid in grids]),
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
        for start, samples in recording.excerpts(windows(recording.duration_s)):
            result = ensemble.score_excerpt(
                Rhythm(samples, recording.sample_rate, recording.path), start
            )
            try:
                prediction = ensemble.predict(ensemble.outputs([result]), result.duration_s)
            except Abstain:
                continue
            found.append(
                Window(
                    start_s=result.start_s,
                    end_s=result.end_s,
                    meter=prediction.meter,
                    time_signature=result.grids[prediction.meter].time_signature,
                    tempo_bpm=result.tempo_bpm,
                    confidence=prediction.confidence,
                    changed=bool(found) and found[-1].meter != prediction.meter,
                )
            )
    return tuple(found)


def _strongest(spoken: Sequence[MeterScores]) -> Polyrhythm | None:
    evidence = [scores.polyrhythm for scores in spoken if scores.polyrhythm is not None]
    return max(evidence, key=lambda e: (e.found, e.probability - e.threshold), default=None)
