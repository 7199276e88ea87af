"""``python -m beatmeter_mert.training.distillation``: the command on its own."""

from beatmeter_mert.run_module import run
from beatmeter_mert.training.distillation.command import pretrain

run(pretrain)
