"""Ocean: the example is reconstructed, read at depth and at a place, compared, and saved."""

from __future__ import annotations

import netCDF4
import numpy as np
from playwright.sync_api import expect

from ..visit import Visit

TITLE = "Ocean"


def story(visit: Visit) -> None:
    page = visit.page
    expect(page.get_by_role("heading", name="Nothing is reconstructed yet")).to_be_visible()
    page.get_by_label("Method").select_option("oi")
    page.get_by_label("Members").fill("2")
    page.get_by_role("button", name="Reconstruct", exact=True).click()
    earth = page.get_by_role("application", name="Temperature at 0 m")
    earth.wait_for()
    expect(page.get_by_text("8\u202f884 of 8\u202f885")).to_be_visible()

    page.get_by_label("Depth: 0 m").fill("6")
    at_depth = page.get_by_role("application", name="Temperature at 100 m")
    at_depth.wait_for()
    box = at_depth.bounding_box()
    assert box is not None
    # The view is centred on 160° W: the middle of the Pacific.
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.get_by_role("heading", name="Profile at").wait_for()
    at_depth.press("ArrowUp")
    page.get_by_text("The profile as a table").click()
    surface = page.get_by_role("row").nth(1)
    expect(surface).to_contain_text("°C")

    page.get_by_role("button", name="Uncertainty").click()
    page.get_by_role("application", name="Uncertainty at 100 m").wait_for()
    page.get_by_role("button", name="Difference").click()
    page.get_by_role("button", name="Compute the climatology").click()
    page.get_by_role("application", name="Difference at 100 m").wait_for()

    saved = visit.download(page.get_by_role("button", name="Download NetCDF"))
    with netCDF4.Dataset(saved) as file:
        assert file["thetao"].shape == (19, 90, 180)
        assert 20 < float(np.nanmax(file["thetao"][0])) < 35  # °C at the surface in February
