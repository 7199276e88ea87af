"""From a recording to an :class:`~beatmeter.analysis.Analysis`: sections, signals, fusion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from beatmeter._util.text import escape_control
from beatmeter.analysis import Analysis, ExcerptScores, SignalOutput, Window
from beatmeter.audio.excerpts import excerpts, windows
from beatmeter.audio.source import OpenSource, Source, open_source
from beatmeter.errors import Abstain, AudioError, PluginError
from beatmeter.features.rhythm import Rhythm
from beatmeter.fusion.effective import effective_weights, why_unavailable
from beatmeter.fusion.pool import REFERENCE_S, Prediction, fuse, inverse_temperature
from beatmeter.fusion.prior import REPERTOIRE, named_prior
from beatmeter.fusion.weights import Weights, complete_prior
from beatmeter.grid.estimate import estimate_grid
from beatmeter.grid.evidence import GridEvidence, gather_evidence
from beatmeter.meters import MeterScores, Polyrhythm
from beatmeter.plugins import installed_signals
from beatmeter.segmentation import (
    Excerpt,
    ask,
    find_stretches,
    fused_scores,
    in_main_meter,
    segments_of,
    window_meters,
)
from beatmeter.signal import Signal

VOTING, ALL = "voting", "all"
"""Which signals are asked: those with a weight, or every one that is installed."""

FAILED = "failed: "
"""How the reason begins when a signal is absent because it broke, not because it cannot speak."""


@dataclass(frozen=True)
class ExcerptResult:
    """What is kept of an excerpt when its samples are let go.

    Attributes
    ----------
    start_s, end_s : float
        Seconds.
    scores : dict of str to MeterScores
        By the signals that did not abstain.
    abstained : dict of str to str
        Why the others abstained.
    """

    start_s: float
    end_s: float
    scores: dict[str, MeterScores]
    abstained: dict[str, str]

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


class Ensemble:
    """Signals and their weights.

    Parameters
    ----------
    signals : mapping of str to Signal
    weights : Weights, optional
        Those in force when not given, as far as gate records vouch for them.
    not_asked : tuple of str
        Installed signals that were left out.
    """

    def __init__(
        self,
        signals: Mapping[str, Signal],
        weights: Weights | None = None,
        not_asked: tuple[str, ...] = (),
    ) -> None:
        self.signals = dict(signals)
        self.weights = effective_weights(self.signals) if weights is None else weights
        self.not_asked = not_asked

    @classmethod
    def installed(
        cls, selection: str = VOTING, prior: str | Mapping[int, float] = REPERTOIRE
    ) -> Ensemble:
        """The installed signals, as far as they are selected.

        Parameters
        ----------
        selection : str
            ``voting`` for those with a weight, and one that lends the grid what a network hears
            where none of them can; ``all``, names, or several of these with commas between them.
        prior : str or mapping of meter to float
            ``repertoire`` for that of ``weights.toml``, what
            :func:`beatmeter.fusion.prior.named_prior` takes, or relative probabilities, 1.0 for
            meters that are not named.

        Raises
        ------
        PluginError
            If a name is not that of a signal.
        WeightsError
            If there is no such prior, or a probability is below 0.001.
        """
        signals = installed_signals()
        weights = effective_weights(signals)
        if prior != REPERTOIRE:
            given = named_prior(prior) if isinstance(prior, str) else complete_prior(prior, "given")
            weights = replace(weights, prior=given)
        groups = {VOTING: _voting(signals, weights), ALL: set(signals)}
        groups |= {name: {name} for name in signals}
        asked: set[str] = set()
        for name in selection.split(","):
            if name.strip() not in groups:
                raise PluginError(f"signals: {name.strip()!r} (allowed: {', '.join(groups)})")
            asked |= groups[name.strip()]
        selected = {name: signal for name, signal in signals.items() if name in asked}
        return cls(selected, weights, tuple(name for name in signals if name not in asked))

    def voters(self) -> Ensemble:
        """The same ensemble without the signals that have no weight.

        Where none that has one lends the grid what a network hears, one that does stays.
        """
        names = _voting(self.signals, self.weights)
        voting = {name: signal for name, signal in self.signals.items() if name in names}
        return Ensemble(voting, self.weights)

    def listeners(self) -> Ensemble:
        """The same ensemble with only those signals that lend the grid what a network hears."""
        lending = {name: signal for name, signal in self.signals.items() if _lends(signal)}
        return Ensemble(lending, self.weights)

    def score_excerpt(self, rhythm: Rhythm, start_s: float = 0.0) -> ExcerptResult:
        """Ask every signal about one excerpt, which begins at `start_s`."""
        scores, abstained = {}, {}
        for name, signal in self.signals.items():
            try:
                scores[name] = _checked(signal.score(rhythm))
            except Abstain as reason:
                abstained[name] = escape_control(str(reason))
            except Exception as error:  # a signal may be foreign code: it alone is left out
                abstained[name] = f"{FAILED}{type(error).__name__}: {escape_control(str(error))}"
        return ExcerptResult(start_s, start_s + rhythm.duration_s, scores, abstained)

    def grid_evidence(self, rhythm: Rhythm, result: ExcerptResult) -> GridEvidence:
        """What the metrical grid of an excerpt is read from, once its signals were asked."""
        spoken = {name: s for name, s in self.signals.items() if name in result.scores}
        return gather_evidence(rhythm, spoken, self.weights.signals, result.start_s)

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
        try:
            return fuse(spoken, self.weights.signals, self.weights.prior, sharp)
        except Abstain as nobody:
            reasons = [o.unavailable for o in outputs.values() if o.weight > 0 and o.unavailable]
            if not reasons:
                raise
            raise Abstain(f"{nobody}: {max(reasons, key=reasons.count)}") from nobody

    def _output(self, results: Sequence[ExcerptResult], name: str) -> SignalOutput:
        weight = self.weights.signals.get(name, 0.0)
        spoken = [result.scores[name] for result in results if name in result.scores]
        if not spoken:
            return SignalOutput(weight, None, results[0].abstained[name])
        mean = np.mean([scores.values for scores in spoken], axis=0)
        scores = MeterScores.from_array(mean, spoken[0].kind, _strongest(spoken))
        return SignalOutput(weight, scores, None)


def _checked(scores: object) -> MeterScores:
    if not isinstance(scores, MeterScores):
        raise TypeError(f"scores are {scores!r} (allowed: MeterScores)")
    return scores


def _voting(signals: Mapping[str, Signal], weights: Weights) -> set[str]:
    """Signals with a weight; and one that lends the grid a network, where none of them can."""
    voting = {name for name in signals if weights.signals.get(name, 0.0) > 0}
    lending = [n for n, signal in signals.items() if _lends(signal) and not why_unavailable(signal)]
    return voting if voting.intersection(lending) else voting.union(lending[:1])


def _lends(signal: Signal) -> bool:
    """Whether a signal lends the grid what a network hears."""
    return hasattr(signal, "activations") or hasattr(signal, "bars")


def score_excerpts(recording: OpenSource, ensemble: Ensemble) -> list[ExcerptResult]:
    """Ask an ensemble about the excerpts that together stand for a recording.

    Raises
    ------
    AudioError
        If it cannot be decoded, is shorter than two seconds, or silent.
    """
    results = [
        ensemble.score_excerpt(Rhythm(samples, recording.sample_rate, recording.path), start)
        for start, samples in recording.excerpts(excerpts(recording.duration_s))
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
    source : path, bytes, binary file, array_like or (array_like, sample rate)
        A file, its content, or samples of shape (n,), (n, channels) or (channels, n).
    sample_rate : int, optional
        Hz; needed with samples alone.
    ensemble : Ensemble, optional
        Instead of the installed signals that have a weight: :meth:`Ensemble.installed`.

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
    ensemble = ensemble or Ensemble.installed()
    with open_source(source, sample_rate) as recording:
        path, duration_s = recording.path, recording.duration_s
        try:
            stretches = find_stretches(recording, ensemble)
        except Abstain as reason:
            raise AudioError(f"{recording.name}: no meter can be told ({reason})") from reason
    main = in_main_meter(stretches, ensemble)
    prediction = main.prediction
    heard = [excerpt for stretch in stretches for excerpt in stretch.excerpts]
    meters = {stretch.meter for stretch in stretches}
    return Analysis(
        path=path,
        duration_s=duration_s,
        meter=prediction.meter,
        confidence=prediction.confidence,
        runner_up=prediction.runner_up,
        scores=prediction.scores,
        signals=main.outputs,
        not_asked=ensemble.not_asked,
        polyrhythm=_simultaneous(main.outputs, meters),
        segments=segments_of(stretches, duration_s),
        excerpts=tuple(
            ExcerptScores(e.result.start_s, e.result.end_s, scores, e.result.scores)
            for e, scores in _fused(heard, ensemble)
        ),
    )


def beats(
    source: Source, sample_rate: int | None = None, ensemble: Ensemble | None = None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Tell the beats of a recording, and their places in bars.

    Parameters and errors are those of :func:`analyze`.

    Returns
    -------
    times : ndarray of float, shape (n,)
        Counted beats, in seconds.
    positions : ndarray of int, shape (n,)
        Place of each in its bar; 1 is a downbeat, 0 means that no bar is heard.

    Examples
    --------
    >>> import beatmeter
    >>> times, positions = beatmeter.beats("take_five.flac")  # doctest: +SKIP
    >>> downbeats = times[positions == 1]  # doctest: +SKIP
    """
    analysis = analyze(source, sample_rate, (ensemble or Ensemble.installed()).voters())
    return analysis.beats, analysis.positions


def _fused(
    heard: Iterable[Excerpt], ensemble: Ensemble
) -> Iterator[tuple[Excerpt, dict[int, float]]]:
    """Excerpts in which a signal with a weight spoke, each with its fused distribution."""
    for excerpt in heard:
        try:
            scores = fused_scores(excerpt, ensemble)
        except Abstain:
            continue
        yield excerpt, scores


def _simultaneous(outputs: Mapping[str, SignalOutput], in_turn: set[int]) -> Polyrhythm | None:
    """Evidence for two meters at once; meters that follow each other are no such evidence."""
    evidence = _strongest([o.scores for o in outputs.values() if o.scores is not None])
    if evidence is not None and set(evidence.meters) <= in_turn:
        return replace(evidence, found=False)
    return evidence


def timeline(
    source: Source, sample_rate: int | None = None, ensemble: Ensemble | None = None
) -> tuple[Window, ...]:
    """The meter of a recording over overlapping windows of 12 s, one every 6 s.

    Parameters and errors are those of :func:`analyze`. Only signals with a weight are asked.
    Windows in which nothing can be told are left out. A meter goes on unless the evidence against
    it is strong, so that a stray window is no change; a change is marked against the window before.
    """
    ensemble = (ensemble or Ensemble.installed()).voters()
    with open_source(source, sample_rate) as recording:
        heard = list(_fused(ask(recording, windows(recording.duration_s), ensemble), ensemble))
    found: list[Window] = []
    meters = window_meters([excerpt for excerpt, _ in heard], ensemble)
    for (excerpt, scores), meter in zip(heard, meters, strict=True):
        grid = estimate_grid([excerpt.evidence], meter)
        found.append(
            Window(
                start_s=excerpt.result.start_s,
                end_s=excerpt.result.end_s,
                scores=scores,
                signals=excerpt.result.scores,
                meter=meter,
                time_signature=grid.time_signature,
                tempo_bpm=grid.tempo_bpm,
                confidence=scores[meter],
                changed=bool(found) and found[-1].meter != meter,
            )
        )
    return tuple(found)


def _strongest(spoken: Sequence[MeterScores]) -> Polyrhythm | None:
    evidence = [scores.polyrhythm for scores in spoken if scores.polyrhythm is not None]
    return max(evidence, key=lambda e: (e.found, e.probability - e.threshold), default=None)
