"""Streams that were closed lead nowhere, and others fail on no character."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, sys
from beatmeter._util.streams import open_closed_streams
open_closed_streams()
opened = os.open({path!r}, os.O_RDWR | os.O_CREAT)
assert opened > 2
print("told"); print("told", file=sys.stderr); os.write(2, b"told by a library")
"""


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_nothing_is_written_into_the_next_file_opened(tmp_path, closed):
    path = tmp_path / "recording"
    command = f'"$0" -c "$1" {closed}'
    program = PROGRAM.format(path=str(path))
    ran = subprocess.run(
        ["sh", "-c", command, sys.executable, program], capture_output=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert path.read_bytes() == b""


def test_what_an_encoding_lacks_is_escaped():
    program = """
from beatmeter._util.streams import escape_unencodable
escape_unencodable()
print("a", chr(0x97f3))
"""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
    )
    assert ran.stdout.split() == [b"a", rb"\u97f3"]
