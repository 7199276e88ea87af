"""Sections as one page of HTML that needs no other file."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from html import escape as escape_markup
from importlib.resources import files
from typing import TYPE_CHECKING

from beatmeter._util.text import escape_control
from beatmeter.evaluation.report.section import Row, Section

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def to_html(title: str, sections: Sequence[Section]) -> str:
    """Write a report with its plots inside."""
    style = (files("beatmeter.evaluation.report") / "page.css").read_text(encoding="utf-8")
    body = "\n".join(map(_section, sections))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_escape(title)}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<h1>{_escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def _section(section: Section) -> str:
    title = f"<h2>{_escape(section.title)}</h2>\n" if section.title else ""
    note = f"<p>{_escape(section.note)}</p>\n" if section.note else ""
    plot = _plot(section.draw, section.title) if section.draw else ""
    rows = _table(section.header, section.rows) if section.rows else ""
    return f"<section>\n{title}{note}{plot}{rows}</section>"


def _table(header: Row, rows: Sequence[Row]) -> str:
    head = "".join(f"<th>{_escape(cell)}</th>" for cell in header) if any(header) else ""
    body = "".join(
        "<tr>" + "".join(f"<td>{_escape(cell)}</td>" for cell in row) + "</tr>\n" for row in rows
    )
    table = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>"
    return f'<div class="table">{table}\n</div>\n'


def _plot(draw: Callable[[Axes], None], title: str) -> str:
    """The same bytes for the same figures: neither date nor random names go in."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "beatmeter", "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(6.4, 4.2), layout="constrained")
        draw(figure.add_subplot())
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img alt="Plot: {_escape(title)}" src="data:image/svg+xml;base64,{data}">\n'


def _escape(text: str) -> str:
    return escape_markup(escape_control(text))
