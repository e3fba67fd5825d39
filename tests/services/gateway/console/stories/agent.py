"""Agent: a trend is asked for, a plan chosen and followed to its answer, which is corrected and saved."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import xarray as xr
from playwright.sync_api import expect

from ..visit import Visit

TITLE = "Agent"
QUESTION = "What is the linear trend of sea surface temperature from 1981 to 2010, in degrees per decade?"


def story(visit: Visit) -> None:
    page = visit.page
    expect(page.get_by_role("heading", name="No questions yet")).to_be_visible()
    page.get_by_label("Question", exact=True).fill(QUESTION)
    with TemporaryDirectory() as folder:
        sea = Path(folder) / "tos.nc"
        warming().to_netcdf(sea)
        page.get_by_label("Files, if it is about your own").set_input_files(sea)
        expect(page.get_by_role("button", name="Ask", exact=True)).to_be_enabled()
        page.get_by_role("button", name="Ask", exact=True).click()
        page.get_by_role("button", name="Run this plan").first.click()
    answer = page.get_by_role("region", name="Answer")
    expect(answer).to_contain_text("0.2001 °C decade⁻¹", timeout=180_000)
    expect(answer.get_by_role("list", name="Settings")).to_contain_text("season: annual (assumed)")
    expect(page.get_by_role("list", name="Steps").get_by_role("listitem")).not_to_have_count(0)
    assert QUESTION in visit.download(answer.get_by_role("button", name="Report", exact=True)).read_text()
    page.get_by_label("What should be otherwise?").fill("use the years 1991-2010, please")
    page.get_by_role("button", name="Correct").click()
    expect(page.get_by_role("button", name="Take back")).to_be_visible()


def warming() -> xr.Dataset:
    """Thirty years of a sea that warms by 0.2 K a decade everywhere."""
    months = np.arange(360)
    values = 290 + 0.2 * months / 120 + 3 * np.cos(2 * np.pi * months / 12)
    coordinates = {
        "time": xr.date_range("1981-01-01", periods=360, freq="MS"),
        "lat": ("lat", np.arange(-80.0, 81, 20), {"units": "degrees_north"}),
        "lon": ("lon", np.arange(10.0, 360, 20), {"units": "degrees_east"}),
    }
    attributes = {"standard_name": "sea_surface_temperature", "units": "K"}
    field = values[:, None, None] + np.zeros((1, 9, 18))
    return xr.DataArray(field, coordinates, ("time", "lat", "lon"), "tos", attributes).to_dataset()
