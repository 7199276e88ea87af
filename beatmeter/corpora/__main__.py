"""``python -m beatmeter.corpora``: the corpus commands on their own."""

from __future__ import annotations

import sys

import click

from beatmeter.corpora.cli import corpus
from beatmeter.errors import BeatMeterError

try:
    corpus(prog_name="corpus")
except BeatMeterError as error:
    click.echo(f"corpus: {error}", err=True)
    sys.exit(2)
