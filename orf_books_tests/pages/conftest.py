"""Pages in Debian's chromium, for the tests that look at them there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Protocol

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from orf_books_tests.pages.browsing import CHROMIUM


class OpenPage(Protocol):
    """Opens a page in a tab of its own."""

    def __call__(
        self,
        html: str,
        *,
        view: str = "",
        width: int = 1280,
        scheme: Literal["light", "dark"] = "light",
        script: bool = True,
    ) -> Page:
        """Args: the page, its fragment, and how it is looked at."""
        ...


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[OpenPage]:
    """Opens pages in tabs in which nothing goes wrong, and nothing is loaded."""
    problems: list[str] = []
    contexts = []

    def opened(
        html: str,
        *,
        view: str = "",
        width: int = 1280,
        scheme: Literal["light", "dark"] = "light",
        script: bool = True,
    ) -> Page:
        file = tmp_path / "page.html"
        file.write_text(html, encoding="utf-8")
        context = browser.new_context(
            viewport=ViewportSize(width=width, height=900),
            color_scheme=scheme,
            java_script_enabled=script,
        )
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: problems.append(str(error)))
        tab.on("console", lambda said: problems.append(said.text))
        tab.on("dialog", lambda dialog: problems.append(dialog.message))
        tab.on(
            "request",
            lambda asked: (
                None if asked.url.startswith(("file:", "blob:")) else problems.append(asked.url)
            ),
        )
        tab.goto(file.as_uri() + view)
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert problems == []
