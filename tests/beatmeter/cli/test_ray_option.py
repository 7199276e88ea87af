"""``beatmeter analyze --ray``: one run on one worker, resumed, and what is refused."""

from __future__ import annotations

import builtins
import warnings
from importlib.util import find_spec

import pytest
import soundfile

from beatmeter.archive.rows import Analysed, Failed, read_rows

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray comes with the extra 'ray'")


@pytest.fixture
def one_worker(monkeypatch):
    """A cluster of one core in this machine, to which this process is connected."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Ray's own doing
        import ray

        ray.init(
            address="local",
            num_cpus=1,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
            object_store_memory=80 * 2**20,
        )
        yield
        ray.shutdown()


@needs_ray
def test_an_archive_is_analysed_by_workers_and_gone_on_with(
    beatmeter, one_worker, tmp_path, drum_pattern
):
    archive, out = tmp_path / "archive", tmp_path / "out"
    archive.mkdir()
    for meter in (3, 4):
        samples = drum_pattern(meter, 160.0, 0)[: 8 * 22050]
        soundfile.write(archive / f"{meter}.wav", samples, 22050)
    (archive / "bad.wav").write_text("no audio")

    ran = beatmeter("analyze", "--ray", "auto", "--output", str(out), str(archive), "--json")
    assert ran.code == 1
    assert ran.err.splitlines() == [
        "beatmeter: 1 node, 1 worker",
        f"beatmeter: 2 analysed into {out}, 1 failed",
        f"  {archive}/bad.wav: is text, not audio",
    ]
    rows = {row.path: row for row in read_rows(out)}
    assert [type(rows[str(archive / f"{name}.wav")]) for name in ("3", "4", "bad")] == [
        Analysed,
        Analysed,
        Failed,
    ]
    assert sum(1 for _ in out.glob("*.jsonl")) == sum(1 for _ in out.glob("*.parquet"))

    ran = beatmeter("analyze", "--ray", "auto", "--output", str(out), str(archive))
    assert ran.code == 0
    assert ran.err.splitlines()[1:] == [
        "beatmeter: 3 of 3 skipped",
        f"beatmeter: 0 analysed into {out}, 0 failed",
    ]
    assert len(list(read_rows(out))) == 3


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
