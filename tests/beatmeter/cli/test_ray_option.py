"""``beatmeter analyze --ray``: one run on one worker, resumed, and what is refused."""

from __future__ import annotations

import builtins
import os
import signal
import subprocess
import sys
from importlib.util import find_spec

import pytest
import soundfile

from beatmeter.archive.rows import Analysed, Failed, read_rows

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray comes with the extra 'ray'")


RUN = """
import sys
import ray
from beatmeter.cli import main

sys.argv[0] = "beatmeter"
quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}
for _ in range(2):
    ray.init("local", num_cpus=1, ignore_reinit_error=True, **quiet)
    try:
        main()
    except SystemExit as end:
        print(f"beatmeter: ends with {end.code}", file=sys.stderr)
"""
LONGEST_S = 120  # it takes about ten seconds where a core is free


def twice_on_one_worker(*arguments: str) -> list[str]:
    """Run the command line two times on a cluster of one core: what it told on errors."""
    polite = {"RAY_worker_niceness": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    alone = {"BEATMETER_DISABLE_PLUGINS": "mert"}  # whose commands can be added once a process
    command = [sys.executable, "-c", RUN, *arguments]
    with subprocess.Popen(
        command,
        env=os.environ | polite | alone,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            _, told = process.communicate(timeout=LONGEST_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            pytest.skip(f"the machine is too busy to run Ray within {LONGEST_S} s")
    return [line for line in told.splitlines() if line[:1] in ("b", " ")]


@needs_ray
def test_an_archive_is_analysed_by_workers_and_gone_on_with(tmp_path, drum_pattern):
    archive, out = tmp_path / "archive", tmp_path / "out"
    archive.mkdir()
    soundfile.write(archive / "4.wav", drum_pattern(4, 160.0, 0)[: 8 * 22050], 22050)
    (archive / "bad.wav").write_text("no audio")
    command = ["analyze", "--ray", "auto", "--output", str(out), str(archive), "--json"]

    assert twice_on_one_worker(*command) == [
        "beatmeter: 1 node, 1 worker",
        f"beatmeter: 1 analysed into {out}, 1 failed",
        f"  {archive}/bad.wav: is text, not audio",
        "beatmeter: ends with 1",
        "beatmeter: 1 node, 1 worker",
        "beatmeter: 2 of 2 skipped",
        f"beatmeter: 0 analysed into {out}, 0 failed",
        "beatmeter: ends with 0",
    ]
    rows = {row.path: row for row in read_rows(out)}
    assert isinstance(rows[str(archive / "4.wav")], Analysed)
    assert isinstance(rows[str(archive / "bad.wav")], Failed)
    assert sum(1 for _ in out.glob("*.jsonl")) == sum(1 for _ in out.glob("*.parquet"))
    assert len(list(read_rows(out))) == 2


@needs_ray
def test_a_cluster_that_is_not_there_is_one_line(beatmeter, tmp_path):
    command = ["analyze", "--ray", "no\ncluster", "--output", str(tmp_path / "out"), "a"]
    ran = beatmeter(*command)
    assert ran.code == 2
    assert ran.err.startswith("beatmeter: ray: no cluster at 'no\\ncluster'")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ((), "--ray needs --output DIR"),
        (("--output", "out", "--midi", "m", "--jobs", "2"), "cannot go with --midi, --jobs"),
        (("--output", "out", "--signals", "nosuch"), "signals: 'nosuch'"),
        (("--output", "out", "--prior", "nosuch"), "prior: 'nosuch'"),
    ],
)
def test_what_a_cluster_cannot_do_is_refused_before_it_is_asked(beatmeter, options, reason):
    ran = beatmeter("analyze", "--ray", "auto", "archive", *options)
    assert ran.code == 2
    assert reason in ran.err


def test_without_ray_one_line_says_how_to_install_it(beatmeter, monkeypatch, tmp_path):
    real = builtins.__import__

    def without(name, *arguments):
        if name.partition(".")[0] == "ray":
            raise ModuleNotFoundError("No module named 'ray'", name="ray")
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr("beatmeter.cli.errors.find_spec", lambda package: None)
    ran = beatmeter("analyze", "--ray", "auto", "--output", str(tmp_path / "out"), "archive")
    assert ran.code == 2
    assert ran.err == "beatmeter: needs the package ray: pip install 'beatmeter[ray]'\n"
