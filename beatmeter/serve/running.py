"""Running a server, from its socket to Ctrl-C."""

from __future__ import annotations

import errno
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from beatmeter._util.text import escape_control
from beatmeter.errors import BeatMeterError
from beatmeter.serve.security import is_loopback

if TYPE_CHECKING:
    from starlette.applications import Starlette

_CONNECTIONS = 200  # at a time; a page holds a handful
_LAST_ANSWERS_S = 2  # for answers under way when the server ends
_BACKLOG = 128  # connections that wait to be taken


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
    except (OSError, UnicodeError) as error:  # the latter of what can be no name at all
        raise _not_ours(host) from error
    try:
        if sys.platform != "win32":  # where it would let two servers share a port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise _not_ours(host) from error
        hint = "allowed: one that is free; --port 0 takes one"
        raise ServeError(f"--port: {port} of {host}: {error.strerror} ({hint})") from error
    return listening


def _not_ours(host: str) -> ServeError:
    return ServeError(f"--host: {host!r} (allowed: an address of this machine)")


def run(app: Starlette, listening: socket.socket) -> None:
    """Serve until the user ends it."""
    import uvicorn

    config = uvicorn.Config(
        app,
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
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


def address_of(host: str, listening: socket.socket) -> str:
    """Where a browser finds a server, and a warning where others find it too."""
    name = f"[{host}]" if ":" in host else host
    address = f"http://{name}:{listening.getsockname()[1]}"
    return address if is_loopback(host) else f"{address}, for whoever reaches it"


def say(line: str) -> None:
    """Print a line where no output is expected, on standard error."""
    print(f"beatmeter: {escape_control(line)}", file=sys.stderr, flush=True)  # noqa: T201
