"""What the signals that listen to a network for beats have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beatmeter._util.hashing import hash_files
from beatmeter.signals.calibrated import CalibratedSignal

if TYPE_CHECKING:
    from beatmeter.features.rhythm import Rhythm
    from beatmeter.signals.neural.activations import Activations


class NeuralSignal(CalibratedSignal):
    """A signal that takes its evidence from the activations of a network for beats."""

    def unavailable(self) -> str | None:
        """What is missing or has to be installed, or None."""
        from beatmeter.signals.neural.sources import activation_source

        return activation_source().unavailable()

    def fingerprint(self) -> str:
        """Hashes of the network's files."""
        from beatmeter.signals.neural.sources import activation_source

        paths = activation_source().weight_files()
        return " ".join(hash_files(path.parent, [path]) for path in paths)

    def activations(self, rhythm: Rhythm) -> Activations:
        """The network's activations, which the grid uses as well.

        Raises
        ------
        Abstain
            If the network cannot run here.
        """
        from beatmeter.signals.neural.sources import activations_of

        return activations_of(rhythm)
