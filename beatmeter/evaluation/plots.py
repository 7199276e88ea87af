"""Plots that several reports share, drawn on given axes of matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from beatmeter._util.arrays import Floats
from beatmeter.evaluation.reliability import ReliabilityBin

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, QUIET = "#22313f", "#8a97a3"
BLUE, YELLOW, RED, GREEN = "#1d5b79", "#edae49", "#d1495b", "#66a182"
_DARK = 0.6
"""A cell of a matrix from here on is so dark that its text is white."""


def draw_matrix(
    axes: Axes,
    values: Floats,
    texts: npt.NDArray[np.str_],
    rows: Sequence[str],
    columns: Sequence[str],
    colours: str = "Blues",
    lowest: float = 0.0,
) -> None:
    """Draw a table of shaded cells.

    Parameters
    ----------
    values : ndarray of float, shape (rows, columns), up to 1
        How dark each cell is.
    texts : ndarray of str, shape (rows, columns)
    rows, columns : sequence of str
        Their names.
    colours : str
        A colour map of matplotlib.
    lowest : float
        The value at its lower end.
    """
    axes.imshow(values, cmap=colours, vmin=lowest, vmax=1.0)
    for row, column in np.ndindex(values.shape):
        colour = "white" if abs(values[row, column]) > _DARK else INK
        axes.text(column, row, str(texts[row, column]), ha="center", va="center", color=colour)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)


def draw_bars(
    axes: Axes, names: Sequence[str], heights: Mapping[str, Sequence[float]]
) -> dict[str, Floats]:
    """Draw a group of bars for each name, their heights in [0, 1], those that are NaN left out.

    Parameters
    ----------
    names : sequence of str, length n
    heights : mapping of str to sequence of float, length n
        By label; up to three.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        Where the bars of each label stand.
    """
    width = 0.8 / len(heights)
    offsets = (np.arange(len(heights)) - (len(heights) - 1) / 2) * width
    places = {}
    for label, offset, colour in zip(heights, offsets, (BLUE, YELLOW, QUIET), strict=False):
        places[label] = np.arange(len(names)) + offset
        drawn = np.nan_to_num(np.asarray(heights[label], np.float64))
        axes.bar(places[label], drawn, 0.95 * width, label=label, color=colour)
    axes.set_xticks(range(len(names)), names)
    axes.set_ylim(0, 1)
    put_legend(axes, len(heights))
    return places


def draw_reliability(axes: Axes, bins: Sequence[ReliabilityBin]) -> None:
    """Draw what is true against what is predicted, each bin with its number of predictions."""
    predicted = [bin_.mean_probability for bin_ in bins]
    true = [bin_.share_true for bin_ in bins]
    axes.plot([0, 1], [0, 1], color=QUIET, linestyle="--", linewidth=1, label="as it should be")
    axes.plot(predicted, true, color=BLUE, marker="o", label="as it is")
    for bin_ in bins:
        place = (bin_.mean_probability, bin_.share_true)
        axes.annotate(
            str(bin_.n), place, (5, -11), textcoords="offset points", fontsize=7, color=QUIET
        )
    axes.set_xlabel("mean probability")
    axes.set_ylabel("share true")
    axes.set_aspect("equal")
    put_legend(axes, 2)


def put_legend(axes: Axes, columns: int) -> None:
    """Put the legend above the plot, where it covers nothing."""
    axes.legend(
        ncols=columns, loc="lower left", bbox_to_anchor=(0.0, 1.0), frameon=False, fontsize=8
    )
