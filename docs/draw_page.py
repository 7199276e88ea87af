"""Take the picture of the page that the README shows.

    python docs/draw_page.py OUT.png [RECORDING]

Needs what the browser's tests need: Debian's chromium and chromium-driver, and selenium. The
recording is the bundled one when none is named. A bar is repeated, with clicks.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

import beatmeter
from beatmeter.output.page import write_page

WIDTH = 1100  # pixels
SHOWN_S = 11.0  # where the playhead stands
DEMO = Path(__file__).with_name("demo") / "escape-from-chaosland.opus"


def main(target: Path, source: Path) -> None:
    """Analyse, write the page, open it and take its picture."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        write_page(beatmeter.analyze(source), source, page)
        options = ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for argument in ("--headless=new", "--no-sandbox", "--disable-background-networking"):
            options.add_argument(argument)
        browser = Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        try:
            browser.get(page.as_uri())
            _window(browser, 900)
            browser.execute_script(
                "beatmeterPage.toggleClicks(); beatmeterPage.say('');"
                f"beatmeterPage.seek({SHOWN_S}); beatmeterPage.loopBar();"
            )
            _window(browser, browser.execute_script("return document.body.scrollHeight"))
            browser.execute_async_script("setTimeout(arguments[0], 500)")  # everything is drawn
            picture = browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        finally:
            browser.quit()
    target.write_bytes(base64.b64decode(picture["data"]))


def _window(browser: Chrome, height: int) -> None:
    size = {"width": WIDTH, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else DEMO)
