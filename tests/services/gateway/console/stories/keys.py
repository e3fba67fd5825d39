"""Keys and usage: a key is made, seen once, good, and revoked; one that cannot be is refused at its field."""

from __future__ import annotations

import httpx
from playwright.sync_api import expect

from ..visit import Visit

TITLE = "Keys and usage"


def story(visit: Visit) -> None:
    page = visit.page
    page.get_by_text("analyses are kept for 24 hours").wait_for()
    bearer = page.get_by_label("Bearer")
    bearer.fill("no spaces")
    make = page.get_by_role("button", name="Make the key")
    make.click()
    expect(page.get_by_text("Received no spaces; accepted:")).to_be_visible()
    visit.faults.clear()  # the browser reports the refusal that this asked for

    bearer.fill("ann")
    page.get_by_label("Role").select_option("viewer")
    page.get_by_label("For").select_option("ocean")
    make.click()
    key = page.get_by_role("status").filter(has_text="Copy it now").locator("code").inner_text()
    with httpx.Client(base_url=visit.site.address, verify=False, headers={"Authorization": f"Bearer {key}"}) as ann:
        about = ann.get("/v1/account").json()
        assert (about["subject"], about["role"], about["services"]) == ("ann", "viewer", ["ocean"])
        row = page.get_by_role("row", name=key[:13])
        row.get_by_role("button", name="Revoke").click()
        row.get_by_role("button", name="Really revoke").click()
        expect(row).to_contain_text("revoked")
    assert key not in page.url
    page.get_by_role("button", name="Done").click()
    assert key not in page.content()
