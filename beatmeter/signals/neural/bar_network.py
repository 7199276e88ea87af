"""The bar network, run by numpy alone: downbeats and the length of the bar on a pulse.

It hears a pulse beat by beat (:mod:`beatmeter.signals.neural.bar_features`), so that a bar looks
the same at every tempo: one linear layer, residual layers of dilated convolution over beats, and
heads for each beat and, from the mean and the maximum over all beats, for the whole pulse. Batch
normalisation is folded into the weights. It reads what the frame network hears, and belongs to the
frame network that it learned from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from beatmeter.meters import METERS
from beatmeter.signals.neural.frame_network import read_network, windows

Floats = npt.NDArray[np.float32]

BARS = "bars.npz"
"""The trained network, in this package."""
PULSE_LENGTHS = tuple(range(2, 17))
"""Beats of the pulse in a bar that the length head tells apart, before "other" and "none"."""
LENGTH_CLASSES = (*PULSE_LENGTHS, "other", "none")
METER_CLASSES = (*METERS, "other", "none")
MOST_DEVIATIONS = 5.0
"""Features farther from their mean say no more."""


@dataclass(frozen=True)
class BarLogits:
    """What the network says of a pulse.

    Attributes
    ----------
    downbeat : ndarray of float32, shape (beats,)
        Logit of each beat being a downbeat.
    length : ndarray of float32, shape (17,)
        Log probabilities of ``LENGTH_CLASSES``.
    meter : ndarray of float32, shape (8,)
        Log probabilities of ``METER_CLASSES``.
    counted : float
        Logit of the pulse being the counted beat.
    """

    downbeat: Floats
    length: Floats
    meter: Floats
    counted: float


@dataclass(frozen=True)
class BarNetwork:
    """A trained network.

    Attributes
    ----------
    dilations : tuple of int
        Of each residual layer, in beats.
    frame_network : str
        SHA-256 of the file of the frame network that it learned from.
    weights : mapping of str to ndarray of float32
    """

    dilations: tuple[int, ...]
    frame_network: str
    weights: Mapping[str, Floats] = field(repr=False)

    @classmethod
    def load(cls, path: Path) -> BarNetwork:
        """Read a file that ``beatmeter beats train-bars`` wrote.

        Raises
        ------
        ValueError
            If it is no such file.
        """
        config, weights = read_network(path, "bar network")
        try:
            dilations = tuple(int(dilation) for dilation in config["dilations"])
            return cls(dilations, str(config["frame_network"]), weights)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: not a bar network: {error}") from error

    def __call__(self, features: Floats) -> BarLogits:
        """Run the network over a pulse.

        Parameters
        ----------
        features : ndarray of float32, shape (beats, d)
            From :meth:`beatmeter.signals.neural.bar_features.HeardFrames.on`.
        """
        w = self.weights
        scaled = features * w["input.scale"] + w["input.shift"]
        hidden = _rectified(
            self._linear("input", np.clip(scaled, -MOST_DEVIATIONS, MOST_DEVIATIONS))
        )
        for number, dilation in enumerate(self.dilations):
            layer = f"layers.{number}"
            normed = hidden * w[f"{layer}.scale"] + w[f"{layer}.shift"]
            inner = _rectified(self._linear(layer, windows(normed, dilation)))
            hidden = hidden + self._linear(f"{layer}.mix", inner)
        pooled = np.concatenate([hidden.mean(axis=0), hidden.max(axis=0)])
        pulse = _rectified(self._linear("pooled", pooled))
        beats = _rectified(hidden + self._linear("back", pulse))
        downbeat = self._linear("downbeat.1", _rectified(self._linear("downbeat.0", beats)))
        return BarLogits(
            downbeat=downbeat[:, 0],
            length=_log_probabilities(self._linear("length", pulse)),
            meter=_log_probabilities(self._linear("meter", pulse)),
            counted=float(self._linear("counted", pulse)[0]),
        )

    def _linear(self, name: str, values: Floats) -> Floats:
        product: Floats = values @ self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]
        return product


def meter_log_probabilities(pulses: Sequence[BarLogits]) -> Floats:
    """Of ``METER_CLASSES``, pulses summed out by how likely each is to be counted: shape (8,).

    Parameters
    ----------
    pulses : sequence of BarLogits
        Of one recording, at least one.
    """
    from scipy.special import log_softmax, logsumexp

    shares = log_softmax(np.array([pulse.counted for pulse in pulses]))
    meters = np.array([pulse.meter for pulse in pulses], dtype=np.float64)
    summed: Floats = logsumexp(shares[:, None] + meters, axis=0)
    return summed


def bar_network_path() -> Path:
    """The file of the network in this package."""
    return Path(str(files("beatmeter.signals.neural") / BARS))


@cache
def load_bar_network() -> BarNetwork:
    """The network in this package."""
    return BarNetwork.load(bar_network_path())


def _rectified(values: Floats) -> Floats:
    return np.maximum(values, np.float32(0.0))


def _log_probabilities(logits: Floats) -> Floats:
    logs: Floats = logits - np.logaddexp.reduce(logits)
    return logs
