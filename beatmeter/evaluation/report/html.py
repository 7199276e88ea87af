"""One page of HTML that needs no other file: its frame, tables and pictures."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape


def page(title: str, style: str, body: str) -> str:
    """Frame a page.

    Parameters
    ----------
    title : str
        Plain text; it heads the page, too.
    style : str
        CSS.
    body : str
        HTML.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table of plain text; an empty header is dropped."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header) if any(header) else ""
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>\n" for row in rows
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>\n"


def picture(content: bytes, media_type: str, description: str) -> str:
    """Put a picture into the page, such as one of media type ``image/png``."""
    data = base64.b64encode(content).decode("ascii")
    return f'<img alt="{escape(description)}" src="data:{media_type};base64,{data}">\n'
