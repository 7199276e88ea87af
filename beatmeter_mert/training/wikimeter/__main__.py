"""``python -m beatmeter_mert.training.wikimeter``."""

from beatmeter_mert.run_module import run
from beatmeter_mert.training.wikimeter.commands import wikimeter

run(wikimeter)
