"""The distillation run, from top to bottom.

    beatmeter mert pretrain --config docs/embedded.toml --data-dir DATA --out RUN

Features are pooled once; teachers learn meters from them by labels; the student, backbone and
head of a classifier, learns the teachers' answers; it is exported and evaluated. Interrupted, the
run goes on when the same command is given again. ``RUN/model`` is the classifier,
``RUN/model/backbone`` what ``beatmeter mert finetune --model`` takes.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from beatmeter.errors import DatasetError
from beatmeter_mert.model.checkpoint import redescribe
from beatmeter_mert.model.device import choose_device
from beatmeter_mert.training.curve import Curve
from beatmeter_mert.training.distillation.backbone import lags_of, preprocessing_of
from beatmeter_mert.training.distillation.data_init import standardise_features, standardise_head
from beatmeter_mert.training.distillation.dataset import read_rendered, spread_over_families
from beatmeter_mert.training.distillation.evaluation import FOR_THE_CARD, evaluate
from beatmeter_mert.training.distillation.feature_cache import pooled_features
from beatmeter_mert.training.distillation.settings import MAY_CHANGE
from beatmeter_mert.training.distillation.student import Student
from beatmeter_mert.training.distillation.teacher import Teacher, mean_answer
from beatmeter_mert.training.distillation.train import train
from beatmeter_mert.training.export import MODEL, export
from beatmeter_mert.training.settings import SETTINGS, keep_settings

if TYPE_CHECKING:
    from torch import Tensor

    from beatmeter_mert.training.distillation.evaluation import Figures
    from beatmeter_mert.training.distillation.lag_bank import LagShape
    from beatmeter_mert.training.distillation.pooled import PooledFeatures
    from beatmeter_mert.training.distillation.settings import DistillationSettings

_NOTE = "Backbone and head were trained together, from scratch, on music whose every beat is known."


def distill(settings: DistillationSettings, out: Path) -> dict[str, Figures]:
    """Train a small classifier from scratch, or go on with a run that was interrupted.

    Parameters
    ----------
    out : Path
        Folder of the run.

    Returns
    -------
    dict of str to dict of str to float
        Figures by evaluation set; see :func:`~.evaluation.evaluate`.

    Raises
    ------
    BeatMeterError
        If the data cannot be used, or `out` holds something else or a run with other settings.
    KeyboardInterrupt
        When interrupted, after what was learned was kept.
    """
    device = choose_device(settings.device)
    audio = preprocessing_of(settings)  # refuses what the classifier could not be given
    _prepare_folder(out, settings)
    torch.manual_seed(settings.seed)
    student = Student(settings).to(device).eval()
    shape = lags_of(student.backbone)
    clips = [
        clip
        for clip in read_rendered(settings.data_dir, "train")
        if not clip.is_of(settings.leave_out)
    ]
    held_out = spread_over_families(read_rendered(settings.data_dir, "val"), settings.eval_clips)
    if not clips:
        raise DatasetError(f"leave_out: {', '.join(settings.leave_out)} leaves nothing to train on")
    features = pooled_features(clips, student.backbone, settings).to(device)
    features = standardise_features(student.first_norm, features)
    with torch.no_grad():
        standardise_head(student.head, student.pooled(features))
    losses = _train(student, features, shape, settings, out)
    model = export(
        out / MODEL,
        student.backbone,
        student.head,
        audio,
        licence=settings.licence,
        note=_NOTE,
    )
    model.place(device, torch.float32)
    figures = evaluate(model, held_out, settings.leave_out, out)
    card = {name: {key: row[key] for key in FOR_THE_CARD} for name, row in figures.items()}
    redescribe(out / MODEL, model.parameter_count(), evaluation=card)
    _write_curve(out, losses, figures, settings.log_steps)
    return figures


def _train(
    student: Student,
    features: PooledFeatures,
    shape: LagShape,
    settings: DistillationSettings,
    out: Path,
) -> dict[str, list[float]]:
    """Train the teachers on labels, then the student on their answers: the losses of each."""
    losses, teachers = {}, []
    for number in range(settings.teachers):
        seed, name = settings.seed + number, f"teacher-{number + 1}"
        torch.manual_seed(seed)
        teacher = Teacher(shape, settings.teacher_dropout).to(features.labels.device)
        on_labels = partial(_label_loss, teacher)
        path = out / f"{name}.pt"
        losses[name] = train(teacher, on_labels, features, shape, settings, seed, path)
        teachers.append(teacher)

    def on_answers(batch: PooledFeatures, noisy: PooledFeatures) -> Tensor:
        return binary_cross_entropy_with_logits(student(noisy), mean_answer(teachers, batch))

    losses["student"] = train(
        student, on_answers, features, shape, settings, settings.seed, out / "student.pt"
    )
    return losses


def _label_loss(teacher: Teacher, batch: PooledFeatures, noisy: PooledFeatures) -> Tensor:
    return binary_cross_entropy_with_logits(teacher(noisy), batch.labels)


def _write_curve(
    out: Path, losses: dict[str, list[float]], figures: dict[str, Figures], log_steps: int
) -> None:
    """Write the mean loss of every so many steps, and the figures after the last."""
    with Curve(out, first_step=0) as curve:
        for name, of_steps in losses.items():
            for start in range(0, len(of_steps), log_steps):
                part = of_steps[start : start + log_steps]
                curve.add(start + len(part), name, {"loss": sum(part) / len(part)})
        for name, row in figures.items():
            curve.add(len(losses["student"]), name, row)


def _prepare_folder(out: Path, settings: DistillationSettings) -> None:
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()) and not (out / SETTINGS).is_file():
        raise DatasetError(f"{out}: is not empty (allowed: a new folder, or a run)")
    keep_settings(out, settings, MAY_CHANGE, resume=True)
