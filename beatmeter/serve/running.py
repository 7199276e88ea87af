"""Running the server, from its socket to Ctrl-C."""

from __future__ import annotations

import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from beatmeter.errors import BeatMeterError
from beatmeter.serve.security import is_loopback

if TYPE_CHECKING:
    from beatmeter.serve.app import Served

_CONNECTIONS = 200  # at a time; a page holds a handful
_LAST_ANSWERS_S = 2  # for answers under way when the server ends
_BACKLOG = 128


class ServeError(BeatMeterError):
    """A server that cannot begin."""


def listen(host: str, port: int) -> socket.socket:
    """Take a port.

    Raises
    ------
    ServeError
        If the address is none of this machine's, or the port is taken or may not be.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ServeError(f"--host: {host!r} (allowed: an address of this machine)") from error
    try:
        if sys.platform != "win32":  # where it would let two servers share a port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        hint = "allowed: one that is free; --port 0 takes one"
        raise ServeError(f"--port: {port} of {host}: {error.strerror} ({hint})") from error
    return listening


def run(served: Served, listening: socket.socket) -> None:
    """Serve until the user ends it, and say so in one line."""
    import uvicorn

    from beatmeter.serve.app import Server

    server = Server(served)
    config = uvicorn.Config(
        server.app(),
        http="h11",
        ws="none",
        lifespan="on",
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=_LAST_ANSWERS_S,
    )
    name = f"[{served.host}]" if ":" in served.host else served.host
    _say(f"{served.folder} is served at http://{name}:{served.port} (Ctrl-C ends)")
    if not is_loopback(served.host):
        _say("warning: whoever reaches this address can listen and correct")
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])
    left = server.jobs.left
    kept = "what was heard and corrected is kept"
    _say(f"ended; {kept}" + (f", {left} recordings are left to analyse" if left else ""))


def _say(line: str) -> None:
    from beatmeter._util.text import escape_control

    print(f"beatmeter: {escape_control(line)}", file=sys.stderr, flush=True)  # noqa: T201
