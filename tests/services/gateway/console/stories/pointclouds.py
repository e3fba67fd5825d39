"""Point clouds: one side of a table is completed, seen, and saved."""

from __future__ import annotations

import numpy as np
from playwright.sync_api import expect
from plyfile import PlyData

from ..visit import Visit

TITLE = "Point clouds"


def story(visit: Visit) -> None:
    page = visit.page
    expect(page.get_by_role("heading", name="No cloud yet")).to_be_visible()
    page.get_by_label("Cloud", exact=True).set_input_files(
        {"name": "table.xyz", "mimeType": "text/plain", "buffer": table()}
    )
    expect(page.get_by_text("1\u202f400 points, coloured by height")).to_be_visible()
    page.get_by_role("button", name="Complete").last.click()
    expect(page.get_by_text("added, turquoise")).to_be_visible()
    page.get_by_role("application").press("ArrowLeft")
    saved = PlyData.read(str(visit.download(page.get_by_role("button", name="Download PLY"))))["vertex"]
    assert (saved["added"] == 0).sum() == 1400
    assert (saved["added"] == 1).sum() > 0


def table() -> bytes:
    """The front of a table: 900 points of its top, 250 of each of two legs."""
    chance = np.random.default_rng(1)
    top = np.c_[chance.uniform(-0.6, 0.6, 900), chance.uniform(-0.4, 0.1, 900), np.full(900, 0.7)]
    legs = [
        np.c_[chance.normal(x, 0.02, 250), chance.normal(-0.35, 0.02, 250), chance.uniform(0, 0.7, 250)]
        for x in (-0.55, 0.55)
    ]
    return "\n".join(" ".join(f"{value:.4f}" for value in point) for point in np.vstack([top, *legs])).encode()
