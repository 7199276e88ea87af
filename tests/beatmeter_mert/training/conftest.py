import shutil
import threading
from http.server import ThreadingHTTPServer

import numpy as np
import pytest
import soundfile

from beatmeter.datasets.labels import LabelledClip, write_table
from beatmeter.meters import METERS
from beatmeter_mert.training.finetune.settings import FinetuneSettings
from beatmeter_mert.training.settings import read_settings

RATE = 24_000
NO_DROPOUT = dict.fromkeys(
    ("hidden_dropout", "attention_dropout", "activation_dropout", "feat_proj_dropout"), 0.0
)


@pytest.fixture
def ffmpeg():
    """Skip a test where ffmpeg is missing."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")


@pytest.fixture
def serve():
    """Serve a request handler on this machine while a test runs; returns the address."""
    servers = []

    def start(handler):
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def write_audio():
    """Write a recording of a 440 Hz tone whose samples also tell their position."""

    def write(path, seconds, rate=24_000):
        path.parent.mkdir(parents=True, exist_ok=True)
        time = np.arange(round(seconds * rate)) / rate
        samples = 0.3 * np.sin(2 * np.pi * 440 * time) * (0.5 + 0.5 * time / max(seconds, 1e-9))
        soundfile.write(path, samples.astype(np.float32), rate)
        return path

    return write


@pytest.fixture
def make_clip():
    def make(filename="a.wav", meters=(3,), work=None, confidences=()):
        return LabelledClip(filename, meters, None, work or filename, confidences)

    return make


@pytest.fixture(scope="session")
def tones(tmp_path_factory):
    """A folder of two tones a meter in training, one in each of the other splits."""
    folder = tmp_path_factory.mktemp("tones")
    rng = np.random.default_rng(0)
    (folder / "audio").mkdir()
    time = np.arange(int(2.2 * RATE)) / RATE
    for split, clips in (("train", 2), ("val", 1), ("test", 1)):
        rows = []
        for meter in METERS:
            for number in range(clips):
                name = f"audio/{split}_{meter}_{number}.wav"
                tone = 0.3 * np.sin(2 * np.pi * 200 * meter * time + number)
                soundfile.write(folder / name, tone + rng.normal(0, 0.01, len(time)), RATE)
                rows.append(LabelledClip(name, (meter,), None, name))
        write_table(folder / f"data_{split}_4_classes.tab", rows)
    return folder


@pytest.fixture(scope="session")
def steady_mert(tmp_path_factory, make_tiny_mert):
    """A folder with a tiny MERT that computes the same in training as outside."""
    folder = tmp_path_factory.mktemp("steady-mert")
    return make_tiny_mert(folder, num_hidden_layers=1, **NO_DROPOUT)


@pytest.fixture
def tiny_settings(tones, steady_mert):
    """Settings of a tiny run: (**differences) -> FinetuneSettings."""
    common = {
        "data_dir": str(tones),
        "model": str(steady_mert),
        "chunk_seconds": 1.0,
        "clip_seconds": 1.0,
        "head_dim": 8,
        "epochs": 3,
        "batch_size": 4,
        "grad_accum": 1,
        "views": 2,
        "device": "cpu",
        "workers": 0,
    }

    def make(**differences):
        return read_settings(FinetuneSettings, common, differences)

    return make
