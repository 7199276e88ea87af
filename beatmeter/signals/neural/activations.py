"""Beat and downbeat activations, from the network of our own or from one that the user names.

``BEATMETER_BEAT_NETWORK`` names another network: ``beatnet``, or a file that ``beatmeter beats
train`` wrote. ``BEATMETER_BEAT_THIS_CHECKPOINT`` names a checkpoint of Beat This!.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from beatmeter.errors import Abstain

if TYPE_CHECKING:
    from beatmeter.features.rhythm import Rhythm
    from beatmeter.signals.neural.frame_network import FrameNetwork

NETWORK_VARIABLE = "BEATMETER_BEAT_NETWORK"
BEAT_THIS_VARIABLE = "BEATMETER_BEAT_THIS_CHECKPOINT"
BEATNET = "beatnet"
NETWORK = "beats.npz"
"""The trained network, in this package."""


_BPM_RANGE = (30.0, 450.0)
"""Counted beats of the music that our network learned from."""
_STEADINESS = 30.0
"""Of 10 to 300 the best on works that it did not learn from, many of them in rubato."""


@dataclass(frozen=True)
class Activations:
    """Logits a frame.

    Attributes
    ----------
    beat, downbeat : ndarray of float, shape (frames,)
        Logits of a beat (downbeats included) and of a downbeat.
    frame_rate : int
        Frames a second.
    bpm_range : (float, float)
        Between which rates the network was taught to hear beats.
    steadiness : float
        The decoder's lambda: how much less likely a tempo is that differs from the one before.
    bar : ndarray of float, shape (frames, 13), optional
        Logits of :data:`~beatmeter.signals.neural.frame_network.BAR_CLASSES`, from a network that
        tells them.
    """

    beat: npt.NDArray[np.float64]
    downbeat: npt.NDArray[np.float64]
    frame_rate: int
    bpm_range: tuple[float, float] = (55.0, 215.0)
    steadiness: float = 100.0
    bar: npt.NDArray[np.float64] | None = None


class ActivationSource(Protocol):
    """A network that hears beats."""

    name: str

    def unavailable(self) -> str | None:
        """Why it cannot run here, or None."""
        ...

    def activations(self, rhythm: Rhythm) -> Activations:
        """Run it."""
        ...

    def weight_files(self) -> list[Path]:
        """The files of its networks, as far as they are here."""
        ...


class FrameNetworkSource:
    """The network of our own, or one like it that the user has trained.

    Parameters
    ----------
    path : Path, optional
        Its file; the one in this package by default.
    """

    name = "beatmeter"

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or Path(str(files("beatmeter.signals.neural") / NETWORK))

    def unavailable(self) -> str | None:
        """That its file is missing, or None."""
        if not self.path.is_file():
            return f"the network that hears beats is missing: {self.path}"
        return None

    def activations(self, rhythm: Rhythm) -> Activations:
        """Logits of beats, downbeats and bar lengths.

        Raises
        ------
        Abstain
            If the file is not a network.
        """
        from beatmeter.signals.neural import spectrogram

        try:
            network = _frame_network(self.path)
        except ValueError as error:
            raise Abstain(str(error)) from error
        samples = rhythm.resampled(spectrogram.SAMPLE_RATE)
        logits = network(spectrogram.log_mel(samples))
        return Activations(
            beat=logits.beat.astype(np.float64),
            downbeat=logits.downbeat.astype(np.float64),
            frame_rate=spectrogram.FRAMES_PER_SECOND,
            bpm_range=_BPM_RANGE,
            steadiness=_STEADINESS,
            bar=logits.bar.astype(np.float64),
        )

    def weight_files(self) -> list[Path]:
        """Its file."""
        return [self.path] if self.path.is_file() else []


def activation_source() -> ActivationSource:
    """The network that the user named, else the one of our own."""
    from beatmeter.signals.neural.beat_this import BeatThisSource
    from beatmeter.signals.neural.beatnet import BeatNetSource

    checkpoint = os.environ.get(BEAT_THIS_VARIABLE)
    if checkpoint:
        return BeatThisSource(Path(checkpoint))
    named = os.environ.get(NETWORK_VARIABLE)
    if named == BEATNET:
        return BeatNetSource()
    return FrameNetworkSource(Path(named) if named else None)


def activations_of(rhythm: Rhythm) -> Activations:
    """What the network hears in a recording; it runs once, whoever asks.

    Raises
    ------
    Abstain
        If the network cannot run here.
    """
    source = activation_source()
    reason = source.unavailable()
    if reason is not None:
        raise Abstain(reason)
    return rhythm.evidence(f"activations {source.name}", source.activations)


@cache
def _frame_network(path: Path) -> FrameNetwork:
    from beatmeter.signals.neural.frame_network import FrameNetwork

    return FrameNetwork.load(path)
