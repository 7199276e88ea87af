"""A lag bank: convolutions initialised to compare every band with itself some time earlier.

The first one takes from each band the same band a lag earlier. Rectified, averaged over groups of
bands by the second one, and over time by what comes after, the difference is small where the music
comes back after that time: the beat spectrum (Foote and Uchihashi, "The beat spectrum: a new
approach to rhythm analysis", 2001), by which Gainza finds meters ("Automatic musical meter
detection", 2009). So the network begins with a rhythm's periods, which random weights would have to
find.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
import torch

if TYPE_CHECKING:
    from torch import Tensor

SHORTEST_FRAMES = 3.0
LONGEST_SHARE = 0.92
"""Of the width of the convolution."""

LINEAR_GAIN, BENT_GAIN = 1.2, 2.8
OTHERS_GAIN = 0.1
"""Of what is passed on beside the lags, which are to be the most of what is normalised."""
BEND = 1.0
"""What sounds counts for more up to here than beyond, as under a logarithm."""


@dataclass(frozen=True)
class LagShape:
    """What three convolutions can hold as a bank of lags.

    Attributes
    ----------
    bands : int
        Wide bands, each there twice.
    groups : int
        Groups of neighbouring bands. The means begin with the first group's lags, from short to
        long, then come the next group's.
    """

    bands: int
    lags: int
    groups: int

    @classmethod
    def of(cls, bands: Any, lags: Any, means: Any) -> Self | None:
        """Read it off convolutions, or tell that they have other shapes.

        Parameters
        ----------
        bands, lags, means : Conv1d
            As of :func:`init_bands`, :func:`init_lags` and :func:`init_means`.
        """
        others = bands.out_channels
        wide, odd = divmod(others, 2)
        if not wide or odd or means.kernel_size[0] != 1:
            return None
        count, left = divmod(lags.out_channels - others, wide)
        if count < 1 or left or LONGEST_SHARE * lags.kernel_size[0] <= SHORTEST_FRAMES:
            return None
        groups, left = divmod(means.out_channels - others, count)
        if left or not 1 <= groups <= wide:
            return None
        return cls(wide, count, groups)

    def spectra(self, means: Tensor) -> Tensor:
        """Beat spectra, shape (n, groups, lags), out of means over time, shape (n, channels)."""
        return means[:, : self.groups * self.lags].reshape(-1, self.groups, self.lags)

    def shifted(self, means: Tensor, offset: int) -> Tensor:
        """Move beat spectra to lags so many places longer; their ends are drawn out.

        Parameters
        ----------
        means : Tensor, shape (n, channels)
        offset : int
            Shorter if negative.
        """
        places = torch.arange(self.lags, device=means.device) - offset
        moved = self.spectra(means)[..., places.clamp(0, self.lags - 1)].flatten(1)
        return torch.cat([moved, means[:, moved.shape[1] :]], dim=1)


def init_bands(convolution: Any, envelopes: int) -> None:
    """Initialise a convolution as envelopes of a few bands, each twice: as they are, and bent.

    Parameters
    ----------
    convolution : Conv1d
        Its first inputs are envelopes of narrow bands; its outputs, an even number of them,
        become half as many wide bands, then what those lack to :data:`BEND`.
    """
    outputs, _, taps = convolution.weight.shape
    wide = outputs // 2
    narrow = np.array_split(np.arange(envelopes), wide)
    with torch.no_grad():
        convolution.weight.zero_()
        convolution.bias.zero_()
        convolution.bias[wide:] = BEND
        for band, members in enumerate(narrow):
            convolution.weight[band, members] = 1 / (len(members) * taps)
            convolution.weight[wide + band, members] = -1 / (len(members) * taps)


def init_lags(convolution: Any, shape: LagShape) -> None:
    """Initialise a convolution as every band less itself a lag earlier, and the bands themselves.

    Parameters
    ----------
    convolution : Conv1d
        Its inputs are those of :func:`init_bands`; its outputs become the bands of each lag,
        lag after lag, and last the inputs.
    shape : LagShape
    """
    outputs, inputs, taps = convolution.weight.shape
    bands = shape.bands
    lags = lags_in_frames(shape.lags, taps)
    with torch.no_grad():
        convolution.weight.zero_()
        convolution.bias.zero_()
        for number, lag in enumerate(lags):
            difference = torch.from_numpy(lag_filter(lag, taps))
            for band in range(bands):
                output = number * bands + band
                convolution.weight[output, band] = LINEAR_GAIN * difference
                convolution.weight[output, bands + band] = -BENT_GAIN * difference
        for channel in range(inputs):
            convolution.weight[outputs - inputs + channel, channel, taps // 2] = 1.0


def init_means(convolution: Any, shape: LagShape) -> None:
    """Initialise a convolution of one frame as the mean of each lag over each group of bands.

    Parameters
    ----------
    convolution : Conv1d
        Its inputs are those of :func:`init_lags`, its outputs the lags of each group and the
        last inputs.
    shape : LagShape
    """
    others = 2 * shape.bands
    with torch.no_grad():
        convolution.weight.zero_()
        convolution.bias.zero_()
        for group, members in enumerate(np.array_split(np.arange(shape.bands), shape.groups)):
            for lag in range(shape.lags):
                inputs = lag * shape.bands + members
                convolution.weight[group * shape.lags + lag, inputs, 0] = 1 / len(members)
        for channel in range(-others, 0):
            convolution.weight[channel, channel, 0] = OTHERS_GAIN


def lags_in_frames(count: int, taps: int) -> list[float]:
    """Lags of a convolution of `taps` frames, evenly spaced in octaves."""
    return [float(lag) for lag in np.geomspace(SHORTEST_FRAMES, LONGEST_SHARE * taps, count)]


def lag_filter(lag: float, taps: int) -> npt.NDArray[np.float32]:
    """Make a filter that takes from what sounds what sounded a lag earlier: shape (taps,).

    Parameters
    ----------
    lag : float
        Frames, less than `taps`; its ends lie as far before the middle as behind, and one between
        two frames is shared by them.
    """
    frames = np.arange(taps)
    earlier, later = (
        np.maximum(0.0, 1.0 - np.abs(frames - (taps - 1) / 2 - side * lag / 2)) for side in (-1, 1)
    )
    difference: npt.NDArray[np.float32] = (later - earlier).astype(np.float32)
    return difference
