"""Many recordings, each alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from beatmeter.cli import batch
from beatmeter.cli.batch import Asked, Outcome, Task, run, run_all
from beatmeter.errors import AudioError, AudioWarning, WeightsWarning
from beatmeter.output.files import SUFFIXES

WORK = """
import os, signal
from beatmeter.output.files import SUFFIXES
from beatmeter.cli.batch import Outcome

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


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (ValueError("two\nlines"), "a.wav: ValueError: two\\nlines"),
        (MemoryError(), "a.wav: MemoryError: "),
        (PermissionError(13, "Permission denied", "out/a.json"), "out/a.json: Permission denied"),
    ],
)
def test_whatever_goes_wrong_is_told_in_one_line(monkeypatch, raised, told):
    def fail(path: Path, ensemble: object) -> None:
        raise raised

    monkeypatch.setattr(batch, "analyze", fail)
    assert run(Task(Path("a.wav"))) == Outcome(Path("a.wav"), None, told)


def test_damage_is_told_beside_the_analysis(monkeypatch, make_analysis):
    def hear(path: Path, ensemble: object) -> object:
        import warnings

        warnings.warn("breaks off", AudioWarning, stacklevel=1)
        return make_analysis()

    monkeypatch.setattr(batch, "analyze", hear)
    outcome = run(Task(Path("a.wav")))
    assert outcome.warnings == ("breaks off",)
    assert outcome.failure is None


def test_reports_are_written_where_the_task_says(monkeypatch, make_analysis, tmp_path, write_audio):
    import numpy as np

    path = write_audio("a.wav", np.random.default_rng(0).uniform(-0.5, 0.5, 30000), 8000)
    analysis = make_analysis(str(path), timeline=True)
    monkeypatch.setattr(batch, "analyze", lambda path, ensemble: make_analysis(str(path)))
    monkeypatch.setattr(batch, "timeline", lambda path, ensemble: analysis.timeline)
    files = {kind: tmp_path / f"out{suffix}" for kind, suffix in SUFFIXES.items()}

    assert run(Task(path, Asked(timeline=True), files)).failure is None

    assert len(json.loads(files["json"].read_text())["timeline"]) == 3
    assert json.loads(files["jams"].read_text())["annotations"]
    assert files["plot"].read_bytes().startswith(b"\x89PNG")
    assert files["beats"].read_text().startswith("0.300\t6\n")
    assert files["labels"].read_text().startswith("0.000000\t0.000000\t7/4\n")
    assert files["midi"].read_bytes().startswith(b"MThd")
    assert files["clicks"].read_bytes().startswith(b"OggS")


SCRIPT = """
import os, sys, time
from pathlib import Path
from beatmeter.cli import batch

def work(task):
    Path(sys.argv[1], f"{os.getpid()}.pid").touch()
    if task.path.name == "slow":
        time.sleep(60)
    Path(sys.argv[1], task.path.name).touch()
    return batch.Outcome(task.path, None)

if __name__ == "__main__":
    names = ["quick", "slow", "slow", "never"]
    try:
        for outcome in batch.run_all([batch.Task(Path(n)) for n in names], 2, work):
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
from beatmeter.cli import batch

if __name__ == "__main__":
    try:
        list(batch.run_all([batch.Task(Path("a")), batch.Task(Path("b"))], 2))
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


def test_a_weight_that_is_not_honoured_is_no_failure(monkeypatch):
    def refuse(path, ensemble):
        warnings.warn("W_NEW is not honoured", WeightsWarning, stacklevel=2)
        raise AudioError("nothing to hear")

    monkeypatch.setattr(batch, "analyze", refuse)
    assert run(Task(Path("a"))) == Outcome(Path("a"), None, "nothing to hear")
