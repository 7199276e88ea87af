"""Many recordings, each alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from beatmeter.archive.recording import Outcome, Task
from beatmeter.cli.batch import run_all

WORK = """
import os, signal
from beatmeter.archive.recording import Outcome

def tell_process(task):
    if task.path.name == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    return Outcome(task.path, None, failure=str(os.getpid()))
"""


@pytest.fixture
def tell_process(tmp_path, monkeypatch) -> Callable[[Task], Outcome]:
    """Stand-in for the work, in a module that other processes can import too."""
    (tmp_path / "work_of_test_batch.py").write_text(WORK)
    monkeypatch.syspath_prepend(str(tmp_path))
    return import_module("work_of_test_batch").tell_process


def tasks(*names: str) -> list[Task]:
    return [Task(Path(name)) for name in names]


def test_one_job_works_here_and_in_order(tell_process):
    outcomes = list(run_all(tasks("b", "a", "c"), work=tell_process))
    assert [str(o.path) for o in outcomes] == ["b", "a", "c"]
    assert {o.failure for o in outcomes} == {str(os.getpid())}


def test_several_jobs_work_elsewhere_and_do_everything_once(tell_process):
    names = [str(n) for n in range(7)]
    outcomes = list(run_all(tasks(*names), jobs=2, work=tell_process))
    assert sorted(str(o.path) for o in outcomes) == names
    assert str(os.getpid()) not in {o.failure for o in outcomes}


def test_a_process_that_dies_takes_only_its_own_recording_with_it(tell_process):
    outcomes = list(run_all(tasks("a", "b", "deadly", "c", "d"), jobs=2, work=tell_process))
    failures = {str(o.path): o.failure for o in outcomes}
    assert sorted(failures) == ["a", "b", "c", "d", "deadly"]
    assert failures.pop("deadly") == "deadly: the process that analysed it died"
    assert all(failure.isdigit() for failure in failures.values())


SCRIPT = """
import os, sys, time
from pathlib import Path
from beatmeter.archive.recording import Outcome, Task
from beatmeter.cli.batch import run_all

def work(task):
    Path(sys.argv[1], f"{os.getpid()}.pid").touch()
    if task.path.name == "slow":
        time.sleep(60)
    Path(sys.argv[1], task.path.name).touch()
    return Outcome(task.path, None)

if __name__ == "__main__":
    names = ["quick", "slow", "slow", "never"]
    try:
        for outcome in run_all([Task(Path(n)) for n in names], 2, work):
            print(outcome.path, flush=True)
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.fixture
def started(tmp_path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A batch in a process of its own, which has finished one recording, and what it left."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = tmp_path / "done"
    done.mkdir()
    command = [sys.executable, str(script), str(done)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as process:
        assert process.stdout.readline() == "quick\n"
        yield process, done
        process.kill()


SLOW_TO_START = """
import os, sys, time
from pathlib import Path
from beatmeter.archive.recording import Task
from beatmeter.cli.batch import run_all

if __name__ == "__main__":
    try:
        list(run_all([Task(Path("a")), Task(Path("b"))], 2))
    except KeyboardInterrupt:
        sys.exit(130)
else:
    Path(sys.argv[1], str(os.getpid())).touch()
    time.sleep(60)
"""


def test_a_process_that_is_still_starting_hears_no_interrupt(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SLOW_TO_START)
    starting = tmp_path / "starting"
    starting.mkdir()
    command = [sys.executable, str(script), str(starting)]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        wait_until(lambda: any(starting.iterdir()))
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (130, "")


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_interrupt_ends_at_once_and_keeps_what_was_finished(started):
    process, done = started
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert [path.name for path in done.iterdir() if path.suffix != ".pid"] == ["quick"]


def test_no_process_outlives_its_parent(started):
    process, done = started
    process.kill()
    workers = [int(path.stem) for path in done.glob("*.pid")]
    wait_until(lambda: not any(map(is_running, workers)))
