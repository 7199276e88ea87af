"""Writing a report's three files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from beatmeter._util.atomic import replacing
from beatmeter.errors import ReportError
from beatmeter.evaluation.report.markdown import to_markdown
from beatmeter.evaluation.report.page import to_html
from beatmeter.evaluation.report.section import Section


def write_report(
    stem: Path, title: str, sections: Sequence[Section], content: Mapping[str, Any]
) -> list[Path]:
    """Write ``<stem>.json``, ``<stem>.md`` and ``<stem>.html``, each atomically.

    Returns
    -------
    list of Path
        The three files.

    Raises
    ------
    ReportError
        If one cannot be written.
    """
    texts = {
        ".json": json.dumps(content, indent=1, allow_nan=False) + "\n",
        ".md": to_markdown(title, sections),
        ".html": to_html(title, sections),
    }
    written = []
    for suffix, text in texts.items():
        path = stem.with_name(stem.name + suffix)
        try:
            with replacing(path) as partial:
                partial.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ReportError(f"{path}: cannot be written ({error.strerror})") from error
        written.append(path)
    return written


def report_stem(folder: Path, signal: str, fixture_set: str) -> Path:
    """Where the report on a signal and a set goes, without suffix."""
    return folder / f"{signal}-{Path(fixture_set).stem}"
