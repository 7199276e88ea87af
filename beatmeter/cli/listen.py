"""``beatmeter listen``."""

from __future__ import annotations

import click

from beatmeter.cli.options import host_option, port_option, prior_option


@click.command()
@host_option
@port_option
@prior_option
def listen(host: str, port: int, prior: str) -> None:
    """Tell the meter of what a microphone hears, through a page in your browser.

    Every two seconds the page tells the meter of the last twelve. Nothing that is heard is kept.
    Ctrl-C ends.
    """
    from beatmeter.archive.recording import Asked
    from beatmeter.cli.analyze import check_asked
    from beatmeter.serve import running
    from beatmeter.serve.live import Live

    asked = Asked(prior=prior)
    check_asked(asked)
    with running.listen(host, port) as listening:
        live = Live(host, listening.getsockname()[1], asked)
        running.say(f"listens at {running.address_of(host, listening)} (Ctrl-C ends)")
        running.run(live.app(), listening)
    running.say("ended")
