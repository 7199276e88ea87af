"""The page in a browser: it is drawn, it plays, its clicks are heard on the beats."""

from __future__ import annotations

import numpy as np
import pytest

from beatmeter.output.jsonl import to_mapping
from beatmeter.output.page import Sound, page_data, read_sound, render_page

RATE = 22050
LEAD_S = 0.06  # between the beginning of what is rendered and that of what is played
RENDER = """
const [start, seconds, level, loop, done] = arguments;
const context = new OfflineAudioContext(1, seconds * 48000, 48000);
context.resume = async () => {};
const player = new beatmeterPage.player.constructor(beatmeterPage.player.sound);
player.grid = beatmeterPage.grid;
player.clickLevel = level;
player.currentTime = start;
if (loop) player.loop(loop);
player.open(context);
(async () => {
  await player.play();
  while (player.scheduledUntil < seconds) await new Promise((wake) => setTimeout(wake, 20));
  const rendered = await context.startRendering();
  player.pause();
  done([...rendered.getChannelData(0)].map((sample) => Math.round(sample * 1e4)));
})();
"""
"""What the player's audio graph renders from a time on, its clicks at a level."""
HOLD_FRAMES = """
const held = [];
const soon = window.requestAnimationFrame;
window.requestAnimationFrame = (draw) => held.push(draw);
window.giveFrames = () => {
  window.requestAnimationFrame = soon;
  for (const draw of held) draw(performance.now());
};
"""
"""What is to be drawn in the next frame waits for ``giveFrames()``."""

PLOTS = "[...document.querySelectorAll('canvas')]"


@pytest.fixture
def opened(browser, make_analysis, write_audio, tmp_path):
    """The page of 40 s in 7/4, which turn to 4/4: a quiet tone, and one stroke at 2 s."""
    samples = 0.01 * np.sin(2 * np.pi * 200 * np.arange(40 * RATE) / RATE)
    samples[2 * RATE : 2 * RATE + 20] = np.hanning(20)
    sound = read_sound(write_audio("song.wav", samples, RATE))
    page = tmp_path / "song.html"
    data = page_data(to_mapping(make_analysis(change=True)))
    page.write_text(render_page(data, sound), encoding="utf-8")
    browser.get(page.as_uri())
    yield browser, data
    log = browser.get_log("browser")
    assert [entry["message"] for entry in log if entry["level"] == "SEVERE"] == []


def press(browser, key):
    from selenium.webdriver import ActionChains

    ActionChains(browser).send_keys(key).perform()


def now(browser) -> float:
    return browser.execute_script("return beatmeterPage.player.currentTime")


def rendered(browser, start_s: float, seconds: float, level: float, loop=None) -> np.ndarray:
    """Samples at 48 kHz, between -1 and 1."""
    samples = browser.execute_async_script(RENDER, start_s, seconds, level, loop)
    return np.array(samples)[round(LEAD_S * 48000) :] / 1e4


def test_clicks_are_rendered_on_beats_and_higher_on_downbeats(opened):
    browser, data = opened
    grid = data["grids"][0]
    start = 5.0
    samples = rendered(browser, start, 6.0, 0.8) - rendered(browser, start, 6.0, 0.0)
    loud = np.flatnonzero(np.abs(samples) > 0.02)
    begins = loud[np.diff(loud, prepend=-RATE) > RATE / 10]
    times = start + begins / 48000
    beats = [beat for beat in grid["beats"] if start <= beat < times[-1] + 0.1]
    assert times == pytest.approx(beats, abs=0.001)
    pitches = [
        50 * np.argmax(np.abs(np.fft.rfft(samples[begin : begin + 960]))) for begin in begins
    ]
    expected = [1760 if beat in grid["downbeats"] else 880 for beat in beats]
    assert pitches == pytest.approx(expected, abs=100)


def test_the_recording_sounds_where_it_should_and_on_over_the_end_of_a_piece(opened):
    browser, _ = opened
    samples = rendered(browser, 1.5, 1.0, 0.0)
    assert np.argmax(np.abs(samples)) / 48000 == pytest.approx(0.5, abs=0.001)
    samples = rendered(browser, 18.0, 4.0, 0.0)
    envelope = np.abs(samples[2400:-2400]).reshape(-1, 240).max(axis=1)
    assert envelope.min() > 0.7 * envelope.max()


def test_a_loop_comes_round_without_a_gap(opened):
    browser, _ = opened
    samples = rendered(browser, 1.75, 1.4, 0.0, loop={"start": 1.75, "end": 2.25})
    loud = np.flatnonzero(np.abs(samples) > 0.3)
    firsts = loud[np.diff(loud, prepend=-48000) > 4800]
    assert firsts / 48000 == pytest.approx([0.25, 0.75, 1.25], abs=0.001)


def test_it_plays_and_pauses(opened, wait_until):
    browser, _ = opened
    press(browser, " ")
    wait_until("beatmeterPage.player.currentTime > 0.1")
    press(browser, " ")
    assert browser.execute_script("return beatmeterPage.player.paused")
    press(browser, "c")
    pressed = "return document.getElementById('clicks').getAttribute('aria-pressed')"
    assert browser.execute_script(pressed) == "true"


def test_a_bar_is_repeated_and_the_other_grid_taken(opened, wait_until):
    browser, data = opened
    bar = data["grids"][0]["downbeats"][:2]
    browser.execute_script(f"beatmeterPage.seek({bar[0] + 0.5})")
    press(browser, "l")
    looped = browser.execute_script("return beatmeterPage.player.looped")
    assert [looped["start"], looped["end"]] == bar
    browser.execute_script(f"beatmeterPage.seek({bar[1] - 0.3})")
    press(browser, " ")
    late = bar[1] - 1
    time = wait_until(f"[beatmeterPage.player.currentTime].find((time) => time < {late})")
    assert bar[0] <= time < bar[1]
    press(browser, " ")
    press(browser, "a")
    assert browser.execute_script("return beatmeterPage.grid.name") == "second best"
    four = data["grids"][1]["downbeats"]
    looped = browser.execute_script("return beatmeterPage.player.looped")
    assert looped["start"] in four


def test_to_go_elsewhere_ends_a_loop(opened, wait_until):
    browser, data = opened
    browser.execute_script(f"beatmeterPage.seek({data['grids'][0]['downbeats'][0] + 0.1})")
    press(browser, "l")
    press(browser, " ")
    wait_until("beatmeterPage.player.currentTime > 1.3")
    browser.execute_script("beatmeterPage.seek(30)")
    wait_until("beatmeterPage.player.currentTime > 30.1")
    assert browser.execute_script("return beatmeterPage.player.looped") is None
    press(browser, " ")


def test_keys_go_from_beat_to_beat_and_bar_to_bar(opened):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    browser, data = opened
    press(browser, Keys.ARROW_RIGHT)
    assert now(browser) == data["grids"][0]["beats"][0]
    press(browser, Keys.ARROW_RIGHT)
    assert now(browser) == data["grids"][0]["beats"][1]
    shifted = ActionChains(browser).key_down(Keys.SHIFT).send_keys(Keys.ARROW_RIGHT)
    shifted.key_up(Keys.SHIFT).perform()
    assert now(browser) == data["grids"][0]["downbeats"][0]
    press(browser, Keys.HOME)
    assert now(browser) == 0


def test_the_heat_map_follows_the_playhead(opened):
    browser, _ = opened
    caption = "return document.getElementById('heat-caption').textContent"
    assert browser.execute_script(caption).startswith("0:00 to 0:20")
    browser.execute_script("beatmeterPage.seek(30)")
    assert browser.execute_script(caption).startswith("0:20 to 0:40")


def test_a_chosen_signal_is_told_over_time(opened, wait_until):
    browser, data = opened
    browser.find_element("css selector", "#heat button[value=folding]").click()
    table = "document.getElementById('spans')"
    browser.execute_script(f"{table}.closest('details').open = true")
    wait_until(f"{table}.rows.length")
    told = browser.execute_script(f"return [...{table}.rows[0].cells].map((c) => c.textContent)")
    assert told[1] == "0:20"
    assert [float(share) for share in told[2:]] == pytest.approx(
        data["spans"][0]["signals"]["folding"], abs=0.005
    )


@pytest.mark.parametrize("width", [400, 1300])
def test_nothing_is_wider_than_the_window(opened, set_width, wait_until, width):
    browser, _ = opened
    widest = "return document.documentElement.scrollWidth"
    browser.execute_script(HOLD_FRAMES)
    set_width(width)
    assert browser.execute_script(widest) <= width
    browser.execute_script("giveFrames()")
    wait_until(f"{PLOTS}.every((plot) => plot.clientWidth === plot.parentElement.clientWidth)")
    assert browser.execute_script(widest) <= width


def test_a_sound_that_cannot_be_had_is_told(browser, wait_until, make_analysis, tmp_path):
    page = tmp_path / "song.html"
    sound = Sound(40.0, bytes(4000), url="nowhere/")
    page.write_text(render_page(page_data(to_mapping(make_analysis())), sound), encoding="utf-8")
    browser.get(page.as_uri())
    press(browser, " ")
    told = "document.getElementById('say').textContent"
    wait_until(f"{told}.startsWith('The sound, Ogg Opus, cannot be played')")
    assert browser.execute_script("return beatmeterPage.player.paused")
