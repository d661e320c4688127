"""A real browser, Chromium without a window and without a network; skips where there is none."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--window-size=1600,1000",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # no name leads anywhere
)  # fmt: skip


@contextmanager
def chromium(profile: Path) -> Iterator[Any]:
    """A selenium driver with a fresh profile in `profile`; it notes what the page logs and asks for."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (binary and driver):
        pytest.skip("needs chromium and chromedriver on PATH (Debian: chromium, chromium-driver)")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield browser
    finally:
        browser.quit()


def wait_for(browser: Any, script: str, timeout: float = 60.0) -> Any:
    """What the JavaScript gives, as soon as that is true; fails after `timeout` seconds."""
    end = time.monotonic() + timeout
    while not (found := browser.execute_script(script)):
        assert time.monotonic() < end, f"never true: {script}"
        time.sleep(0.1)
    return found


def requested(browser: Any, since: str) -> set[str]:
    """The addresses asked for since the one that contains `since`, but for those within a page."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    first = next(position for position, url in enumerate(urls) if since in url)
    return {url for url in urls[first:] if not url.startswith("data:")}
