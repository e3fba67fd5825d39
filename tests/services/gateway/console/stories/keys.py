"""Keys and usage: a key is made, seen once, used and revoked; one that cannot be is refused at its field."""

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
    page.get_by_role("button", name="Some").click()
    page.get_by_label("ocean", exact=True).check()
    expect(page.get_by_label("Files", exact=True)).to_be_checked()
    make.click()
    key = page.get_by_role("status").filter(has_text="Copy it now").locator("code").inner_text()
    assert key not in page.url
    page.get_by_role("button", name="Done").click()
    assert key not in page.content()
    visit.sign_out()

    visit.sign_in(key)
    with httpx.Client(base_url=visit.site.address, verify=False, headers={"Authorization": f"Bearer {key}"}) as ann:
        about = ann.get("/v1/account").json()
    assert (about["subject"], about["role"], about["services"]) == ("ann", "user", ["ocean"])
    visit.turn_to("Ocean")
    page.get_by_label("Method").select_option("climatology")
    page.get_by_role("button", name="Reconstruct", exact=True).click()
    page.get_by_role("application", name="Temperature at 0 m").wait_for()  # read from a file of its own
    visit.turn_to(TITLE)
    expect(page.get_by_role("heading", name="Keys are for administrators")).to_be_visible()
    visit.sign_out()

    visit.sign_in()
    visit.turn_to(TITLE)
    row = page.get_by_role("row", name=key[:13])
    expect(row).to_contain_text("ocean")
    row.get_by_role("button", name="Revoke").click()
    row.get_by_role("button", name=f"Really revoke {key[5:13]}").click()
    expect(row).to_have_count(0)
    page.get_by_label("Revoked and expired too").check()
    expect(row).to_contain_text("revoked")
