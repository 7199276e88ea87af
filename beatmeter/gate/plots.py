"""The plots of the reports, each drawn on given axes of matplotlib."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from beatmeter._util.text import escape_control
from beatmeter.evaluation.bootstrap import Interval
from beatmeter.fusion.agreement import Counts
from beatmeter.fusion.decision import COMPLEMENTARITY_ABOVE, LEAST_AGREEMENT, MOST_AGREEMENT
from beatmeter.gate.measurement import FusionPoint, Group
from beatmeter.gate.tuning import Tuning

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK, _QUIET = "#22313f", "#8a97a3"
_ENSEMBLE, _CANDIDATE, _LOSS = "#1d5b79", "#edae49", "#d1495b"


def draw_matrix(axes: Axes, counts: Counts, candidate: str) -> None:
    """Fixtures by whether the ensemble and the candidate are right."""
    cells = np.array(
        [[counts.both_right, counts.losses], [counts.gains, counts.both_wrong]], dtype=float
    )
    words = (("both right", "losses"), ("gains", "both wrong"))
    axes.imshow(cells / max(1.0, cells.sum()), cmap="Blues", vmin=0.0, vmax=1.0)
    for row, column in np.ndindex(2, 2):
        share = cells[row, column] / max(1.0, cells.sum())
        text = f"{int(cells[row, column])}\n{words[row][column]}\n{share:.1%}"
        colour = "white" if share > 0.55 else _INK
        axes.text(column, row, text, ha="center", va="center", color=colour)
    axes.set_xticks([0, 1], [f"{candidate} right", f"{candidate} wrong"])
    axes.set_yticks([0, 1], ["ensemble right", "ensemble wrong"])


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
        color="#66a182",
        alpha=0.25,
        label="the gate",
    )
    if not math.isnan(complementarity.value):
        x, y = agreement.value, min(complementarity.value, top)
        heights = [min(end, top) for end in (complementarity.low, complementarity.high)]
        axes.plot([agreement.low, agreement.high], [y, y], color=_ENSEMBLE)
        axes.plot([x, x], heights, color=_ENSEMBLE)
        axes.plot([x], [y], "o", color=_ENSEMBLE, label="measured, 95 %", clip_on=False)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, top)
    axes.set_xlabel("agreement")
    axes.set_ylabel("complementarity: gains for each loss")
    _legend(axes, columns=2)


def draw_accuracies(axes: Axes, groups: Sequence[Group], candidate: str) -> None:
    """Accuracy of the ensemble and of the candidate in every group, with intervals."""
    place = np.arange(len(groups))
    kinds = (
        ("ensemble_accuracy", "ensemble", _ENSEMBLE, -0.2),
        ("candidate_accuracy", candidate, _CANDIDATE, 0.2),
    )
    for figure, label, colour, offset in kinds:
        found = [group.figures[figure] for group in groups]
        heights = [interval.value for interval in found]
        axes.bar(place + offset, heights, 0.38, color=colour, label=label)
        axes.errorbar(place + offset, heights, _reach(found), fmt="none", ecolor=_INK, linewidth=1)
    axes.set_xticks(place, [f"{group.name}\n{int(group.counts.fixtures)}" for group in groups])
    axes.set_ylim(0, 1)
    axes.set_ylabel("accuracy")
    _legend(axes, columns=2)


def draw_gains_and_losses(axes: Axes, groups: Sequence[Group]) -> None:
    """Gains to the right, losses to the left, in every group."""
    place = np.arange(len(groups))
    gains = [float(group.counts.gains) for group in groups]
    losses = [float(group.counts.losses) for group in groups]
    axes.barh(place, gains, color=_CANDIDATE, label="gains")
    axes.barh(place, [-number for number in losses], color=_LOSS, label="losses")
    axes.axvline(0, color=_INK, linewidth=0.8)
    size = 9 if len(groups) <= 16 else 6
    names = [escape_control(group.name) for group in groups]
    axes.set_yticks(place, names, fontsize=size, parse_math=False)
    axes.invert_yaxis()
    reach = max([1.0, *gains, *losses])
    axes.set_xlim(-1.1 * reach, 1.1 * reach)
    axes.xaxis.set_major_formatter(lambda number, _: f"{abs(number):g}")
    axes.set_xlabel("fixtures")
    _legend(axes, columns=2)


def draw_fusion(axes: Axes, points: Sequence[FusionPoint], baseline: float) -> None:
    """Accuracy of the ensemble against the candidate's weight, with its interval."""
    weights = [point.weight for point in points]
    accuracies = [point.accuracy for point in points]
    axes.fill_between(
        weights,
        [interval.low for interval in accuracies],
        [interval.high for interval in accuracies],
        color=_ENSEMBLE,
        alpha=0.15,
        label="95 %",
    )
    values = [interval.value for interval in accuracies]
    marker = "o" if len(points) < 20 else ""
    axes.plot(weights, values, marker=marker, color=_ENSEMBLE, label="with the candidate")
    axes.axhline(baseline, color=_QUIET, linestyle="--", label="without it")
    axes.set_xlabel("weight")
    axes.set_ylabel("accuracy")
    _legend(axes, columns=3)


def draw_tuning(axes: Axes, tuning: Tuning) -> None:
    """The curve of the walk, with the best and the chosen weight marked."""
    draw_fusion(axes, tuning.curve, tuning.curve[0].accuracy.value)
    for point, colour, label in (
        (tuning.best, _CANDIDATE, "best"),
        (tuning.chosen, _LOSS, "chosen"),
    ):
        axes.plot([point.weight], [point.accuracy.value], "o", color=colour, label=label, zorder=3)
    _legend(axes, columns=5)


def _reach(found: Sequence[Interval]) -> list[list[float]]:
    """How far each interval reaches below and above its value."""
    return [
        [max(0.0, interval.value - interval.low) for interval in found],
        [max(0.0, interval.high - interval.value) for interval in found],
    ]


def _legend(axes: Axes, columns: int) -> None:
    axes.legend(
        ncols=columns, loc="lower left", bbox_to_anchor=(0.0, 1.0), frameon=False, fontsize=8
    )
