"""Operations: long work is followed to its end, its answer saved; other work is cancelled."""

from __future__ import annotations

import json
from pathlib import Path

import netCDF4
from playwright.sync_api import expect

from ..visit import CONSOLE, Visit

TITLE = "Operations"
EXAMPLE = str(CONSOLE / "src/ocean/example.nc")


def story(visit: Visit) -> None:
    page = visit.page
    submit(visit, "--method", "oi", "--members", "2")
    page.get_by_role("button", name="Refresh").click()
    page.get_by_role("link", name="ocean.reconstruction").click()
    log = page.get_by_role("list", name="Log")
    expect(log).to_contain_text("Done", timeout=90_000)
    analysis = visit.download(page.get_by_role("button", name="Download analysis"))
    with netCDF4.Dataset(analysis) as file:
        assert file.method == "oi"

    submit(visit, "--method", "reconmost")
    page.get_by_role("button", name="Refresh").click()
    both = page.get_by_role("link", name="ocean.reconstruction")
    expect(both).to_have_count(2)
    both.first.click()
    expect(page.get_by_role("region", name="Operation", exact=True).get_by_text("Running").first).to_be_visible()
    page.reload()  # the address leads to the same operation
    page.get_by_role("button", name="Cancel").click()
    expect(log).to_contain_text("Cancelled", timeout=30_000)


def submit(visit: Visit, *options: str) -> None:
    told = visit.site.command("ocean", "reconstruct", EXAMPLE, *options, "--detach", "--json")
    assert json.loads(told), Path(EXAMPLE).name
