"""The page in a browser: it is drawn, it plays, its clicks are heard on the beats."""

from __future__ import annotations

import time

import numpy as np
import pytest

from beatmeter.output.jsonl import to_mapping
from beatmeter.output.page import page_data, read_sound, render_page

RATE = 22050
CAPTURE = """
const [seconds, done] = arguments;
const { player } = beatmeterPage;
const tap = player.context.createScriptProcessor(4096, 1, 1);
const samples = [];
tap.onaudioprocess = (event) => {
  samples.push(...event.inputBuffer.getChannelData(0));
  if (samples.length < seconds * player.context.sampleRate) return;
  tap.onaudioprocess = null;
  done({ rate: player.context.sampleRate, samples: samples.map((s) => Math.round(s * 1e4) / 1e4) });
};
player.output.connect(tap);
tap.connect(player.context.destination);
"""


@pytest.fixture
def opened(browser, make_analysis, write_audio, tmp_path):
    """The page of 40 s of near silence in 7/4, which turn to 4/4."""
    samples = np.random.default_rng(0).normal(0, 1e-3, 40 * RATE).astype(np.float32)
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


def wait_until(browser, condition: str) -> None:
    for _ in range(100):
        if browser.execute_script(f"return {condition}"):
            return
        time.sleep(0.05)
    raise AssertionError(f"{condition} never became true")


def clicks_heard(browser, seconds: float):
    """Times in seconds, and whether each is a high click, of what sounds at the output."""
    heard = browser.execute_async_script(CAPTURE, seconds)
    samples, rate = np.array(heard["samples"]), heard["rate"]
    loud = np.flatnonzero(np.abs(samples) > 0.02)
    starts = loud[np.diff(loud, prepend=-rate) > 0.1 * rate]
    spectra = [np.abs(np.fft.rfft(samples[s : s + int(0.02 * rate)])) for s in starts]
    high = [np.argmax(spectrum) * 50 > 1300 for spectrum in spectra]
    return starts / rate, high


def test_clicks_are_heard_on_beats_and_higher_on_downbeats(opened):
    browser, data = opened
    press(browser, " ")
    wait_until(browser, "beatmeterPage.player.currentTime > 0.1")
    times, _ = clicks_heard(browser, 1.0)
    assert len(times) == 0  # until they are asked for
    press(browser, "c")
    times, high = clicks_heard(browser, 6.0)
    period = np.median(np.diff(data["grids"][0]["beats"]))
    assert len(times) > 9
    assert np.diff(times)[1:-1] == pytest.approx(period, abs=0.003)
    downbeats = np.flatnonzero(high)
    assert np.diff(downbeats) == pytest.approx(7)
    press(browser, " ")
    assert browser.execute_script("return beatmeterPage.player.paused")


def test_a_bar_is_repeated_and_the_other_grid_taken(opened):
    browser, data = opened
    bar = data["grids"][0]["downbeats"][:2]
    browser.execute_script(f"beatmeterPage.seek({bar[0] + 0.5})")
    press(browser, "l")
    looped = browser.execute_script("return beatmeterPage.player.looped")
    assert [looped["start"], looped["end"]] == bar
    browser.execute_script(f"beatmeterPage.seek({bar[1] - 0.3})")
    press(browser, " ")
    wait_until(browser, f"beatmeterPage.player.currentTime < {bar[1] - 1}")
    assert bar[0] <= now(browser) < bar[1]
    press(browser, " ")
    press(browser, "a")
    assert browser.execute_script("return beatmeterPage.grid.name") == "second best"
    four = data["grids"][1]["downbeats"]
    looped = browser.execute_script("return beatmeterPage.player.looped")
    assert looped["start"] in four


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


@pytest.mark.parametrize("width", [400, 1300])
def test_nothing_is_wider_than_the_window(opened, width):
    browser, _ = opened
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
