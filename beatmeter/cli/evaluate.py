"""``beatmeter evaluate``: how often the ensemble is right."""

from __future__ import annotations

from pathlib import Path

import click

from beatmeter.cli.interrupts import resumable
from beatmeter.cli.options import jobs_option, scores_option


@click.command()
@click.argument("set_name", default="rendered", metavar="[rendered|commons|PATH]")
@jobs_option
@scores_option
def evaluate(set_name: str, jobs: int, scores: Path | None) -> None:
    """Print the ensemble's accuracy on a labelled set, and where it errs.

    An answer is right when it is a meter that the label accepts. Intervals are of 95 %, from
    resampling whole works.
    """
    from beatmeter.datasets.fixtures.sets import find_set
    from beatmeter.evaluation import ensemble
    from beatmeter.evaluation.ensemble_report import sections
    from beatmeter.evaluation.report.text import to_text
    from beatmeter.evaluation.score_cache import open_cache
    from beatmeter.fusion.effective import effective_weights
    from beatmeter.plugins import installed_signals

    signals = installed_signals()
    weights = effective_weights(signals)
    with resumable("what was heard"):
        evaluation = ensemble.evaluate(
            find_set(set_name),
            signals,
            weights,
            open_cache(scores),
            jobs,
        )
    click.echo(to_text(sections(evaluation, weights)), nl=False)
