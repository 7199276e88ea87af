"""The pages of the server: the list, one that waits, and that of a recording."""

from __future__ import annotations

import html
import json
import secrets
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from beatmeter._util.text import escape_control
from beatmeter.audio.formats import AUDIO_SUFFIXES
from beatmeter.datasets.corrections import Saved
from beatmeter.meters import METERS
from beatmeter.serve.catalogue import Recording, read_report

SHARED = "page.css", "analysis.css"
"""Styles of :mod:`beatmeter.output.page`, in their order."""

ASSETS = {
    **dict.fromkeys(("list.js", "live.js", "recorder.js"), "text/javascript"),
    **dict.fromkeys(("list.css", *SHARED), "text/css"),
}
"""What pages fetch, and its types."""

_PEAKS_KEPT = 32  # recordings whose waveforms stay in memory, a few kilobytes each


async def asset_file(request: Request) -> Response:
    """Answer with a script or style."""
    name = request.path_params["name"]
    if name not in ASSETS:
        raise HTTPException(404)
    return Response(asset(name), media_type=ASSETS[name])


@cache
def asset(name: str) -> str:
    """The text of a file of this package, or a style that it shares with the page."""
    if name in SHARED:
        from beatmeter.output.page import render

        return render.asset(name)
    return files("beatmeter.serve").joinpath("assets", name).read_text(encoding="utf-8")


def list_page(folder: str, most_bytes: int) -> str:
    """The page of all recordings, which fills itself.

    Parameters
    ----------
    most_bytes : int
        Of a recording that may be dropped on it.
    """
    return _filled(
        asset("list.html"),
        FOLDER=escape_control(folder),
        MOST_BYTES=str(most_bytes),
        SUFFIXES=",".join(sorted(AUDIO_SUFFIXES)),
    )


def waiting_page(name: str, failure: str | None) -> str:
    """A page for a recording that is not analysed: it waits, or tells why there is nothing."""
    refresh = "" if failure else '<meta http-equiv="refresh" content="2">'
    told = failure or "is being analysed; this page shows it as soon as it is there."
    return _filled(asset("waiting.html"), NAME=name, TOLD=told).replace("<!--REFRESH-->", refresh)


def recording_page(recording: Recording, path: Path, saved: Saved) -> tuple[bytes, str]:
    """The page of one recording in UTF-8, and the content security policy that goes with it.

    Parameters
    ----------
    path : Path
        Of its file.
    saved : Saved
        What an ear says of it.

    Raises
    ------
    ReportError
        If its report is malformed.
    AudioError
        If it cannot be read any more.
    """
    from beatmeter.output.page import Sound, content_policy, page_data, render_page

    nonce = secrets.token_urlsafe(16)
    status = path.stat()
    peaks = _peaks(path, status.st_mtime_ns, status.st_size)

    def render(row: Mapping[str, Any]) -> bytes:
        page = render_page(
            page_data(row),
            Sound(row["duration_s"], peaks, url=f"/recordings/{recording.id}/sound/"),
            nonce=nonce,
            connect=True,
            panels=[_correction_panel(recording, saved)],
            scripts=[asset("correct.js")],
            styles=[asset("correct.css")],
        )
        return page.encode("utf-8")  # fails where a foreign report holds what is no text

    page = read_report(recording.report, render)
    return page, f"{content_policy(nonce, connect=True)}; frame-ancestors 'none'"


def sound(path: Path, piece: int) -> bytes | None:
    """One piece of a recording as a page plays it; None where there is no such piece."""
    from beatmeter.output.page import encode_piece

    try:
        return encode_piece(path, piece)
    except IndexError:
        return None


@lru_cache(maxsize=_PEAKS_KEPT)
def _peaks(path: Path, _mtime_ns: int, _size: int) -> bytes:
    from beatmeter.output.page import read_peaks

    return read_peaks(path)


def _correction_panel(recording: Recording, saved: Saved) -> str:
    from beatmeter.serve.listing import as_json

    state = {
        "id": recording.id,
        "name": recording.name,
        "meters": METERS,
        "correction": as_json(saved.correction),
        "version": saved.version,
    }
    return _filled(asset("correct.html"), STATE=json.dumps(state))


def _filled(template: str, **texts: str) -> str:
    """A template whose ``{{NAME}}`` are texts, escaped; what stands in a text is left as it is."""
    parts = template.split("{{")
    filled = [parts[0]]
    for part in parts[1:]:
        name, _, rest = part.partition("}}")
        filled += [html.escape(texts[name]), rest]
    return "".join(filled)
