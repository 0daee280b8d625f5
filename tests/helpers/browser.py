"""A headless Chromium for tests of pages."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
# what pages start with here: it keeps their AudioContexts and gains, and counts sounds
SPY = """
window.contexts = [];
window.gains = [];
window.started = 0;
const {AudioContext: Context, GainNode: Gain, AudioBufferSourceNode: Source} = window;
window.AudioContext = class extends Context {
  constructor(...args) { super(...args); window.contexts.push(this); }
};
window.GainNode = class extends Gain {
  constructor(...args) { super(...args); window.gains.push(this); }
};
window.AudioBufferSourceNode = class extends Source {
  start(...args) { window.started += 1; super.start(...args); }
};
"""


def chromium() -> str:
    """The path of a Chromium; the test is skipped where there is none."""
    playwright = pytest.importorskip("playwright", reason="playwright is not installed")
    assert playwright
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    return path


@contextmanager
def launched() -> Iterator:
    """A browser of Playwright, of the system's Chromium."""
    path = chromium()
    from playwright.sync_api import sync_playwright

    # root may not use its sandbox, and a container's /dev/shm is small
    arguments = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()
