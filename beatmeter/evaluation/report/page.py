"""Sections as one page of HTML that needs no other file."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from beatmeter.evaluation.report.html import page, picture, table
from beatmeter.evaluation.report.section import Section

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def to_html(title: str, sections: Sequence[Section]) -> str:
    """Write a report with its plots inside."""
    style = (files("beatmeter.evaluation.report") / "page.css").read_text(encoding="utf-8")
    return page(title, style, "\n".join(map(_section, sections)))


def _section(section: Section) -> str:
    note = f"<p>{escape(section.note)}</p>\n" if section.note else ""
    plot = _plot(section.draw, section.title) if section.draw else ""
    cells = table(section.header, section.rows)
    rows = f'<div class="table">{cells}</div>\n' if section.rows else ""
    return f"<section>\n<h2>{escape(section.title)}</h2>\n{note}{plot}{rows}</section>"


def _plot(draw: Callable[[Axes], None], title: str) -> str:
    """The same bytes for the same figures: neither date nor random names go in."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "beatmeter", "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(6.4, 4.2), layout="constrained")
        draw(figure.add_subplot())
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return picture(buffer.getvalue(), "image/svg+xml", title)
