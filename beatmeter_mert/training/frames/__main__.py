"""``python -m beatmeter_mert.training.frames``: the command on its own."""

from beatmeter_mert.run_module import run
from beatmeter_mert.training.frames.command import pretrain_frames

run(pretrain_frames)
