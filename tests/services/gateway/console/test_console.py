"""Each page's main story, on real services over HTTPS, in one browser; and what holds of every page."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import pytest
from playwright.sync_api import Browser, expect

from . import stories
from .installation import Site, site
from .visit import BUDGET, NARROW, visit
from .visit import browser as opened

STORIES: list[ModuleType] = [
    import_module(f"{stories.__name__}.{found.name}") for found in iter_modules(stories.__path__)
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened() as started:
        yield started


@pytest.fixture(scope="module")
def here(certificate: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("console"), *certificate) as started:
        yield started


# One test, as those of a module may be shared out among processes, and a platform for each would take minutes.
@pytest.mark.timeout(1200)
def test_each_page_does_its_story(browser: Browser, here: Site, subtests: pytest.Subtests) -> None:
    with subtests.test("a key that is not good is refused with a reason"), visit(browser, here) as reader:
        reader.page.goto(here.address)
        reader.page.get_by_label("API key").fill("tell_00000000_" + 43 * "0")
        assert not reader.faults
        reader.page.get_by_role("button", name="Sign in").click()
        expect(reader.page.get_by_text("This key is not valid")).to_be_visible()
        assert not reader.violations()
    for each in STORIES:
        with subtests.test(each.TITLE), visit(browser, here) as reader:
            reader.sign_in()
            reader.turn_to(each.TITLE)
            reader.page.wait_for_load_state("networkidle")
            assert reader.sent_bytes() < BUDGET
            each.story(reader)
            assert reader.violations() == []
            assert reader.faults == []
            assert reader.page.evaluate("localStorage.length") == 0
            reader.sign_out()
            assert reader.page.evaluate("sessionStorage.length") == 0
    with subtests.test("dark and narrow"), visit(browser, here, colours="dark", size=NARROW) as reader:
        reader.sign_in()
        for each in STORIES:
            reader.turn_to(each.TITLE)
            reader.page.wait_for_load_state("networkidle")
            assert reader.violations() == [], each.TITLE
            assert reader.overflow() <= 0, each.TITLE
        assert reader.faults == []
