"""The text that ``beatmeter evaluate`` prints."""

from __future__ import annotations

from beatmeter.datasets.fixtures.sets import meter_name
from beatmeter.evaluation.ensemble import EnsembleEvaluation
from beatmeter.fusion.weights import Weights
from beatmeter.meters import METERS


def render(standing: EnsembleEvaluation, weights: Weights) -> str:
    """Accuracy over all, by signal, meter, category and making, and the confusions."""
    count = len(standing.answers)
    whole = standing.accuracy(standing.answers)
    lines = [f"{count} recordings, {whole.value:.3f} right ({whole.low:.3f} to {whole.high:.3f})"]
    lines += [f"left out: {line}" for line in standing.left_out]
    lines += ["", f"{'signal alone':24}{'weight':>8}{'right':>8}"]
    for name, answers in standing.alone.items():
        share = standing.accuracy(answers).value
        lines.append(f"{name:24}{weights.signals.get(name, 0.0):8.2f}{share:8.3f}")
    groupings = {
        "meter": meter_name,
        "category": lambda fixture: fixture.category,
        "made": lambda fixture: fixture.made.partition(";")[0].partition(" from ")[0],
    }
    for title, group_of in groupings.items():
        lines += ["", f"{title:24}{'n':>8}{'right':>8}"]
        for group, (hits, size) in sorted(standing.by(group_of).items(), key=_order):
            lines.append(f"{group[:23]:24}{size:8d}{hits / size:8.3f}")
    lines += ["", f"{'label / verdict':24}" + "".join(f"{meter:6d}" for meter in METERS)]
    for label, row in sorted(standing.confusion().items(), key=_order):
        lines.append(f"{label:24}" + "".join(f"{row[meter]:6d}" for meter in METERS))
    return "\n".join(lines)


def _order(item: tuple[str, object]) -> tuple[int, str]:
    return (int(item[0]) if item[0].isdigit() else 99, item[0])
