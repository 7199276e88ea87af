"""``beatmeter gate``: whether a signal may vote."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from beatmeter.cli.interrupts import resumable
from beatmeter.cli.lazygroup import LazyGroup
from beatmeter.cli.options import jobs_option, report_option, scores_option

FAILED = 1


@click.group(cls=LazyGroup)
def gate() -> None:
    """Measure whether a signal may vote, and show which ones do."""


@gate.command("show")
def show() -> None:
    """Show what is in force and where from, and every weight that needs a gate record."""
    from beatmeter.fusion.weights import load_weights
    from beatmeter.gate.show import origins, states
    from beatmeter.plugins import installed_signals

    weights = load_weights()
    for line in (*origins(weights), *states(weights, installed_signals())):
        click.echo(line)


@gate.command("run")
@click.option(
    "--signal",
    "candidate",
    metavar="NAME",
    help="Who is measured; by default the only signal without a calibration.",
)
@click.option(
    "--fixtures",
    "set_name",
    default="rendered",
    show_default=True,
    metavar="[rendered|commons|PATH]",
    help="On which recordings.",
)
@click.option("--checkpoint", help="The candidate's checkpoint, instead of its own choice.")
@jobs_option
@scores_option
@report_option
def run(
    candidate: str | None,
    set_name: str,
    checkpoint: str | None,
    jobs: int,
    scores: Path | None,
    out: Path,
) -> None:
    """Measure a signal against the ensemble without it, on labelled recordings.

    Prints the figures, writes a report as JSON, Markdown and a page of HTML, and a record when
    the gate is passed. The exit code is 0 when it is, 1 when not, 2 when nothing was measured,
    130 when interrupted.
    """
    from beatmeter.gate.commit import run_gate

    with resumable("what was heard"):
        result = run_gate(candidate, set_name, checkpoint, jobs, scores)
    click.echo(result.text())
    for path in result.write(out):
        click.echo(f"written: {path}")
    result.commit()
    if not result.measurement.decision.passed:
        sys.exit(FAILED)
