"""The pre-training run, from top to bottom.

On one core, from a rendered dataset:

    beatmeter mert corpus render --scores SCORES --clips 6000 --seconds 20 --out DATA
    OMP_NUM_THREADS=1 beatmeter mert pretrain --data-dir DATA --out RUN steps=20000

Interrupted, it goes on when the same command is given again. ``RUN/model`` is the classifier,
``RUN/model/backbone`` what ``beatmeter mert finetune --model`` takes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from torch.utils.data import DataLoader, Subset

from beatmeter_mert.model.device import choose_device
from beatmeter_mert.training.curve import Curve
from beatmeter_mert.training.distillation.averages import averaged, joined
from beatmeter_mert.training.distillation.convolved import FeatureCutter, convolved
from beatmeter_mert.training.distillation.examples import (
    ClipSource,
    Cutter,
    HeldOutExamples,
    Shuffled,
    TrainingExamples,
    evaluation_loader,
    training_loader,
)
from beatmeter_mert.training.distillation.export import export
from beatmeter_mert.training.distillation.figures import Figures, evaluate
from beatmeter_mert.training.distillation.head_start import standardise_head
from beatmeter_mert.training.distillation.lesson import LessonFile
from beatmeter_mert.training.distillation.material import Material, belongs_to, read_material
from beatmeter_mert.training.distillation.network import Losses, losses
from beatmeter_mert.training.distillation.rehearsal import rehearse, standardised
from beatmeter_mert.training.distillation.rendering import Mixed, Rendered, corpus_config
from beatmeter_mert.training.distillation.schedule import learning_rate
from beatmeter_mert.training.distillation.start import lags_of
from beatmeter_mert.training.distillation.state import TrainingState, prepare_folder
from beatmeter_mert.training.distillation.teacher import Teacher, teach
from beatmeter_mert.training.interruption import deferred_interruption
from beatmeter_mert.training.settings_file import SettingsError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from beatmeter_mert.training.distillation.convolved import ConvolvedMaterial, EncoderNetwork
    from beatmeter_mert.training.distillation.lag_bank import LagShape
    from beatmeter_mert.training.distillation.network import PretrainNetwork
    from beatmeter_mert.training.distillation.settings import PretrainSettings

MODEL, REHEARSAL = "model", "rehearsal"
_HEARD_BEFORE = 256
"""Examples by which the head is set before the first step."""


def pretrain(folders: Sequence[Path], out: Path, settings: PretrainSettings) -> TrainingState:
    """Train a small backbone, or go on with a run that was interrupted.

    Parameters
    ----------
    folders : sequence of Path
        Rendered datasets: their ``train`` clips are trained on, their ``val`` clips held out.
    out : Path
        Folder of the run.
    settings : PretrainSettings

    Returns
    -------
    TrainingState
        As of the last step taken.

    Raises
    ------
    BeatMeterError
        If the data cannot be used, or `out` holds a run with other settings.
    """
    begun = prepare_folder(out)
    device = choose_device(settings.device)
    state = TrainingState(settings, device)
    if begun:
        state.load(out)
    elif settings.start_from is not None:
        state.begin_as(settings.start_from)
    shape = _lags_for(state.network, settings) if settings.rehearsal.steps else None
    train, held_out = _divide(folders, settings)
    chunk, kept = round(settings.chunk_seconds * settings.sample_rate), settings.keep_convolutions
    cutter = Cutter(settings.backbone, chunk, settings.sample_rate)
    if kept:
        backbone = state.network.backbone
        train = convolved(train, backbone, kept)
        held_out = {name: convolved(clips, backbone, kept) for name, clips in held_out.items()}
        cutter = FeatureCutter(settings.backbone, chunk, settings.sample_rate, kept)
    examples = TrainingExamples(_source(train, settings), cutter, settings.augment, settings.seed)
    if not begun and settings.start_from is None:
        some = Subset(examples, range(_HEARD_BEFORE))
        standardise_head(state.network, DataLoader(some, settings.batch_size))
    if not begun and settings.rehearsal.steps:
        _rehearse(state, train, shape, settings, out / REHEARSAL)
        state.save(out)
        for lesson in (out / REHEARSAL).glob("*.pt"):
            lesson.unlink()
    deadline = time.monotonic() + 60 * settings.max_minutes if settings.max_minutes else None
    with (
        Curve(out, state.step) as curve,
        _progress(settings.steps, state.step) as (progress, task),
        deferred_interruption() as interrupted,
    ):

        def evaluate_and_export() -> None:
            evaluation = _evaluate(state, held_out, cutter, device)
            for name, figures in evaluation.items():
                curve.add(state.step, name, figures)
            export(state.averaged, settings, evaluation, out / MODEL)

        if state.step == 0 and settings.rehearsal.steps and not (out / MODEL).is_dir():
            evaluate_and_export()
        seen, since = state.step, time.monotonic()
        for batch in training_loader(examples, settings, state.step):
            loss = _take_step(state, batch, device)
            is_last = state.step == settings.steps
            stops = interrupted() or (deadline is not None and time.monotonic() > deadline)
            progress.update(task, completed=state.step)
            if state.step % settings.log_steps == 0 or is_last:
                elapsed = time.monotonic() - since
                figures = _train_figures(loss, state, (state.step - seen) / elapsed)
                curve.add(state.step, "train", figures)
                progress.update(task, loss=figures["loss"])
                seen, since = state.step, time.monotonic()
            if state.step % settings.eval_steps == 0 or is_last:
                evaluate_and_export()
            if state.step % settings.save_steps == 0 or is_last or stops:
                state.save(out)
            if stops:
                break
    return state


def _rehearse(
    state: TrainingState,
    train: Material,
    shape: LagShape | None,
    settings: PretrainSettings,
    folder: Path,
) -> None:
    network = cast("EncoderNetwork", state.network)
    clips = cast("ConvolvedMaterial", train)
    views = [
        averaged(clips, network.eval(), settings.augment, view)
        for view in range(settings.rehearsal.views)
    ]
    heard = standardised(network, joined(views))
    folder.mkdir(exist_ok=True)
    with Curve(folder, first_step=0) as curve:

        def follow(losses_of_steps: Iterator[float], kind: str) -> None:
            recent: list[float] = []
            for step, loss in enumerate(losses_of_steps, start=1):
                recent.append(loss)
                if step % settings.log_steps == 0 or step == settings.rehearsal.steps:
                    curve.add(step, kind, {"meter": sum(recent) / len(recent)})
                    recent.clear()

        teachers = []
        if shape is not None:
            for number in range(settings.rehearsal.teachers):
                teacher = Teacher(shape, settings.rehearsal.teacher_dropout).to(heard.labels.device)
                file = LessonFile(folder / f"teacher-{number + 1}.pt", settings)
                lessons = teach(teacher, heard, settings.rehearsal, settings.seed + number, file)
                follow(lessons, f"teacher {number + 1}")
                teachers.append(teacher)
        file = LessonFile(folder / "network.pt", settings)
        lessons = rehearse(network, heard, shape, teachers, settings.rehearsal, settings.seed, file)
        follow(lessons, "train")
    state.averaged.load_state_dict(network.state_dict())


def _lags_for(network: PretrainNetwork, settings: PretrainSettings) -> LagShape | None:
    """Where beat spectra lie in what the network hears on average."""
    shape = lags_of(network.backbone) if settings.backbone.musical_start else None
    fits = shape is not None and shape.groups * shape.lags <= settings.backbone.hidden_size
    for name in ("shift", "teachers"):
        value = getattr(settings.rehearsal, name)
        if value and not fits:
            raise SettingsError(
                f"setting: rehearsal.{name} {value} "
                "(allowed with convolutions that are no bank of lags, or wider than hidden_size: 0)"
            )
    return shape if fits else None


def _divide(
    folders: Sequence[Path], settings: PretrainSettings
) -> tuple[Material, dict[str, Material]]:
    """Read what is trained on, and the evaluation sets."""
    left_out = belongs_to(settings.leave_out)
    train = read_material(folders, "train", settings.sample_rate)
    val = read_material(folders, "val", settings.sample_rate)
    families = sorted({labels.family for labels in val.labels})
    sets = {
        "val": val.where(lambda labels: not left_out(labels)),
        "left_out": val.where(left_out),
        **{family: val.where(belongs_to([family])) for family in families},
    }
    clips = settings.eval_clips
    return (
        train.where(lambda labels: not left_out(labels)),
        {name: spread(material, clips) for name, material in sets.items() if len(material)},
    )


def spread(material: Material, clips: int) -> Material:
    """Keep so many clips at most, evenly out of all."""
    count = min(clips, len(material))
    return material.take(index * len(material) // count for index in range(count))


def _source(train: Material, settings: PretrainSettings) -> ClipSource:
    stored = Shuffled(train, settings.seed)
    if not settings.stream.share:
        return stored
    rendered = Rendered(corpus_config(settings), settings.leave_out)
    return Mixed(rendered, stored, settings.stream.share, settings.seed)


def _take_step(
    state: TrainingState, batch: dict[str, torch.Tensor], device: torch.device
) -> Losses:
    settings = state.settings
    rate = learning_rate(state.step, settings.steps, settings.optimizer)
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    state.network.train()
    here = {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}
    with torch.autocast(device.type, torch.bfloat16, enabled=_in_bfloat16(settings, device)):
        answers = state.network(here["input_values"])
    loss = losses(answers, here, settings.loss)
    state.optimizer.zero_grad()
    torch.autograd.backward(loss.total)
    torch.nn.utils.clip_grad_norm_(
        state.network.parameters(), settings.optimizer.clip_norm, error_if_nonfinite=True
    )
    state.optimizer.step()
    state.average.update_parameters(state.network)
    state.step += 1
    return loss


def _evaluate(
    state: TrainingState, held_out: dict[str, Material], cutter: Cutter, device: torch.device
) -> dict[str, Figures]:
    network, settings = state.averaged, state.settings
    network.eval()
    return {
        name: evaluate(
            network,
            evaluation_loader(HeldOutExamples(material, cutter), settings),
            cutter.times,
            settings.loss,
            device,
        )
        for name, material in held_out.items()
    }


def _train_figures(loss: Losses, state: TrainingState, steps_per_s: float) -> Figures:
    return {
        "loss": loss.total.item(),
        "beats": loss.beats.item(),
        "downbeats": loss.downbeats.item(),
        "phase": loss.phase.item(),
        "frame_meter": loss.frame_meter.item(),
        "meter": loss.meter.item(),
        "learning_rate": state.optimizer.param_groups[0]["lr"],
        "clips_per_s": steps_per_s * state.settings.batch_size,
    }


def _in_bfloat16(settings: PretrainSettings, device: torch.device) -> bool:
    if settings.precision == "auto":
        return device.type == "cuda"
    return settings.precision == "bfloat16"


@contextmanager
def _progress(steps: int, done: int) -> Iterator[tuple[Progress, TaskID]]:
    """Show a bar while the block runs."""
    from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn

    from beatmeter._util.progress import progress_bars

    columns = (MofNCompleteColumn(), BarColumn(), TimeRemainingColumn())
    with progress_bars("step", *columns, "loss {task.fields[loss]:.3f}") as progress:
        yield progress, progress.add_task("", total=steps, completed=done, loss=float("nan"))
