from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from beatmeter.errors import Abstain
from beatmeter.features.rhythm import Rhythm
from beatmeter.meters import ScoreKind
from beatmeter.plugins import build_plugins
from beatmeter.signal import Signal
from beatmeter_mert import settings
from beatmeter_mert import signal as mert_signal
from beatmeter_mert.model import MertMeterClassifier
from beatmeter_mert.settings import CHECKPOINT_VARIABLE
from beatmeter_mert.signal import MertSignal


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    """No model in memory, no embedding on the disk, no checkpoint of the user's."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(CHECKPOINT_VARIABLE, raising=False)
    monkeypatch.setattr(settings, "EMBEDDED", tmp_path / "checkpoints")
    mert_signal._load.cache_clear()
    yield
    mert_signal._load.cache_clear()


@pytest.fixture
def ready(tiny_checkpoint, monkeypatch):
    monkeypatch.setenv(CHECKPOINT_VARIABLE, str(tiny_checkpoint))
    return MertSignal()


@pytest.fixture
def rhythm(music):
    return Rhythm(music(8), 24_000)


@pytest.fixture
def loads(monkeypatch):
    """Count how often a model is loaded."""
    calls = []
    load = MertMeterClassifier.from_pretrained.__func__

    def counted(cls, *args, **kwargs):
        calls.append(args)
        return load(cls, *args, **kwargs)

    monkeypatch.setattr(MertMeterClassifier, "from_pretrained", classmethod(counted))
    return calls


@pytest.fixture
def forwards(monkeypatch):
    """Count how often a backbone runs."""
    calls = []
    embed = MertMeterClassifier.embed_clip

    def counted(self, clip):
        calls.append(len(clip))
        return embed(self, clip)

    monkeypatch.setattr(MertMeterClassifier, "embed_clip", counted)
    return calls


def test_it_is_offered_through_the_entry_point():
    from importlib.metadata import entry_points

    points = [p for p in entry_points(group="beatmeter") if p.name == "mert"]
    loaded = build_plugins(points)
    assert loaded.broken == {}
    assert isinstance(loaded.signals["mert"].signal, Signal)
    assert set(loaded.signals["mert"].plugin.hooks) == {"beatmeter_commands", "beatmeter_signals"}


def test_its_scores_are_independent_probabilities_with_polyrhythm(ready, rhythm, tiny_checkpoint):
    assert ready.unavailable() is None
    scores = ready.score(rhythm)
    model = MertMeterClassifier.from_pretrained(tiny_checkpoint)
    expected = model.predict(rhythm.samples, 24_000)
    assert scores.kind is ScoreKind.INDEPENDENT
    assert scores.as_mapping() == expected.probabilities
    assert scores.polyrhythm == expected.polyrhythm
    assert scores.polyrhythm.meters == expected.top_two


def test_a_recording_at_another_rate_is_resampled(ready, music, forwards):
    ready.score(Rhythm(music(3, rate=44_100), 44_100))
    assert forwards == [3 * 24_000]


def test_a_long_recording_is_heard_in_its_middle(ready, music, forwards):
    ready.score(Rhythm(music(40), 24_000))
    assert forwards == [30 * 24_000]


def test_creating_and_asking_availability_loads_nothing(ready, loads):
    ready.unavailable()
    assert loads == []


def test_threads_share_one_model(ready, rhythm, loads):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(MertSignal().score(rhythm))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1
    assert len(found) == 4
    assert all(scores == found[0] for scores in found)


def test_a_recording_heard_before_costs_nothing(ready, rhythm, music, forwards):
    first = ready.score(rhythm)
    assert ready.score(rhythm) == first
    assert len(forwards) == 1
    ready.score(Rhythm(music(8, seed=1), 24_000))
    assert len(forwards) == 2


def test_another_adapter_hears_anew(ready, rhythm, forwards, tmp_path, trained_like, monkeypatch):
    first = ready.score(rhythm)
    other = trained_like(max_layer=2)
    other.save_pretrained(tmp_path / "other")
    monkeypatch.setenv(CHECKPOINT_VARIABLE, str(tmp_path / "other"))
    assert ready.score(rhythm) != first
    assert len(forwards) == 2


def test_a_damaged_cache_is_no_harm(ready, rhythm, forwards, tmp_path):
    first = ready.score(rhythm)
    (entry,) = (tmp_path / "cache").rglob("*.memo")
    entry.write_bytes(b"damaged")
    assert ready.score(rhythm) == first
    assert len(forwards) == 2


def test_without_a_checkpoint_it_says_how_to_get_one(rhythm):
    signal = MertSignal()
    assert "beatmeter mert finetune" in signal.unavailable()
    with pytest.raises(Abstain, match="no checkpoint"):
        signal.score(rhythm)


def test_without_the_extra_it_says_what_to_install(ready, rhythm, monkeypatch):
    monkeypatch.setattr(
        mert_signal, "find_spec", lambda name: None if name in ("torch", "peft") else object()
    )
    assert ready.unavailable() == "needs torch, peft: pip install 'beatmeter[mert]'"
    with pytest.raises(Abstain, match="pip install"):
        ready.score(rhythm)


def test_what_is_too_short_for_it_is_not_judged(tiny_checkpoint, tmp_path, music, monkeypatch):
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "copy")
    config = json.loads((folder / "head" / "config.json").read_text())
    config["preprocessing"] |= {"chunk_seconds": 13.0, "shortest_seconds": 13.0}
    (folder / "head" / "config.json").write_text(json.dumps(config))
    monkeypatch.setenv(CHECKPOINT_VARIABLE, str(folder))
    with pytest.raises(Abstain, match=r"8\.0 s of audio \(allowed: 13 s or more\)"):
        MertSignal().score(Rhythm(music(8), 24_000))


def test_a_damaged_checkpoint_is_absent_and_tried_once(
    tiny_checkpoint, tmp_path, rhythm, monkeypatch, loads
):
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "copy")
    (folder / "adapter_model.safetensors").write_bytes(b"short")
    monkeypatch.setenv(CHECKPOINT_VARIABLE, str(folder))
    for _ in range(2):
        with pytest.raises(Abstain, match="missing or damaged"):
            MertSignal().score(rhythm)
    assert len(loads) == 1


def test_a_wrong_config_file_is_a_reason_not_a_crash(tmp_path, rhythm):
    (tmp_path / "config" / "beatmeter").mkdir(parents=True)
    (tmp_path / "config" / "beatmeter" / "config.toml").write_text("[mert")
    assert "config.toml" in MertSignal().unavailable()
    with pytest.raises(Abstain, match=r"config\.toml"):
        MertSignal().score(rhythm)


def test_offering_it_imports_no_torch():
    program = (
        "import sys; from beatmeter_mert.plugin import beatmeter_signals; "
        "signal, = beatmeter_signals(); signal.unavailable(); "
        "sys.exit(sorted({'torch', 'transformers', 'peft'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_remote_code_is_never_trusted():
    root = Path(__file__).parents[2]
    sources = [
        path
        for folder in ("beatmeter", "beatmeter_mert", "benchmarks", "tests", "docs", "notebooks")
        for path in (root / folder).rglob("*")
        if path.suffix in {".py", ".md", ".toml", ".ipynb"} and path != Path(__file__)
    ]
    assert len(sources) > 50
    assert not [p for p in sources if "trust_remote_code" in p.read_text(encoding="utf-8")]


def test_the_fingerprint_is_that_of_the_checkpoints_own_files(
    ready, tiny_checkpoint, tmp_path, monkeypatch
):
    first = ready.fingerprint()
    other = tmp_path / "other"
    shutil.copytree(tiny_checkpoint, other)
    monkeypatch.setenv(CHECKPOINT_VARIABLE, str(other))
    assert ready.fingerprint() == first
    (other / "calibration").mkdir()
    (other / "calibration" / "answers.jsonl").write_text("{}")
    (other / "README.md").write_text("another card")
    assert ready.fingerprint() == first
    for name in ("head/config.json", "adapter_model.safetensors", "head/model.safetensors"):
        before = ready.fingerprint()
        with (other / name).open("ab") as file:
            file.write(b" ")
        assert ready.fingerprint() != before


def test_telling_the_fingerprint_imports_no_torch(ready, tiny_checkpoint):
    program = (
        "import sys; from beatmeter_mert.signal import MertSignal; "
        "MertSignal().fingerprint(); "
        "sys.exit(sorted({'torch', 'transformers', 'peft'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_is_measured_in_float32_whatever_is_set(ready, rhythm, tmp_path, tiny_checkpoint):
    (tmp_path / "config" / "beatmeter").mkdir(parents=True)
    config = tmp_path / "config" / "beatmeter" / "config.toml"
    config.write_text('[mert]\ndtype = "bfloat16"\ndevice = "cpu"\n')
    exact = MertMeterClassifier.from_pretrained(tiny_checkpoint, device="cpu", dtype="float32")
    expected = exact.predict(rhythm.samples, 24_000).probabilities
    measured = pickle.loads(pickle.dumps(ready.for_measuring()))  # it goes to other processes
    assert measured.score(rhythm).as_mapping() == expected
    assert ready.score(rhythm).as_mapping() != expected
    assert measured.name == "mert"
    assert measured.fingerprint() == ready.fingerprint()
