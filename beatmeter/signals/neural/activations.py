"""What a network hears in a recording: logits of beats and downbeats at every frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from beatmeter.features.rhythm import Rhythm


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

    @cached_property
    def bar_logs(self) -> npt.NDArray[np.float64] | None:
        """Log probabilities instead of the logits of `bar`: shape (frames, 13)."""
        if self.bar is None:
            return None
        logs: npt.NDArray[np.float64] = self.bar - np.logaddexp.reduce(
            self.bar, axis=1, keepdims=True
        )
        return logs


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
