"""``beatmeter tune``: find the weight of a signal that may vote."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from beatmeter.cli.interrupts import resumable
from beatmeter.cli.options import jobs_option, report_option, scores_option

REFUSED = 1


@click.command()
@click.argument("weight", metavar="W_SIGNAL")
@click.option("--from", "start", default=0.0, show_default=True, help="Smallest weight to try.")
@click.option("--to", "stop", default=0.5, show_default=True, help="Largest weight to try.")
@click.option("--step", default=0.01, show_default=True)
@jobs_option
@scores_option
@report_option
@click.option("--write", is_flag=True, help="Store the chosen weight in your data folder.")
def tune(
    weight: str,
    start: float,
    stop: float,
    step: float,
    jobs: int,
    scores: Path | None,
    out: Path,
    write: bool,
) -> None:
    """Walk W_SIGNAL, such as W_MERT, upward on the scores known from the gate.

    Chooses the smallest weight within noise of the best. Needs a gate record that holds for
    checkpoint, fixtures and the other weights as they are now. The exit code is 1 when no weight
    helps; then none is written.
    """
    from beatmeter.gate.tuned import tune_signal

    with resumable("what was heard"):
        result = tune_signal(weight, (start, stop, step), jobs, scores)
    click.echo(result.text())
    for path in result.write(out):
        click.echo(f"written: {path}")
    refusal = result.tuning.refusal
    if refusal is not None:
        click.echo(f"beatmeter: {weight} stays as it is: {refusal}", err=True)
        sys.exit(REFUSED)
    if write:
        path = result.store()
        click.echo(f"stored: {weight} = {result.tuning.chosen.weight:g} in {path}")
