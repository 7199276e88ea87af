"""``python -m beatmeter_mert.training.finetune``: the command on its own.

For several processes: ``torchrun --nproc-per-node 4 -m beatmeter_mert.training.finetune ...``.
"""

from beatmeter._util.streams import open_closed_streams
from beatmeter.cli.errors import one_line_errors
from beatmeter_mert.training.finetune.command import finetune

if __name__ == "__main__":
    open_closed_streams()
    with one_line_errors():
        finetune()
