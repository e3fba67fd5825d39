"""Each page's main story, on real services over HTTPS, in one browser; and what holds of every page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import pytest
from playwright.sync_api import Browser, expect

from . import stories
from .installation import Site, site
from .stories import keys, ocean
from .visit import BUDGET, NARROW, visit
from .visit import browser as opened

STORIES: list[ModuleType] = [
    import_module(f"{stories.__name__}.{found.name}") for found in iter_modules(stories.__path__)
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened() as started:
        yield started


# One test for all pages, as those of a module may be shared out among processes, and a platform for each takes long.
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_each_page_does_its_story(
    browser: Browser, certificate: tuple[Path, Path], tmp_path: Path, subtests: pytest.Subtests
) -> None:
    with site(tmp_path, *certificate) as here:
        told(browser, here, STORIES, subtests)


@pytest.mark.timeout(600)
def test_the_pages_of_an_ocean_alone_do_their_stories(
    browser: Browser, certificate: tuple[Path, Path], tmp_path: Path, subtests: pytest.Subtests
) -> None:
    with site(tmp_path, *certificate, services="ocean,gateway") as here:
        told(browser, here, [ocean, keys], subtests)


def told(browser: Browser, here: Site, chosen: Sequence[ModuleType], subtests: pytest.Subtests) -> None:
    """Tells the stories of pages, one after the other, and looks at what holds of each."""
    with subtests.test("a key that is not good is refused with a reason"), visit(browser, here) as reader:
        reader.page.goto(here.address)
        reader.page.get_by_label("API key").fill("tell_00000000_" + 43 * "0")
        assert not reader.faults
        reader.page.get_by_role("button", name="Sign in").click()
        expect(reader.page.get_by_text("This key is not valid")).to_be_visible()
        assert not reader.violations()
    for each in chosen:
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
        for each in chosen:
            reader.turn_to(each.TITLE)
            expect(reader.page.get_by_role("button", name="Menu")).to_have_attribute("aria-expanded", "false")
            reader.page.wait_for_load_state("networkidle")
            assert reader.violations() == [], each.TITLE
            assert reader.overflow() <= 0, each.TITLE
        assert reader.faults == []
