"""Models: every method that the services have is listed with what it computes."""

from __future__ import annotations

from playwright.sync_api import expect

from tellurion_client.options import LEARNED, METHODS

from ..visit import Visit

TITLE = "Models"


def story(visit: Visit) -> None:
    ocean = visit.page.get_by_role("region", name="Ocean reconstruction")
    expect(ocean.get_by_role("row")).to_have_count(1 + len(METHODS))
    expect(ocean.get_by_text("learned", exact=True)).to_have_count(len(LEARNED))
