"""Sections as plain text, and as Markdown that reads well as plain text, too."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from beatmeter.evaluation.report.section import Row, Section

_WIDTH = 98  # columns of wrapped text
_NUMBER = re.compile(r"[-+]?(\d|inf|$)")


def to_text(sections: Sequence[Section]) -> str:
    """Write sections without their plots: titles underlined, columns aligned."""
    return "\n\n".join(map(_plain_section, sections)) + "\n"


def to_markdown(title: str, sections: Sequence[Section]) -> str:
    """Write a report without its plots."""
    return "\n\n".join([f"# {title}", *map(_markdown_section, sections)]) + "\n"


def _plain_section(section: Section) -> str:
    lines = [section.title, "-" * len(section.title)] if section.title else []
    lines += textwrap.wrap(section.note, _WIDTH)
    head = [section.header] if any(section.header) else []
    lines += ["  ".join(cells).rstrip() for cells in _aligned(head, section.rows)]
    return "\n".join(lines)


def _markdown_section(section: Section) -> str:
    parts = [f"## {section.title}"] if section.title else []
    if section.note:
        parts.append("\n".join(textwrap.wrap(_escaped(section.note), _WIDTH)))
    if section.rows:
        rows = [tuple(map(_escaped, row)) for row in section.rows]
        head, *body = _aligned([tuple(map(_escaped, section.header))], rows, least=len("---"))
        numeric = map(_is_numeric, zip(*rows, strict=True))
        rule = ["-" * (len(h) - n) + ":" * n for h, n in zip(head, numeric, strict=True)]
        parts.append("\n".join(f"| {' | '.join(cells)} |" for cells in [head, rule, *body]))
    return "\n\n".join(parts)


def _aligned(head: Sequence[Row], rows: Sequence[Row], least: int = 0) -> list[Row]:
    """Pad the cells of every column to one width, numbers on the left; nothing without rows."""
    columns = []
    for column in zip(*head, *rows, strict=True) if rows else ():
        width = max(least, *map(len, column))
        pad = str.rjust if _is_numeric(column[len(head) :]) else str.ljust
        columns.append([pad(cell, width) for cell in column])
    return list(zip(*columns, strict=True))


def _is_numeric(cells: Sequence[str]) -> bool:
    return all(map(_NUMBER.match, cells))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "\\<").replace("\n", " ")
