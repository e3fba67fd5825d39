"""A browser on the console: what it loads, says and keeps is watched, whatever a story does with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, expect, sync_playwright

from .installation import Site

CONSOLE = Path(__file__).parents[4] / "services/gateway/console"
AXE = CONSOLE / "node_modules/axe-core/axe.min.js"
CHROMIUM = "/usr/bin/chromium"
# As root, Chromium has no sandbox; a container's shared memory is small.
OPTIONS = ["--no-sandbox", "--disable-dev-shm-usage", "--enable-unsafe-swiftshader"]
WIDE, NARROW = {"width": 1280, "height": 860}, {"width": 380, "height": 800}
PATIENCE = 180_000
"""Milliseconds that a page may take for one thing; real work is waited for."""
BUDGET = 500_000
"""Most bytes, as they are sent, of the first load of a page."""


@contextmanager
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        try:
            yield started
        finally:
            started.close()


class Visit:
    """One reader's tab, signed out at first."""

    def __init__(self, context: BrowserContext, site: Site) -> None:
        self.site = site
        context.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        self.page: Page = context.new_page()
        self.faults: list[str] = []
        """What the console printed as an error, threw, or asked of another origin."""
        self.measured: dict[str, float] = {}
        """What a story measured, by its name and unit."""
        self._loaded: list[Request] = []
        self.page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", self._requested)
        self.page.on("requestfinished", lambda request: self._loaded.append(request))

    def _requested(self, request: Request) -> None:
        if not request.url.startswith((self.site.address, f"blob:{self.site.address}")):
            self.faults.append(f"asked elsewhere: {request.url}")

    def sign_in(self, key: str | None = None) -> None:
        """Opens the console and pastes a key, the administrator's where none is given."""
        self.page.goto(self.site.address)
        self.page.get_by_label("API key").fill(key or self.site.key)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("link", name="Skip to the page").wait_for(state="attached")

    def sign_out(self) -> None:
        self.page.get_by_role("button", name="Sign out").click()
        self.page.get_by_label("API key").wait_for()

    def turn_to(self, title: str) -> None:
        """Chooses a page."""
        menu = self.page.get_by_role("button", name="Menu")
        if menu.is_visible():
            menu.click()
        self.page.get_by_role("navigation").get_by_role("link", name=title, exact=True).click()
        self.page.get_by_role("heading", level=1, name=title).wait_for()

    def download(self, button: Locator) -> Path:
        """The file that a button saves."""
        with self.page.expect_download() as saved:
            button.click()
        return Path(saved.value.path())

    def violations(self) -> list[str]:
        """What axe finds serious or critical in the page as it stands."""
        if not self.page.evaluate("'axe' in window"):
            # Of the tool's own world: the policy of the page allows no script from elsewhere, and is not eased.
            self.page.evaluate(AXE.read_text())
        found: list[dict[str, Any]] = self.page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
        return [
            f"{each['id']}: {json.dumps([node['target'] for node in each['nodes']][:4])}"
            for each in found
            if each["impact"] in ("serious", "critical")
        ]

    def sent_bytes(self) -> int:
        """Bytes of the pages and assets that were loaded so far, as they were sent."""
        own = [r for r in self._loaded if "/v1/" not in r.url and r.url.startswith(self.site.address)]
        return sum(request.sizes()["responseBodySize"] for request in own)

    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        # Of the body: the window has as much again as is kept free for a scroll bar.
        return self.page.evaluate("document.body.scrollWidth - document.body.clientWidth")


@contextmanager
def visit(browser: Browser, site: Site, *, colours: str = "light", size: dict[str, int] = WIDE) -> Iterator[Visit]:
    """A visit of its own: no key, no cookie, nothing kept."""
    context = browser.new_context(
        ignore_https_errors=True,  # the certificate is the site's own
        viewport=size,  # type: ignore[arg-type]
        color_scheme=colours,  # type: ignore[arg-type]
        accept_downloads=True,
    )
    try:
        yield Visit(context, site)
    finally:
        context.close()
