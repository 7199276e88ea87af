"""A listening sheet: splices in every meter, as sound and as a picture of their bars."""

from __future__ import annotations

from pathlib import Path

import click

CLIP_S = 15.0


@click.command("splices")
@click.argument("recordings", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--each", type=click.IntRange(1), default=2, show_default=True, help="A meter.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for the clips and sheet.png.",
)
def splices(recordings: Path, each: int, seed: int, out: Path) -> None:
    """Splice a few clips in each meter, to be listened to and looked at."""
    import soundfile

    from beatmeter.corpora.perform.render import SAMPLE_RATE
    from beatmeter.corpora.splicing.source import (
        FAMILY,
        SplicedRecordings,
        recordings_index,
        search_recordings,
    )
    from beatmeter.datasets.fixtures.annotations import Annotation
    from beatmeter.datasets.fixtures.sheet import Strip, draw_sheet
    from beatmeter.meters import METERS

    found = search_recordings(recordings, recordings_index(recordings))
    source = SplicedRecordings(recordings, found)
    out.mkdir(parents=True, exist_ok=True)
    strips = []
    for meter in METERS:
        for number in range(each):
            take = source.draw_take(seed + number, CLIP_S, FAMILY, (meter,))
            soundfile.write(out / f"{meter:02d}-{number}.wav", take.samples, SAMPLE_RATE)
            grouping = "+".join(map(str, take.meter.grouping))
            title = f"{meter} = {grouping}, from {take.style['source meter']}: {take.origin.work}"
            annotation = Annotation(take.beats, take.downbeats)
            strips.append(Strip(title, take.samples, SAMPLE_RATE, annotation))
    draw_sheet(strips, out / "sheet.png")
    click.echo(f"{len(strips)} splices of {len(found)} sure stretches in {out}")
