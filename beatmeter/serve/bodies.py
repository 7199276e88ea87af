"""Reading what a page sends, up to a limit."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request


async def read_body(request: Request, most_bytes: int, refusal: str) -> bytes:
    """Read the body of a request.

    Parameters
    ----------
    refusal : str
        What is answered where there are more bytes than that.

    Raises
    ------
    HTTPException
        If it is too long, or breaks off because the page was left.
    """
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most_bytes:
                raise HTTPException(413, refusal, {"connection": "close"})
    except ClientDisconnect as error:
        raise HTTPException(400, "the request broke off") from error
    return bytes(body)
