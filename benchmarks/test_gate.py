"""The gate: may a signal vote?

``pytest benchmarks --gate`` measures the candidate and the ensemble without it on the fixtures,
prints the figures, writes ``reports/gate/`` and fails when the gate fails. When nothing can be
measured the exit status is 2.
"""

from __future__ import annotations

import pytest

from beatmeter.errors import BeatMeterError
from beatmeter.gate.commit import run_gate

NOTHING_MEASURED = 2


@pytest.mark.filterwarnings("default")  # a library's deprecation is no reason to fail a signal
def test_the_gate(pytestconfig, capsys):
    with capsys.disabled():
        try:
            result = run_gate(
                pytestconfig.getoption("signal"),
                pytestconfig.getoption("fixtures"),
                pytestconfig.getoption("checkpoint"),
                pytestconfig.getoption("jobs"),
                pytestconfig.getoption("scores"),
            )
        except BeatMeterError as error:
            pytest.exit(str(error), NOTHING_MEASURED)
        print(f"\n\n{result.text()}")
        for path in result.write(pytestconfig.rootpath / "reports" / "gate"):
            print(f"written: {path.relative_to(pytestconfig.rootpath)}")
        result.commit()
    faults = result.measurement.decision.faults
    if faults:
        pytest.fail(f"the gate is not passed: {'; '.join(faults)}", pytrace=False)
