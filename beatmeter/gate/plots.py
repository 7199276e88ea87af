"""The plots of the gate and of the tuning, each drawn on given axes of matplotlib."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from beatmeter._util.text import escape_control
from beatmeter.evaluation.bootstrap import Interval
from beatmeter.evaluation.plots import (
    BLUE,
    GREEN,
    INK,
    QUIET,
    RED,
    YELLOW,
    draw_bars,
    draw_matrix,
    put_legend,
)
from beatmeter.fusion.agreement import Counts
from beatmeter.fusion.decision import COMPLEMENTARITY_ABOVE, LEAST_AGREEMENT, MOST_AGREEMENT
from beatmeter.gate.measurement import FusionPoint, Group
from beatmeter.gate.tuning import Tuning

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_agreement(axes: Axes, counts: Counts, candidate: str) -> None:
    """Fixtures by whether the ensemble and the candidate are right."""
    cells = np.array(
        [[counts.both_right, counts.losses], [counts.gains, counts.both_wrong]], dtype=float
    )
    shares = cells / max(1.0, cells.sum())
    words = (("both right", "losses"), ("gains", "both wrong"))
    texts = np.array(
        [
            [
                f"{int(cells[row, column])}\n{words[row][column]}\n{shares[row, column]:.1%}"
                for column in range(2)
            ]
            for row in range(2)
        ]
    )
    columns = [f"{candidate} right", f"{candidate} wrong"]
    draw_matrix(axes, shares, texts, ["ensemble right", "ensemble wrong"], columns)


def draw_gate(axes: Axes, overall: Group) -> None:
    """Agreement and complementarity with their intervals, and the gate they have to meet."""
    agreement, complementarity = (
        overall.figures[name] for name in ("agreement", "complementarity")
    )
    ends = (complementarity.value, complementarity.high)
    top = 1.25 * max([3.0, *(number for number in ends if math.isfinite(number))])
    axes.fill_between(
        [LEAST_AGREEMENT, MOST_AGREEMENT],
        COMPLEMENTARITY_ABOVE,
        top,
        color=GREEN,
        alpha=0.25,
        label="the gate",
    )
    if not math.isnan(complementarity.value):
        x, y = agreement.value, min(complementarity.value, top)
        heights = [min(end, top) for end in (complementarity.low, complementarity.high)]
        axes.plot([agreement.low, agreement.high], [y, y], color=BLUE)
        axes.plot([x, x], heights, color=BLUE)
        axes.plot([x], [y], "o", color=BLUE, label="measured, 95 %", clip_on=False)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, top)
    axes.set_xlabel("agreement")
    axes.set_ylabel("complementarity: gains for each loss")
    put_legend(axes, 2)


def draw_accuracies(axes: Axes, groups: Sequence[Group], candidate: str) -> None:
    """Accuracy of the ensemble and of the candidate in every group, with intervals."""
    figures = {"ensemble": "ensemble_accuracy", candidate: "candidate_accuracy"}
    found = {
        label: [group.figures[figure] for group in groups] for label, figure in figures.items()
    }
    heights = {label: [one.value for one in intervals] for label, intervals in found.items()}
    names = [f"{group.name}\n{int(group.counts.fixtures)}" for group in groups]
    for label, place in draw_bars(axes, names, heights).items():
        reach = _reach(found[label])
        axes.errorbar(place, heights[label], reach, fmt="none", ecolor=INK, linewidth=1)
    axes.set_ylabel("accuracy")


def draw_gains_and_losses(axes: Axes, groups: Sequence[Group]) -> None:
    """Gains to the right, losses to the left, in every group."""
    place = np.arange(len(groups))
    gains = [float(group.counts.gains) for group in groups]
    losses = [float(group.counts.losses) for group in groups]
    axes.barh(place, gains, color=YELLOW, label="gains")
    axes.barh(place, [-number for number in losses], color=RED, label="losses")
    axes.axvline(0, color=INK, linewidth=0.8)
    size = 9 if len(groups) <= 16 else 6
    names = [escape_control(group.name) for group in groups]
    axes.set_yticks(place, names, fontsize=size, parse_math=False)
    axes.invert_yaxis()
    reach = max([1.0, *gains, *losses])
    axes.set_xlim(-1.1 * reach, 1.1 * reach)
    axes.xaxis.set_major_formatter(lambda number, _: f"{abs(number):g}")
    axes.set_xlabel("fixtures")
    put_legend(axes, 2)


def draw_fusion(axes: Axes, points: Sequence[FusionPoint], baseline: float) -> None:
    """Accuracy of the ensemble against the candidate's weight, with its interval."""
    weights = [point.weight for point in points]
    accuracies = [point.accuracy for point in points]
    axes.fill_between(
        weights,
        [interval.low for interval in accuracies],
        [interval.high for interval in accuracies],
        color=BLUE,
        alpha=0.15,
        label="95 %",
    )
    values = [interval.value for interval in accuracies]
    marker = "o" if len(points) < 20 else ""
    axes.plot(weights, values, marker=marker, color=BLUE, label="with the candidate")
    axes.axhline(baseline, color=QUIET, linestyle="--", label="without it")
    axes.set_xlabel("weight")
    axes.set_ylabel("accuracy")
    put_legend(axes, 3)


def draw_tuning(axes: Axes, tuning: Tuning) -> None:
    """The accuracy at every weight, with the best and the chosen one marked."""
    draw_fusion(axes, tuning.curve, tuning.curve[0].accuracy.value)
    for point, colour, label in ((tuning.best, YELLOW, "best"), (tuning.chosen, RED, "chosen")):
        axes.plot([point.weight], [point.accuracy.value], "o", color=colour, label=label, zorder=3)
    put_legend(axes, 5)


def _reach(found: Sequence[Interval]) -> list[list[float]]:
    """How far each interval reaches below and above its value."""
    return [
        [max(0.0, interval.value - interval.low) for interval in found],
        [max(0.0, interval.high - interval.value) for interval in found],
    ]
