"""The files an analysis may be written to: one kind, one suffix, one writer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from beatmeter.analysis import Analysis

SUFFIXES = {
    "json": ".json",
    "jams": ".jams",
    "plot": ".png",
    "beats": ".beats",
    "labels": ".txt",
    "midi": ".mid",
    "clicks": ".ogg",
    "page": ".html",
}
"""Kinds of files, and the suffix of each where a batch is written into a folder."""


def check_file(kind: str, path: Path) -> None:
    """Raise :class:`ReportError` where it is clear before an analysis that none can be written.

    Parameters
    ----------
    kind : str
        Of :data:`SUFFIXES`.
    """
    if kind == "jams":
        from beatmeter.output.jams import require_jams

        require_jams()
    elif kind == "clicks":
        from beatmeter.output.clicks import format_of

        format_of(path)


def write_file(kind: str, analysis: Analysis, source: Path, path: Path) -> None:
    """Write an analysis of the recording `source` as a file of a kind, atomically.

    Raises
    ------
    ReportError
        If a package for it is missing, or the name of the file does not tell a format.
    AudioError
        If the recording, which some kinds read again, cannot be read.
    OSError
        If the file cannot be written.
    """
    if kind == "json":
        from beatmeter.output.jsonl import write_json

        write_json(analysis, path)
    elif kind == "jams":
        from beatmeter.output.jams import write_jams

        write_jams(analysis, path)
    elif kind == "plot":
        from beatmeter.output.plot import read_excerpt, write_plot

        write_plot(analysis, read_excerpt(source), path)
    elif kind == "midi":
        from beatmeter.output.midi import write_midi

        write_midi(analysis, path)
    elif kind == "clicks":
        from beatmeter.output.clicks import write_clicks

        write_clicks(analysis, source, path)
    elif kind == "page":
        from beatmeter.output.page import write_page

        write_page(analysis, source, path)
    else:
        from beatmeter.output.beats import write_beats, write_labels

        {"beats": write_beats, "labels": write_labels}[kind](analysis, path)
