"""``beatmeter serve`` as a process: what it says, what it refuses, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from subprocess import Popen

import pytest
from click.testing import CliRunner

from beatmeter.cli.serve import serve
from beatmeter.datasets.corrections import ABSENT, Correction, CorrectionStore
from beatmeter.datasets.folder import read_folder
from beatmeter.serve import running

ROOT = Path(__file__).parents[3]
MAIN = "from beatmeter.cli import main\nmain()"
WITHOUT_STARLETTE = """
import sys
import beatmeter.cli.errors as errors
class Hide:
    def find_spec(self, name, *_):
        if name.partition(".")[0] == "starlette":
            raise ModuleNotFoundError(name=name)
sys.meta_path.insert(0, Hide())
errors.find_spec = lambda _: None
errors.requires = lambda _: {extra}
"""
DIES_BETWEEN = """
import os
import signal
from beatmeter.datasets.corrections import CorrectionStore
whole = CorrectionStore.{step}
def die(self, *arguments):
    if "second" in repr(arguments):
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(self, *arguments)
CorrectionStore.{step} = die
"""


@pytest.fixture
def folder(tmp_path):
    for name in ("first.wav", "second.wav", "third.wav"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.fixture
def start(folder) -> Iterator[Callable[..., tuple[Popen, int]]]:
    """``start(program)``: a server of the folder, and its port."""
    begun = []

    def start(program: str = "", served: tuple[Path, ...] = (folder,)) -> tuple[Popen, int]:
        command = [sys.executable, "-c", program + MAIN, "serve", *map(str, served), "--port", "0"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        begun.append(process)
        line = process.stderr.readline()
        match = re.search(r"is served at http://127\.0\.0\.1:(\d+) \(Ctrl-C ends\)$", line)
        assert match, line
        return process, int(match[1])

    yield start
    for process in begun:
        process.kill()
        process.communicate()


def run(*arguments, program=""):
    command = [sys.executable, "-c", program + MAIN, "serve", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def correct(port, name, said):
    """Correct a recording as the page does, and return the answer's status."""
    with closing(HTTPConnection("127.0.0.1", port)) as connection:
        connection.request("GET", "/recordings")
        rows = json.loads(connection.getresponse().read())["rows"]
        (identity,) = (row["id"] for row in rows if row["name"] == name)
        headers = {
            "origin": f"http://127.0.0.1:{port}",
            "content-type": "application/json",
            "if-match": ABSENT,
        }
        place = f"/recordings/{identity}/correction"
        connection.request("PUT", place, json.dumps(said), headers)
        with connection.getresponse() as answer:
            return answer.status


def raw(port, *pieces):
    """Send bytes until the server ends the connection, and return what it said."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
        except ConnectionError:
            pass
        answer = b""
        try:
            while block := connection.recv(65536):
                answer += block
        except ConnectionError:
            pass
        return answer.decode()


def upload_head(port, *lines):
    head = (
        "POST /uploads?name=a.wav HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Origin: http://127.0.0.1:{port}",
        *lines,
    )
    return "".join(f"{line}\r\n" for line in (*head, "")).encode()


def test_two_gigabytes_and_worse_leave_the_server_well(start, folder):
    process, port = start()
    by_header = raw(port, upload_head(port, f"Content-Length: {2 * 10**9}"))
    assert by_header.startswith("HTTP/1.1 413 ")
    assert "too large (allowed: 500 MB)" in by_header
    for lines in (["Content-Length: -1"], ["Content-Length: 5", "Transfer-Encoding: chunked"]):
        assert raw(port, upload_head(port, *lines), b"0\r\n\r\n").startswith("HTTP/1.1 4")
    assert raw(port, b"\x16\x03\x01 no HTTP\r\n\r\n").startswith("HTTP/1.1 400 ")
    assert raw(port, b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").startswith("HTTP/1.1 421 ")
    assert correct(port, "first.wav", {"meters": [3]}) == 200
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0


def test_without_a_folder_one_of_the_users_own_is_served(start, tmp_path, monkeypatch):
    monkeypatch.setenv("BEATMETER_DATA", str(tmp_path / "data"))
    _, port = start(served=())
    assert raw(port, upload_head(port, "Content-Length: 4", "Connection: close"), b"RIFF")
    assert (tmp_path / "data" / "recordings" / "dropped" / "a.wav").read_bytes() == b"RIFF"


def test_ctrl_c_ends_in_one_line_and_loses_nothing(start, folder):
    process, port = start()
    assert correct(port, "first.wav", {"meters": [3]}) == 200
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert re.fullmatch(
        r"beatmeter: ended; what was heard and corrected is kept"
        r"(, \d recordings are left to analyse)?\n",
        process.stderr.read(),
    )
    assert CorrectionStore(folder).read()["first.wav"].correction == Correction((3,))


@pytest.mark.parametrize("step", ["_label", "_write"])
def test_killed_between_click_and_write_nothing_acknowledged_is_lost(start, folder, step):
    process, port = start(DIES_BETWEEN.format(step=step))
    assert correct(port, "first.wav", {"meters": [3]}) == 200
    with pytest.raises(ConnectionError):
        correct(port, "second.wav", {"meters": [5], "note": "second"})
    assert process.wait(20) == -signal.SIGKILL
    store = CorrectionStore(folder)
    assert {name: saved.correction for name, saved in store.read().items()} == {
        "first.wav": Correction((3,))
    }
    assert read_folder(folder).files[0].clip.meters == (3,)
    store.save("second.wav", Correction((5,)), ABSENT)
    assert [file.clip.meters for file in read_folder(folder).files] == [(3,), (5,)]


def test_a_port_that_is_taken_is_told(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = run(folder, "--port", port)
    assert ran.returncode == 2
    assert ran.stderr == (
        f"beatmeter: --port: {port} of 127.0.0.1: Address already in use "
        "(allowed: one that is free; --port 0 takes one)\n"
    )


def test_a_foreign_address_is_told():
    with pytest.raises(running.ServeError, match=r"--host: 'nowhere\.invalid' \(allowed"):
        running.listen("nowhere.invalid", 0)


def test_a_missing_extra_is_told(folder):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = [f"{name}; extra == 'page'" for name in project["optional-dependencies"]["page"]]
    ran = run(folder, program=WITHOUT_STARLETTE.format(extra=extra))
    assert ran.returncode == 2
    assert ran.stderr == ("beatmeter: needs the package starlette: pip install 'beatmeter[page]'\n")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("filename\nfirst.wav\n", "column 'meter' is missing"),
        ("filename,meter\nfirst.wav,waltz\n", "line 2: meter 'waltz'"),
    ],
)
def test_malformed_corrections_are_told_before_anything_is_served(folder, content, line):
    (folder / "corrections.csv").write_text(content)
    ran = run(folder)
    assert ran.returncode == 2
    assert line in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_what_is_no_folder_or_may_not_be_written_is_told(folder):
    ran = run(folder / "first.wav")
    assert ran.returncode == 2
    assert "is a file" in ran.stderr
    ran = run(folder, "--output", folder / "first.wav" / "reports")
    assert ran.returncode == 2
    assert ran.stderr == f"beatmeter: {folder / 'first.wav'}: Not a directory\n"


def test_a_folder_that_may_not_be_written_is_told(folder, monkeypatch):
    monkeypatch.setattr("os.access", lambda _, mode: not mode & os.W_OK)
    ran = CliRunner().invoke(serve, [str(folder)])
    assert isinstance(ran.exception, PermissionError)
    assert ran.exception.filename == str(folder)


def test_analyze_finds_done_what_the_server_heard(tmp_path, click_track, write_audio):
    path = write_audio("song.wav", click_track(4, 120.0, 0)[: 8 * 22050])
    command = [sys.executable, "-c", MAIN]
    serve = [*command, "serve", str(path.parent), "--port", "0"]
    with subprocess.Popen(serve, stderr=subprocess.PIPE, text=True) as process:
        process.stderr.readline()
        report = path.parent / "reports" / "song.wav.json"
        while not report.exists():
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
    row = json.loads(report.read_text())
    assert row["path"] == str(path)
    analyze = [*command, "analyze", "--output", str(report.parent), "--skip-existing"]
    ran = subprocess.run([*analyze, str(path.parent)], capture_output=True, text=True, check=True)
    assert ran.stderr == "beatmeter: 1 of 1 skipped\n"
