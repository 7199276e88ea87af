"""An evaluation as one page of HTML that needs no other file."""

from __future__ import annotations

import io
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from beatmeter._util.atomic import replacing
from beatmeter.evaluation.report.html import page, picture, table
from beatmeter_mert.diagnostics.evaluation import Evaluation
from beatmeter_mert.diagnostics.plots import plot
from beatmeter_mert.diagnostics.sections import Section, sections

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = """\
:root { color-scheme: light; font: 15px/1.5 system-ui, sans-serif; color: #1c2330; }
body { margin: 0 auto; max-width: 74rem; padding: 1.5rem; }
h1 { font-size: 1.6rem; margin: 0 0 1rem; }
h2 { font-size: 1.15rem; margin: 0 0 .3rem; }
section { border-top: 1px solid #d5d9e0; padding: 1.2rem 0; display: flex; flex-wrap: wrap;
  gap: .5rem 2rem; align-items: flex-start; justify-content: space-between; }
section > :nth-child(-n+2) { box-sizing: border-box; flex: 0 0 100%; }
p { color: #4a5363; margin: 0; padding-right: max(0rem, 100% - 60rem); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .8rem .2rem 0; text-align: right; }
th:first-child, td:first-child { text-align: left; }
thead th { border-bottom: 1px solid #aab1bd; font-weight: 600; }
tbody tr:nth-child(even) { background: #f5f6f8; }
img { flex: 0 1 36rem; min-width: min(24rem, 100%); max-width: 100%; }
@media (max-width: 50rem) { section { display: block; } }
"""


def to_html(evaluation: Evaluation) -> str:
    """Write the sections with their plots, which are part of the page."""
    title = evaluation.about.get("checkpoint", "Evaluation")
    return page(title, _STYLE, "\n".join(_section(s, evaluation) for s in sections(evaluation)))


def write_page(path: str | Path, evaluation: Evaluation) -> None:
    """Write the page, atomically."""
    with replacing(path) as partial:
        partial.write_text(to_html(evaluation), encoding="utf-8")


def _section(section: Section, evaluation: Evaluation) -> str:
    figure = plot(section.key, evaluation)
    image = "" if figure is None else _image(figure, section.title)
    return (
        f'<section id="{section.key}">\n<h2>{escape(section.title)}</h2>\n'
        f"<p>{escape(section.note)}</p>\n{table(section.header, section.rows)}{image}</section>"
    )


def _image(figure: Figure, title: str) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return picture(buffer.getvalue(), "image/png", f"Plot: {title}")
