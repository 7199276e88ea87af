"""How fast an archive is worked through on two cores.

    pytest benchmarks/test_archive_speed.py -s

Recordings of the rendered fixtures are analysed by two processes, as ``beatmeter analyze --jobs 2``
does, some and more of them: the difference leaves out what a process costs before its first
recording. What is counted is CPU time of the processes, so that other work on the machine does not.
"""

from __future__ import annotations

import resource
from pathlib import Path

from beatmeter.archive.recording import Outcome, Task
from beatmeter.cli.batch import run_all

RECORDINGS = sorted((Path(__file__).parents[1] / "fixtures" / "audio").glob("*.opus"))
FEW, MANY = 4, 64
CORES = 2
LEAST_TIMES_REAL_TIME = 150.0


def outcomes(count: int) -> tuple[list[Outcome], float]:
    """What became of recordings from all over the set, and the CPU seconds of the processes."""
    chosen = RECORDINGS[:: len(RECORDINGS) // count][:count]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = list(run_all([Task(path) for path in chosen], CORES))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def seconds_of(found: list[Outcome]) -> float:
    return sum(o.analysis.duration_s for o in found if o.analysis is not None)


def test_two_cores_work_through_an_archive_at_150_times_real_time():
    few, little = outcomes(FEW)
    many, much = outcomes(MANY)
    assert not [outcome.failure for outcome in (*few, *many) if outcome.failure]
    a_core = (seconds_of(many) - seconds_of(few)) / (much - little)
    print(f"\n{MANY} recordings, {seconds_of(many):.0f} s, {much:.1f} CPU s of {CORES} processes:")
    print(f"  {a_core:.0f} times real time a core, {CORES * a_core:.0f} on {CORES} cores")
    print(f"  {30.0 / a_core:.3f} CPU s for 30 s, once a process has begun")
    assert CORES * a_core >= LEAST_TIMES_REAL_TIME
