"""Headless Chromium, as Debian's packages chromium and chromium-driver bring it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

PROGRAMS = "chromium", "chromedriver"
QUIET = (
    *("--headless=new", "--no-first-run", "--disable-gpu", "--disable-quic", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
)
"""A browser that asks nobody for anything."""


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A selenium driver whose window is 1,300 by 900 pixels."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    missing += [] if find_spec("selenium") else ["selenium"]
    if missing:
        pytest.skip(f"needs Debian's chromium and chromium-driver, and selenium: no {missing[0]}")
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = shutil.which(PROGRAMS[0]) or ""
    arguments = [*QUIET, "--window-size=1300,900"]
    arguments += ["--no-sandbox"] if os.geteuid() == 0 else []  # root has no sandbox
    for argument in [*arguments, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(shutil.which(PROGRAMS[1])))
    driver.set_script_timeout(30)
    yield driver
    driver.quit()
