"""A real Chromium for the tests of pages, and axe-core, which judges if a page is accessible."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {"desk": (1280, 900), "phone": (390, 844)}

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return the system's Chromium; playwright's own is not installed.

    Until it is closed, playwright runs an event loop in this thread: no test of another module may
    come between.
    """
    program = shutil.which("chromium")
    assert program, "there is no chromium on PATH: on Debian, apt install chromium"
    with sync_playwright() as playwright:
        # What is opened are pages of our own; a container's root may use no sandbox of Chromium's.
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Return what opens a page from a file, without a network; fails on any error that it logs."""
    contexts, complaints = [], list[str]()

    def open_page(
        text: str, size: str = "desk", *, scheme: str = "light", javascript: bool = True
    ) -> Page:
        file = tmp_path / "report.html"
        file.write_text(text, encoding="utf-8")
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=javascript,
            offline=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def axe() -> str:
    """Return axe-core's own script."""
    assert AXE.is_file(), "axe-core is missing: run `npm ci` in tests/browser"
    return AXE.read_text("utf-8")
