"""A browser for tests of pages: Debian's Chromium, driven by Playwright, with nothing from a network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser for one module of tests; they are skipped where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright drives the browser")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium on this machine to open the page with")
    with api.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


class Tab:
    """One tab with a file open in it, and what it said and asked for meanwhile."""

    def __init__(self, browser: Any, file: Path, fragment: str = "", **context: Any) -> None:
        self.context = browser.new_context(**{"viewport": WIDE, "accept_downloads": True} | context)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append("a dialog"), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri() + fragment)

    @property
    def outside(self) -> list[str]:
        """What was asked for besides the file itself and what it holds."""
        return [url for url in self.asked[1:] if not url.startswith(("data:", "blob:"))]

    def texts(self, query: str) -> list[str]:
        """The visible texts of what `query` finds."""
        found = self.page.locator(query)
        return [node.inner_text().strip() for node in found.all() if node.is_visible()]

    def saved(self, press: str, within: Any = None) -> tuple[str, bytes]:
        """The name and the bytes of the file that a button hands out."""
        with self.page.expect_download() as waiting:
            (within or self.page).get_by_role("button", name=press, exact=True).click()
        download = waiting.value
        return download.suggested_filename, Path(download.path()).read_bytes()


@contextmanager
def opened(
    browser: Any, file: Path, fragment: str = "", beside: bool = False, **context: Any
) -> Iterator[Tab]:
    """A tab that must say nothing on its console and ask for nothing but its file; or, `beside`,
    for files of its folder."""
    tab = Tab(browser, file, fragment, **context)
    yield tab
    tab.context.close()
    assert tab.said == []
    folder = file.parent.as_uri() + "/"
    assert [url for url in tab.outside if not (beside and url.startswith(folder))] == []


def answer(browser: Any, file: Path, **context: Any) -> Any:
    """What a script of the page puts into `window.answer`, as soon as it is there: frames may live in
    processes of their own, so that no number of seconds is enough on a busy machine."""
    with opened(browser, file, **context) as tab:
        tab.page.wait_for_function("window.answer !== undefined", timeout=120_000)
        return tab.page.evaluate("window.answer")
