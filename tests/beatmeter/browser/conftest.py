"""Headless Chromium, as Debian's packages chromium and chromium-driver bring it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

import pytest

PROGRAMS = "chromium", "chromedriver"
ARGUMENTS = (
    *("--headless=new", "--window-size=1300,900", "--disable-gpu"),
    # In containers there is often no sandbox, and little shared memory.
    *("--no-sandbox", "--disable-dev-shm-usage"),
    # It asks nobody for anything.
    *("--no-first-run", "--no-proxy-server", "--disable-quic", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    # A tab behind another one works on as that one does.
    *("--disable-background-timer-throttling", "--disable-renderer-backgrounding"),
    "--disable-backgrounding-occluded-windows",
)
SHOWN = """
document.readyState === "complete" && [...document.querySelectorAll(arguments[0])].find((one) =>
  one.checkVisibility({ visibilityProperty: true }) && one.innerText.includes(arguments[1]))
""".strip()
TELL_ERRORS = "addEventListener('error', ({ message }) => console.error(message));"
"""For errors that browsers log or not, such as that of an observed size that changes again."""

PATIENCE_S = 300  # for what takes seconds, on a machine that has much else to do


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A selenium driver whose window is 1,300 by 900 pixels."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    missing += [] if find_spec("selenium") else ["selenium"]
    if missing:
        pytest.skip(f"needs Debian's chromium and chromium-driver, and selenium: no {missing[0]}")
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = shutil.which(PROGRAMS[0]) or ""
    for argument in [*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("no_proxy", "localhost")  # where chromedriver is
        driver = Chrome(options=options, service=Service(shutil.which(PROGRAMS[1])))
        driver.set_script_timeout(PATIENCE_S)
        script = {"source": TELL_ERRORS}
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", script)
        yield driver
        driver.quit()


@pytest.fixture
def browser(driver: Any) -> Iterator[Any]:
    """The driver, of whose tabs, pages and complaints nothing is left to the next test."""
    first = driver.current_window_handle
    yield driver
    for other in set(driver.window_handles) - {first}:
        driver.switch_to.window(other)
        driver.close()
    driver.switch_to.window(first)
    driver.get("about:blank")
    driver.get_log("browser")


@pytest.fixture
def wait_until(browser: Any) -> Callable[..., Any]:
    """``wait_until(expression, *arguments)``: the value of JavaScript, once it is a true one."""
    from selenium.common.exceptions import JavascriptException, StaleElementReferenceException

    def wait_until(expression: str, *arguments: str) -> Any:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            # One page may be about to follow another.
            with suppress(JavascriptException, StaleElementReferenceException):
                value = browser.execute_script(f"return {expression}", *arguments)
                if value:
                    return value
            time.sleep(0.05)
        raise AssertionError(f"{expression} of {arguments} never became true")

    return wait_until


@pytest.fixture
def see(wait_until: Callable[..., Any]) -> Callable[..., Any]:
    """``see(selector, text)``: the first such element that shows the text, as soon as it does."""

    def see(selector: str, text: str = "") -> Any:
        return wait_until(SHOWN, selector, text)

    return see


@pytest.fixture
def set_width(browser: Any, wait_until: Callable[..., Any]) -> Iterator[Callable[[int], None]]:
    """``set_width(pixels)``: give the window another width; a narrow one is that of a phone."""

    def set_width(width: int) -> None:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        wait_until(f"matchMedia('(width: {width}px)').matches")

    yield set_width
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
