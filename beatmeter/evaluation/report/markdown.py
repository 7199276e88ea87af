"""Sections as Markdown whose tables read well as plain text, too."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from beatmeter.evaluation.report.section import Row, Section

_WIDTH = 98
_NUMBER = re.compile(r"[-+]?(\d|inf|$)")


def to_markdown(title: str, sections: Sequence[Section]) -> str:
    """Write a report without its plots."""
    return "\n\n".join([f"# {title}", *map(section_text, sections)]) + "\n"


def section_text(section: Section) -> str:
    """Write one section: heading, note, aligned table."""
    parts = [f"## {section.title}"]
    if section.note:
        parts.append("\n".join(textwrap.wrap(_escaped(section.note), _WIDTH)))
    if section.rows:
        parts.append(_table(section.header, section.rows))
    return "\n\n".join(parts)


def _table(header: Row, rows: Sequence[Row]) -> str:
    columns = [_aligned(column) for column in zip(header, *rows, strict=True)]
    lines = ["| " + " | ".join(cells) + " |" for cells in zip(*columns, strict=True)]
    return "\n".join(lines)


def _aligned(column: Row) -> list[str]:
    head, *cells = map(_escaped, column)
    width = max(map(len, [head, *cells, "---"]))
    if all(map(_NUMBER.match, cells)):
        rule = "-" * (width - 1) + ":"
        return [head.rjust(width), rule, *(cell.rjust(width) for cell in cells)]
    return [head.ljust(width), "-" * width, *(cell.ljust(width) for cell in cells)]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "\\<").replace("\n", " ")
