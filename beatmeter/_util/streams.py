"""The standard streams of a process: those it was started without, and what they can hold."""

from __future__ import annotations

import io
import os
import sys

_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
"""By descriptor: the names in :mod:`sys` and their modes."""


def open_closed_streams() -> None:
    """Let standard streams that are closed lead nowhere, as ``2>/dev/null`` does.

    Otherwise Python has None in their place, and the next file that is opened takes the number of
    the stream: whatever a library prints there is written into it.
    """
    for descriptor, (name, mode) in enumerate(_STREAMS):
        try:
            os.fstat(descriptor)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != descriptor:
                os.dup2(nowhere, descriptor)
                os.close(nowhere)
        if getattr(sys, name) is None:
            setattr(sys, name, open(descriptor, mode, closefd=False, encoding="utf-8"))  # noqa: SIM115


def escape_unencodable() -> None:
    """Let standard output escape what its encoding lacks, as standard error does.

    Otherwise one file name in another script ends a batch that is written to a file, in the
    encoding of an old system.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
