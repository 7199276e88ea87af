"""Analysing many recordings: each one alone, so that no failure stops the others."""

from __future__ import annotations

import multiprocessing
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from beatmeter._util.atomic import require_writable
from beatmeter._util.text import escape_control
from beatmeter._util.workers import start_workers
from beatmeter.analysis import Analysis
from beatmeter.errors import AudioWarning, BeatMeterError, WeightsWarning
from beatmeter.fusion.prior import REPERTOIRE
from beatmeter.output.files import write_file
from beatmeter.pipeline import VOTING, Ensemble, analyze, timeline


@dataclass(frozen=True)
class Asked:
    """What is to be told of recordings.

    Attributes
    ----------
    timeline : bool
        Whether to tell the meter over windows too.
    signals, prior : str
        Whom to ask, and what is held probable: :meth:`beatmeter.pipeline.Ensemble.installed`.
    """

    timeline: bool = False
    signals: str = VOTING
    prior: str = REPERTOIRE


@dataclass(frozen=True)
class Task:
    """One recording to analyse, and what to write of it.

    Attributes
    ----------
    path : Path
    asked : Asked
    files : mapping of str to Path
        What to write, and where: kinds of :data:`beatmeter.output.files.SUFFIXES`.
    """

    path: Path
    asked: Asked = Asked()
    files: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of one task.

    Attributes
    ----------
    path : Path
    analysis : Analysis or None
        None when it failed.
    failure : str or None
        Why it failed, in one line; None when it did not.
    warnings : tuple of str
        What is wrong with a recording that could be heard all the same.
    """

    path: Path
    analysis: Analysis | None
    failure: str | None = None
    warnings: tuple[str, ...] = ()


def run(task: Task) -> Outcome:
    """Analyse one recording and write its reports; whatever fails is in the outcome."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", AudioWarning)
        warnings.simplefilter("ignore", WeightsWarning)  # told once, by whoever plans the tasks
        analysis, failure = _attempt(task)
    damage = tuple(str(w.message) for w in caught if issubclass(w.category, AudioWarning))
    return Outcome(task.path, analysis, failure, damage)


def run_all(
    tasks: Sequence[Task], jobs: int = 1, work: Callable[[Task], Outcome] = run
) -> Iterator[Outcome]:
    """Do every task, yielding each outcome as soon as it is there.

    Parameters
    ----------
    tasks : sequence of Task
    jobs : int
        Processes; 1 works in this one, in order. Each computes with one thread, unless the
        environment says otherwise.
    work : callable
        What to do with a task; must be importable by name.

    Yields
    ------
    Outcome
        One for each task. A process that dies takes only its own task with it.
    """
    if jobs <= 1 or len(tasks) <= 1:
        yield from map(work, tasks)
        return
    suspects: list[Task] = []
    waiting = deque(tasks)
    while waiting:
        yield from _drain(waiting, suspects, min(jobs, len(waiting)), work)
    for suspect in suspects:
        died: list[Task] = []
        yield from _drain(deque([suspect]), died, 1, work)
        if died:
            failure = escape_control(f"{suspect.path}: the process that analysed it died")
            yield Outcome(suspect.path, None, failure)


@lru_cache(maxsize=1)
def ensemble_of(asked: Asked) -> Ensemble:
    """The ensemble of a run, whose weights a process reads once."""
    return Ensemble.installed(asked.signals, asked.prior)


def _attempt(task: Task) -> tuple[Analysis | None, str | None]:
    try:
        for target in task.files.values():
            require_writable(target)
        ensemble = ensemble_of(task.asked)
        analysis = analyze(task.path, ensemble=ensemble)
        if task.asked.timeline:
            analysis = replace(analysis, timeline=timeline(task.path, ensemble=ensemble))
        for kind, target in task.files.items():
            write_file(kind, analysis, task.path, target)
    except BeatMeterError as error:
        return None, str(error)
    except OSError as error:
        return None, escape_control(f"{error.filename or task.path}: {error.strerror or error}")
    except Exception as error:  # a defect, or no memory left: it must not stop the others
        return None, escape_control(f"{task.path}: {type(error).__name__}: {error}")
    return analysis, None


def _drain(
    waiting: deque[Task], suspects: list[Task], jobs: int, work: Callable[[Task], Outcome]
) -> Iterator[Outcome]:
    """Work through `waiting` until it is empty or a process dies.

    The tasks that were under way when a process died go to `suspects`: one of them killed it.
    """
    running: dict[Future[Outcome], Task] = {}
    pool = start_workers(jobs)
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                future = pool.submit(work, waiting[0])
                running[future] = waiting.popleft()
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for finished in done:
                outcome = finished.result()
                del running[finished]
                yield outcome
    except BrokenProcessPool:
        suspects.extend(running.values())
    finally:
        pool.shutdown(wait=not running, cancel_futures=True)
        if running:
            for process in multiprocessing.active_children():
                process.terminate()
