"""The piece of which every report is made, and how figures are written in it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beatmeter.evaluation.bootstrap import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """A titled table with how to read it, and perhaps a plot.

    Attributes
    ----------
    title, note : str
        Left out where empty.
    rows : sequence of tuple of str
        As long as the header; without any, the table is left out.
    draw : callable or None
        Draws the plot on axes of matplotlib.
    """

    title: str = ""
    note: str = ""
    header: Row = ()
    rows: Sequence[Row] = ()
    draw: Callable[[Axes], None] | None = None


def number(value: float | None, decimals: int = 3) -> str:
    """Write a figure, and a dash where there is none."""
    if value is None or math.isnan(value):
        return "-"
    return "inf" if math.isinf(value) else f"{value:.{decimals}f}"


def share(figure: Interval) -> str:
    """Write a figure and its interval, three decimals."""
    return _with_interval(figure, 3)


def ratio(figure: Interval) -> str:
    """Write a figure and its interval, two decimals."""
    return _with_interval(figure, 2)


def change(figure: Interval) -> str:
    """Write a difference and its interval, with signs."""
    if math.isnan(figure.value):
        return "-"
    return f"{figure.value:+.3f} [{figure.low:+.3f}, {figure.high:+.3f}]"


def _with_interval(figure: Interval, decimals: int) -> str:
    if math.isnan(figure.value):
        return "-"
    value, low, high = (number(n, decimals) for n in (figure.value, figure.low, figure.high))
    return f"{value} [{low}, {high}]"
