"""Ocean: the example is reconstructed, read at depth and at a place, compared, and saved."""

from __future__ import annotations

import netCDF4
import numpy as np
import xarray as xr
from playwright.sync_api import Locator, expect

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

    one_degree = saved.with_name("one-degree.nc")
    with xr.open_dataset(saved) as coarse:
        axes = {"lat": np.arange(-89.5, 90), "lon": np.arange(1.5, 359)}
        coarse[["thetao"]].interp(axes).to_netcdf(one_degree)
    page.get_by_role("button", name="Analysis").click()
    page.get_by_label("NetCDF file with a field").set_input_files(one_degree)
    page.get_by_role("button", name="Open", exact=True).click()
    fine = page.get_by_role("application", name="thetao at 0 m")
    fine.wait_for()
    visit.measured["map, frames a second"] = max(frames_per_second(visit, fine) for _ in range(3))
    assert visit.measured["map, frames a second"] > 10  # beside other tests; `make acceptance` measures it alone

    page.get_by_role("button", name="oi, February, example", exact=True).click()
    earth.wait_for()
    earth.press("ArrowUp")
    page.get_by_role("heading", name="Profile at").wait_for()


def frames_per_second(visit: Visit, earth: Locator) -> float:
    """Frames that are drawn while the map is dragged to and fro."""
    page, box = visit.page, earth.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + 60)
    page.mouse.down()
    page.evaluate(
        """() => {
            const began = performance.now()
            window.drawn = { frames: 0, seconds: 0 }
            const count = () => {
                window.drawn = { frames: window.drawn.frames + 1, seconds: (performance.now() - began) / 1000 }
                window.counting = requestAnimationFrame(count)
            }
            window.counting = requestAnimationFrame(count)
        }"""
    )
    for x in (box["width"] - 40, 40):
        page.mouse.move(box["x"] + x, box["y"] + 60, steps=60)
    told = page.evaluate("() => { cancelAnimationFrame(window.counting); return window.drawn }")
    page.mouse.up()
    return float(told["frames"] / told["seconds"])
