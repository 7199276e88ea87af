"""Training of the bar network: features, batches, one loop, and the file that numpy runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

torch = pytest.importorskip("torch")

from beatmeter._util.hashing import hash_file  # noqa: E402
from beatmeter.cli.beats import beats  # noqa: E402
from beatmeter.meters import METERS  # noqa: E402
from beatmeter.signals.neural.bar_features import HeardFrames  # noqa: E402
from beatmeter.signals.neural.bar_network import (  # noqa: E402
    LENGTH_CLASSES,
    METER_CLASSES,
    BarNetwork,
)
from beatmeter.signals.neural.frame_network import FrameNetwork, NetworkConfig  # noqa: E402
from beatmeter.signals.neural.spectrogram import STEPS  # noqa: E402
from beatmeter.signals.neural.training.bars import loop  # noqa: E402
from beatmeter.signals.neural.training.bars.examples import (  # noqa: E402
    KINDS,
    FeaturesConfig,
    Jitter,
    write_features,
)
from beatmeter.signals.neural.training.bars.export import (  # noqa: E402
    bar_arrays,
    join_bar_networks,
    write_bar_network,
)
from beatmeter.signals.neural.training.bars.figures import (  # noqa: E402
    as_text,
    best_bars,
    figures_of,
    trainable_says,
)
from beatmeter.signals.neural.training.bars.network import (  # noqa: E402
    Heard,
    TrainableBarNetwork,
)
from beatmeter.signals.neural.training.bars.pool import (  # noqa: E402
    Pool,
    batch_of,
    draw_from,
    load_pool,
    random_batch,
    whole,
)
from beatmeter.signals.neural.training.bars.settings import (  # noqa: E402
    BarNetworkConfig,
    BarTrainSettings,
    read_bar_settings,
)
from beatmeter.signals.neural.training.export import write_network  # noqa: E402
from beatmeter.signals.neural.training.frames import read_shard  # noqa: E402
from tests.beatmeter.signals.neural.conftest import clicks, write_shard  # noqa: E402

ROOT = Path(__file__).parents[4]
CPU = torch.device("cpu")
SHA = "0" * 64
SHAPE = BarNetworkConfig(channels=8, dilations=(1, 2), dropout=0.1)
SMALL = BarTrainSettings(
    passes=3, batch=4, evaluate_every=3, save_every=2, pulses={"annotated": 1.0}, network=SHAPE
)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def accents(meters, beats: int = 30, seed: int = 0) -> Pool:
    """Annotated pulses whose first feature is louder where a bar begins; the others are noise."""
    rng = np.random.default_rng(seed)
    features, downbeats, times = [], [], 0.2 + 0.5 * np.arange(beats)
    for meter in meters:
        first = np.arange(beats) % meter == rng.integers(meter)
        features.append(rng.normal(size=(beats, 5)) + 3.0 * first[:, None] * (np.arange(5) == 0))
        downbeats.append(first)
    clips = np.arange(len(meters) + 1)
    return Pool(
        features=torch.from_numpy(np.concatenate(features).astype(np.float16)),
        hidden=2,
        downbeat=torch.from_numpy(np.concatenate(downbeats).astype(np.int8)),
        times=np.tile(times, len(meters)),
        starts=beats * clips,
        kind=np.full(len(meters), KINDS.index("annotated")),
        length=np.array([LENGTH_CLASSES.index(meter) for meter in meters]),
        counted=np.ones(len(meters), np.int64),
        pulses=clips,
        meter=np.array([METER_CLASSES.index(meter) for meter in meters]),
        known=np.ones(len(meters), bool),
        beats=[times] * len(meters),
        downbeats=[times[first] for first in downbeats],
        rows=[{"family": f"in {meter}", "meter": meter} for meter in meters],
    )


@pytest.fixture
def frame_network(tmp_path, random_network):
    """The file of a small frame network."""
    path = tmp_path / "frame_network.npz"
    write_network(random_network(NetworkConfig(stem=(4, 6), channels=8, dilations=(1, 2))), path)
    return path


@pytest.fixture
def bar_network():
    """``bar_network(features)``: a network whose normalisation is not the identity."""

    def make(features: int) -> TrainableBarNetwork:
        torch.manual_seed(0)
        network = TrainableBarNetwork(features, SHAPE)
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm1d):
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 2)
                torch.nn.init.uniform_(module.weight, 0.5, 1.5)
                torch.nn.init.normal_(module.bias, 0, 0.2)
        return network.eval()

    return make


def test_torch_and_numpy_hear_the_same(bar_network, tmp_path):
    pool, network = accents((3, 4)), bar_network(5)
    with torch.no_grad():  # of two lengths: padding changes nothing
        batch = batch_of(pool, [0, 1], np.array([0, 2]), np.array([30, 19]))
        torch_says = network(batch.features, batch.heard)
    write_bar_network(network, SHA, tmp_path / "bars.npz")
    stored = BarNetwork.load(tmp_path / "bars.npz")
    assert (stored.dilations, stored.frame_network) == (SHAPE.dilations, SHA)
    exact = BarNetwork(SHAPE.dilations, SHA, bar_arrays(network))
    for numpy_network, tolerance in ((exact, 1e-4), (stored, 3e-2)):
        for each, count in enumerate((30, 17)):
            says = numpy_network(batch.features[each, :count].numpy())
            pairs = [
                (says.downbeat, torch_says.downbeat[each, :count]),
                (says.length, torch_says.length[each].log_softmax(0)),
                (says.meter, torch_says.meter[each].log_softmax(0)),
                (says.counted, torch_says.counted[each]),
            ]
            for of_numpy, of_torch in pairs:
                assert np.allclose(of_numpy, of_torch.numpy(), atol=tolerance)


def test_joined_networks_say_the_mean_of_what_they_say(bar_network, tmp_path):
    paths = [tmp_path / f"{seed}.npz" for seed in range(3)]
    for seed, path in enumerate(paths):
        network = bar_network(5)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter += 0.1 * seed * torch.randn_like(parameter)
        write_bar_network(network, SHA, path)
    out = tmp_path / "joined.npz"
    result = CliRunner().invoke(beats, ["join-bars", *map(str, paths), "--out", str(out)])
    assert result.exit_code == 0, result.output
    features = whole(accents((3,)), [0]).features[0].numpy()
    each = [BarNetwork.load(path)(features) for path in paths]
    joined = BarNetwork.load(out)
    said = joined(features)
    assert joined.members == 3
    np.testing.assert_allclose(said.downbeat, np.mean([e.downbeat for e in each], 0), atol=1e-5)
    assert said.counted == pytest.approx(np.mean([e.counted for e in each]), abs=1e-5)
    for name in ("length", "meter"):
        means = np.mean([getattr(e, name) for e in each], axis=0)
        assert np.exp(getattr(said, name)).sum() == pytest.approx(1.0, abs=1e-5)
        np.testing.assert_allclose(np.ptp(getattr(said, name) - means), 0.0, atol=1e-5)
    join_bar_networks([out, paths[0]], tmp_path / "four.npz")
    assert BarNetwork.load(tmp_path / "four.npz").members == 4


def test_a_file_without_an_axis_of_members_is_of_one(bar_network, tmp_path):
    write_bar_network(bar_network(5), SHA, tmp_path / "new.npz")
    with np.load(tmp_path / "new.npz") as stored:
        arrays = {name: stored[name][0] for name in stored.files if name != "config"}
        config = json.loads(str(stored["config"]))
    assert config.pop("members") == 1
    np.savez(tmp_path / "old.npz", config=json.dumps(config), **arrays)
    old, new = (BarNetwork.load(tmp_path / f"{name}.npz") for name in ("old", "new"))
    features = whole(accents((3,)), [0]).features[0].numpy()
    assert (old(features).downbeat == new(features).downbeat).all()
    arrays["input.scale"] = arrays["input.scale"][None]
    np.savez(tmp_path / "odd.npz", config=json.dumps(config | {"members": 1}), **arrays)
    with pytest.raises(
        ValueError, match=r"odd\.npz: not a bar network: its weights are of several"
    ):
        BarNetwork.load(tmp_path / "odd.npz")


def test_only_networks_that_are_alike_are_joined(bar_network, tmp_path):
    paths = [tmp_path / f"{name}.npz" for name in ("first", "features", "frames")]
    for path, features, sha in zip(paths, (5, 6, 5), (SHA, SHA, "1" * 64), strict=True):
        write_bar_network(bar_network(features), sha, path)
    for other, message in zip(paths[1:], ("another shape", "another frame network"), strict=True):
        command = ["join-bars", str(paths[0]), str(other), "--out", str(tmp_path / "out.npz")]
        result = CliRunner().invoke(beats, command)
        assert result.exit_code == 1
        assert f"{other.name}: " in result.output
        assert message in result.output
    assert not (tmp_path / "out.npz").exists()


def test_shards_of_frames_become_shards_of_pulses(frames_folder, frame_network, tmp_path):
    config, told = FeaturesConfig(frame_network), []
    write_features(
        config, frames_folder / "val", tmp_path / "f", on_progress=lambda *at: told.append(at)
    )
    assert told == [(0, 1), (1, 1)]
    pool = load_pool(tmp_path / "f", CPU)
    assert [row["meter"] for row in pool.rows] == [3, 4, 3]
    assert [METER_CLASSES[meter] for meter in pool.meter] == [3, 4, 3]
    assert pool.known.all()
    assert pool.hidden == 8
    shard = read_shard(frames_folder / "val" / "00000.npz")
    network = FrameNetwork.load(frame_network)
    for clip, meter in enumerate((3, 4, 3)):
        last = pool.of_clip(clip)[-1]
        assert KINDS[pool.kind[last]] == "annotated"
        assert (LENGTH_CLASSES[pool.length[last]], pool.counted[last]) == (meter, 1)
        assert np.allclose(pool.times_of(last), pool.beats[clip])
        log_mel = shard["mel"][300 * clip : 300 * clip + 300].astype(np.float32) / STEPS
        wanted = HeardFrames(log_mel, network(log_mel)).on(pool.times_of(last))
        batch = whole(pool, [last])
        assert np.allclose(batch.features[0], wanted, rtol=1e-3, atol=1e-2)
        first = np.isin(pool.beats[clip], pool.downbeats[clip])
        assert (batch.downbeat[0].numpy() == first).all()


def test_features_are_computed_once_and_moved_beats_alike(frames_folder, frame_network, tmp_path):
    config = FeaturesConfig(frame_network, Jitter(each=0.012, together=0.01))
    source, out = frames_folder / "train", tmp_path / "f"
    write_features(config, source, out)
    second = np.load(out / "00001.npz")["times"]
    (out / "00001.npz").unlink()
    kept = (out / "00000.npz").stat().st_mtime_ns
    told = []
    write_features(config, source, out, on_progress=lambda *at: told.append(at))
    assert told == [(1, 2), (2, 2)]
    assert (out / "00000.npz").stat().st_mtime_ns == kept
    assert (np.load(out / "00001.npz")["times"] == second).all()
    pool = load_pool(out, CPU)
    moved = pool.times_of(pool.of_clip(0)[-1]) - pool.beats[0]
    assert 0 < np.abs(moved).max() < 0.08
    with pytest.raises(ValueError, match="name another folder"):
        write_features(FeaturesConfig(frame_network), source, out)


@pytest.mark.parametrize("spoil", ["bytes", "frames", "beats", "rows", "mel"])
def test_a_hostile_shard_of_frames_is_named(frame_network, tmp_path, spoil):
    path = tmp_path / "frames" / "0.npz"
    write_shard(path, [clicks(0, 3)])
    with np.load(path) as stored:
        arrays = dict(stored)
    if spoil == "bytes":
        path.write_bytes(b"nothing")
    else:
        arrays["frames_start"][-1] *= spoil != "frames"
        arrays["beats"][-1] = np.nan if spoil == "beats" else 9.0
        arrays["rows"] = np.array("[3]") if spoil == "rows" else arrays["rows"]
        arrays["mel"] = arrays["mel"][:-1] if spoil == "mel" else arrays["mel"]
        np.savez(path, **arrays)
    with pytest.raises(ValueError, match=r"0\.npz: "):
        write_features(FeaturesConfig(frame_network), tmp_path / "frames", tmp_path / "f")
    with pytest.raises(ValueError, match="no shards of frames"):
        write_features(FeaturesConfig(frame_network), tmp_path / "f", tmp_path / "g")


@pytest.mark.parametrize("spoil", ["bytes", "names", "lengths", "order"])
def test_a_hostile_shard_of_pulses_is_named(frames_folder, frame_network, tmp_path, spoil):
    write_features(FeaturesConfig(frame_network), frames_folder / "val", tmp_path / "f")
    path = tmp_path / "f" / "00000.npz"
    with np.load(path) as stored:
        arrays = dict(stored)
    if spoil == "bytes":
        path.write_bytes(b"nothing")
    elif spoil == "names":
        np.savez(path, **{name: arrays[name] for name in arrays if name != "kind"})
    elif spoil == "lengths":
        np.savez(path, **arrays | {"times": arrays["times"][:-1]})
    else:
        np.savez(path, **arrays | {"clip": arrays["clip"] + 1})
    with pytest.raises(ValueError, match=r"00000\.npz: not a shard of pulses"):
        load_pool(tmp_path / "f", CPU)


def test_a_run_that_goes_on_ends_with_the_same_bits(tmp_path):
    pool, held_out = accents((3, 4, 3, 5)), accents((3, 4), seed=1)
    whole_run = loop.train_bars(SMALL, pool, held_out, SHA, tmp_path / "whole", lambda line: None)
    assert whole_run["steps"] == 3

    begun = tmp_path / "begun"
    run = loop.start_or_resume(SMALL, pool, SHA, begun)
    for _ in range(2):
        loop.update(SMALL, run, pool)
    begun.mkdir()
    loop.save(SMALL, run, SHA, begun)
    (begun / loop.CURVE).write_text('{"step": 3}\n')  # of after the state
    resumed = loop.train_bars(SMALL, pool, held_out, SHA, begun, lambda line: None)
    assert resumed["figures"] == whole_run["figures"]
    states = [torch.load(tmp_path / name / loop.STATE) for name in ("whole", "begun")]
    for name, value in states[0]["network"].items():
        assert torch.equal(value, states[1]["network"][name]), name
    lines = (begun / loop.CURVE).read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [3]
    assert json.loads(lines[0])["losses"].keys() == {"downbeat", "length", "meter", "counted"}


def test_another_run_is_not_gone_on_with(tmp_path):
    pool = accents((3, 4, 3, 5))
    loop.train_bars(SMALL, pool, pool, SHA, tmp_path, lambda line: None)
    for others, sha in ((pool, "1" * 64), (accents((3, 4, 4)), SHA)):
        with pytest.raises(ValueError, match="name another folder"):
            loop.train_bars(SMALL, others, pool, sha, tmp_path, lambda line: None)


def test_training_learns_accents(tmp_path):
    pool, held_out = accents((3, 4) * 20), accents((3, 4) * 15, seed=1)
    settings = BarTrainSettings(
        passes=60, batch=20, learning_rate=0.01, pulses={"annotated": 1.0}, network=SHAPE
    )
    figures = loop.train_bars(settings, pool, held_out, SHA, tmp_path, lambda line: None)["figures"]
    assert figures["all"]["annotated_length"] > 0.8
    assert figures["all"]["annotated_downbeat"] > 0.8


def test_clips_and_pulses_are_drawn_as_often_as_told():
    pool = accents((3, 4, 5))
    kinds = {"annotated": 1.0}
    draw = draw_from(pool, kinds, {"in 3": 2.0, "in 4": 0.5}, ["in 5"])
    drawn = np.bincount(draw.order(1000, 0), minlength=3)
    assert drawn[2] == 0
    assert drawn[0] / drawn[1] == pytest.approx(4, rel=0.2)
    assert draw.order(10, 0).tolist() == draw.order(1000, 0)[:10].tolist()
    assert draw_from(pool, kinds, {}, []).clips.tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="leave_out: no clip is of 'polka'; there are in 3"):
        draw_from(pool, kinds, {}, ["polka"])
    with pytest.raises(ValueError, match="no clip is left"):
        draw_from(pool, {"own": 1.0}, {}, [])


def test_long_pulses_are_heard_in_part():
    pool = accents((4,) * 30, beats=150)
    draw = draw_from(pool, {"annotated": 1.0}, {}, [])
    batch = random_batch(pool, draw, np.arange(30), np.random.default_rng(0))
    counts = batch.heard.sum(dim=1)
    assert counts.max() == 96
    assert 24 <= counts.min() < 96
    assert (batch.downbeat[~batch.heard] == -1).all()
    assert (batch.features[~batch.heard] == 0).all()
    for row, heard in zip(batch.downbeat, batch.heard, strict=True):
        assert set(np.diff(np.flatnonzero(row[heard].numpy() == 1)).tolist()) == {4}


def test_what_is_not_known_leaves_the_losses_alone():
    pool = accents((3, 4))
    batch = whole(pool, [0, 1])
    said = Heard(torch.randn(2, 30), torch.randn(2, 17), torch.randn(2, 8), torch.randn(2))
    assert (loop.losses_of(said, batch) > 0).all()
    unknown = [torch.full_like(getattr(batch, n), -1) for n in ("downbeat", "length", "meter")]
    counted = torch.full_like(batch.counted, -1)
    nothing = type(batch)(batch.features, batch.heard, *unknown, counted)
    assert loop.losses_of(said, nothing).tolist() == [0, 0, 0, 0]


def test_some_pulses_are_heard_without_the_hidden_layer(bar_network):
    network, features = bar_network(5), torch.randn(40, 7, 5)
    means = network.input_norm.running_mean
    settings = BarTrainSettings(noise=0.0, hidden_drop=0.5)
    torch.manual_seed(0)
    heard = loop.changed(features, settings, network, hidden=2)
    assert torch.equal(heard[..., :3], features[..., :3])
    without = (heard[..., 3:] == means[3:]).all(dim=2).all(dim=1)
    assert 10 < without.sum() < 30
    assert torch.equal(heard[~without], features[~without])


def test_the_best_bars():
    downbeat = np.where(np.arange(24) % 3 == 2, 2.0, -2.0)
    level = np.zeros(17)
    assert best_bars(downbeat, level) == (3, 2)
    sixes = level + 100.0 * (np.arange(17) == LENGTH_CLASSES.index(6))
    assert best_bars(downbeat, sixes) == (6, 2)
    assert best_bars(downbeat[:2], level) is None


def test_figures_of_a_network_that_knows_are_1():
    class Oracle(torch.nn.Module):
        """Is told the pool, and finds its pulses in order."""

        def forward(self, features, heard):
            n = len(heard)
            length = torch.nn.functional.one_hot(torch.from_numpy(pool.length), 17)
            meter = torch.nn.functional.one_hot(torch.from_numpy(pool.meter), 8)
            downbeat = pool.downbeat.reshape(n, -1) * 2.0 - 1.0
            return Heard(9 * downbeat, 99.0 * length, 99.0 * meter, torch.zeros(n))

    pool = accents((3, 4, 7))
    figures = figures_of(trainable_says(Oracle(), pool), pool)
    assert figures["all"]["annotated_downbeat"] == figures["all"]["annotated_length"] == 1.0
    assert figures["all"]["downbeat"] == figures["all"]["meter_right"] == 0.0  # nothing was heard
    pool.kind[:] = KINDS.index("own")
    figures = figures_of(trainable_says(Oracle(), pool), pool)
    assert figures["all"]["annotated_downbeat"] is None
    names = ("beat", "downbeat", "bar_duration", "meter_right", "meter_balanced")
    for kind, values in (("family", ["in 3", "in 4", "in 7"]), ("meter", ["3", "4", "7"])):
        assert list(figures[kind]) == values
        for found in figures[kind].values():
            assert [found[name] for name in names] == [1.0] * 5
    assert len(as_text(figures).splitlines()) == 8
    pool.known[:] = False
    pool.meter[:] = METERS.index(3)
    assert figures_of(trainable_says(Oracle(), pool), pool)["all"]["downbeat"] is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("passes = 0", "passes: 0 is below 1"),
        ("epochs = 1", "epochs: unknown"),
        ("noise = -0.1", "noise: -0.1 is not 0 or above"),
        ("hidden_drop = 2.0", "hidden_drop: 2 is not from 0 to 1"),
        ("learning_rate = 0.0", "learning_rate: 0 is not above 0"),
        ("leave_out = [3]", r"leave_out: \[3\] is not a list of names"),
        ("leave_out = 'dances'", "leave_out: 'dances' is not a list of names"),
        ("[pulses]\nhalf = 1", "pulses.half: unknown; known are annotated"),
        ("[network]\nchannels = 0", "network.channels: 0 is below 1"),
        ("[network]\ndilations = [0]", r"network.dilations: \[0\]"),
        ("[network]\ndropout = 1.0", "network.dropout: 1"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, text, message):
    path = tmp_path / "settings.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"settings.toml: {message}"):
        read_bar_settings(path)


def test_the_settings_in_the_docs_are_settings():
    settings = read_bar_settings(ROOT / "docs" / "beats" / "bars.toml")
    assert settings.pulses.keys() == set(KINDS)
    assert settings.network.channels > 0


def test_from_the_command_line(frames_folder, frame_network, tmp_path):
    config, out = tmp_path / "small.toml", tmp_path / "run"
    small = "passes = 1\nbatch = 4\n[network]\nchannels = 8\ndilations = [1, 2]\n"
    config.write_text(small)
    command = [
        "train-bars", str(frames_folder), "--config", str(config), "--out", str(out),
        "--frame-network", str(frame_network), "--device", "cpu", "--jobs", "1",
    ]  # fmt: skip
    result = CliRunner().invoke(beats, command)
    assert result.exit_code == 0, result.output
    assert BarNetwork.load(out / "network.npz").frame_network == hash_file(frame_network)
    assert {path.name for path in out.iterdir()} == {
        "network.npz", "figures.json", "curve.jsonl", "curve.png", "state.pt", "features"
    }  # fmt: skip
    assert "family clicks" in result.output
    config.write_text("seed = 4\n" + small)
    result = CliRunner().invoke(beats, command)
    assert result.exit_code == 1
    assert "name another folder" in result.output
    (out / "features" / "val" / "00000.npz").write_bytes(b"nothing")
    result = CliRunner().invoke(beats, command)
    assert result.exit_code == 1
    assert "not a shard of pulses" in result.output


def test_figures_of_a_file_from_the_command_line(frames_folder, frame_network, tmp_path):
    command = ["bar-figures", str(frames_folder / "val"), "--features", str(tmp_path / "heard")]
    result = CliRunner().invoke(beats, [*command, "--jobs", "1"])
    assert result.exit_code == 0, result.output
    assert "family clicks" in result.output
    other = tmp_path / "other.npz"
    write_bar_network(TrainableBarNetwork(4, BarNetworkConfig(channels=4)), "another", other)
    result = CliRunner().invoke(beats, [*command, str(other)])
    assert result.exit_code == 1
    assert "did not learn from the frame network that ships" in result.output
