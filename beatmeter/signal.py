"""What a signal is: something that hears a rhythm and scores the meters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from beatmeter.features.rhythm import Rhythm
    from beatmeter.meters import MeterScores


@runtime_checkable
class Signal(Protocol):
    """One opinion in the ensemble.

    Attributes
    ----------
    name : str
        Lower-case identifier, unique in the ensemble. Its weight is ``W_<NAME>`` in
        ``weights.toml``, and 0.0 when it is not named there.

    Notes
    -----
    A signal whose answers depend on files of its own, such as a checkpoint, says which ones by a
    method ``fingerprint() -> str``: another text for other files, cheap to compute, and the same
    in every process. Gate records and cached predictions hold for one fingerprint. Where a user
    may choose the checkpoint, the environment variable ``BEATMETER_<NAME>_CHECKPOINT`` names it.

    Three methods help the metrical grid, which asks a signal that has them. ``activations(rhythm)``
    returns the beats and downbeats that a network hears, as
    :class:`~beatmeter.signals.neural.activations.Activations`; ``bars(rhythm)`` returns what a
    network hears of bars on each of ``rhythm.pulses``, as
    :class:`~beatmeter.signals.neural.bar_network.BarLogits`; ``weigh(rhythm)`` returns logarithms
    of how probable each meter is on each of them, of shape (pulses, 6).

    A signal that computes in whatever precision suits the machine has a method
    ``for_measuring() -> Signal``, which returns the same signal in one precision for all machines.
    """

    name: str

    def unavailable(self) -> str | None:
        """Why this signal cannot run on this machine at all, or None; must be cheap."""
        ...

    def score(self, rhythm: Rhythm) -> MeterScores:
        """Score the meters of one recording.

        Raises
        ------
        Abstain
            If there is no opinion on this recording; the message says why.
        """
        ...
