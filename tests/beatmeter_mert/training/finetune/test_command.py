from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from beatmeter_mert.training.finetune import run
from beatmeter_mert.training.finetune.command import finetune


@pytest.fixture
def chosen(monkeypatch, tones, tmp_path):
    """Give the settings that a command line leads to, training nothing."""

    def choose(*arguments):
        seen = []

        def stop(settings, out, *, resume):
            seen.append((settings, resume))
            raise SystemExit(0)

        monkeypatch.setattr(run, "finetune", stop)
        common = [f"--data-dir={tones}", f"--out={tmp_path}"]
        result = CliRunner().invoke(finetune, [*common, *arguments], catch_exceptions=False)
        assert seen, result.output
        return seen[0]

    return choose


def test_flags_win_over_pairs_and_these_over_the_file(chosen, tmp_path):
    file = tmp_path / "run.toml"
    file.write_text("epochs = 1\nseed = 1\npatience = 1\ndropout = 0.0\n")
    settings, resume = chosen(f"--config={file}", "seed=2", "epochs=2", "--epochs=3", "--no-lora")
    assert (settings.epochs, settings.seed, settings.patience) == (3, 2, 1)
    assert (settings.dropout, settings.lora, resume) == (0.0, False, False)


def test_defaults_are_those_of_the_method(chosen):
    settings, _ = chosen("--resume")
    assert (settings.epochs, settings.patience) == (30, 10)
    assert (settings.batch_size, settings.grad_accum) == (4, 8)
    assert (settings.weight_decay, settings.clip_norm) == (1e-4, 1.0)
    assert (settings.label_smooth, settings.lora) == (0.1, True)


def test_an_interrupted_run_ends_with_130(monkeypatch, tones, tmp_path):
    trained = SimpleNamespace(is_done=False, epochs=1.25)
    monkeypatch.setattr(run, "finetune", lambda *_, **__: trained)
    result = CliRunner().invoke(finetune, [f"--data-dir={tones}", f"--out={tmp_path}"])
    assert result.exit_code == 130
    assert result.stdout == ""
    assert "1.25 epochs done; go on with --resume\nbeatmeter: interrupted" in result.stderr


def test_an_interrupt_before_training_ends_with_130_too(monkeypatch, tones, tmp_path):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "finetune", interrupted)
    result = CliRunner().invoke(finetune, [f"--data-dir={tones}", f"--out={tmp_path}"])
    assert result.exit_code == 130


def test_the_data_may_lie_in_the_current_folder(chosen, tones, monkeypatch):
    monkeypatch.chdir(tones)
    settings, _ = chosen("--data-dir=.")
    assert settings.data_dir == Path()
    settings, _ = chosen("--data-dir=.", "--embeddings=.")
    assert settings.embeddings == Path()
    assert chosen("--data-dir=.")[0].embeddings is None


def test_data_is_needed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(finetune, [f"--out={tmp_path}"])
    assert result.exit_code == 2
    assert "--data-dir" in result.output
