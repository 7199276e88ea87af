"""Who may ask, and what a page may do.

A local server has no password: whoever can send it a request is let in. So it answers only those
who named it as it is called (against DNS rebinding: a foreign name that resolves to this machine),
and changes something only for its own pages (against posts from other sites).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""On every answer, unless it says otherwise itself."""

LIST_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content security policy of pages whose scripts and styles are files of this server."""

_SAFE_METHODS = ("GET", "HEAD")
_HTTP_PORT = 80  # left out of a Host header by browsers


class Gate:
    """Middleware that refuses foreign names and foreign sites, and sets headers on what passes.

    Parameters
    ----------
    host : str
        The address that the server listens on.
    """

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._app = app
        self._host = host
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it in one line."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        reason = self.why_refused(scope["method"], _headers(scope))
        if reason is not None:
            from starlette.responses import PlainTextResponse

            status, line = reason
            closing = {**HEADERS, "connection": "close"}  # whatever body is on its way is unread
            await PlainTextResponse(f"{line}\n", status, closing)(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.encode(), value.encode())
                        for name, value in HEADERS.items()
                        if name.encode() not in present
                    ),
                ]
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def why_refused(self, method: str, headers: Mapping[str, list[str]]) -> tuple[int, str] | None:
        """The status and the reason why a request is refused; None when it passes.

        Parameters
        ----------
        headers : mapping of str to list of str
            Names in lower case.
        """
        hosts = headers.get("host", [])
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            return 421, "Host: not the name of this server (allowed: the address it printed)"
        site = headers.get("sec-fetch-site", ["none"])[0]
        if method in _SAFE_METHODS:
            navigates = headers.get("sec-fetch-mode", [""])[0] == "navigate"
            if site in ("cross-site", "same-site") and not navigates:
                return 403, "another site may link here, but embed and read nothing"
            return None
        ours = headers.get("origin", []) == [f"http://{hosts[0]}"]
        if not ours or site not in ("same-origin", "none"):
            return 403, "Origin: only pages of this server may change something"
        return None

    def _is_ours(self, authority: str) -> bool:
        try:
            parts = urlsplit(f"//{authority}")
            name, port = parts.hostname, parts.port or _HTTP_PORT
        except ValueError:
            return False
        if name is None or port != self._port or "@" in authority or parts.path:
            return False
        return name in allowed_names(self._host) or (
            not is_loopback(self._host) and _is_address(name)
        )


def allowed_names(host: str) -> set[str]:
    """Names under which a server that listens on `host` is asked.

    Beside them, one that other machines reach may be asked by any address: an address, unlike a
    name, cannot be made to lead elsewhere.
    """
    names = {"localhost", "127.0.0.1", "::1", host.lower()}
    return names if is_loopback(host) else names | {socket.gethostname().lower()}


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _headers(scope: Scope) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found
