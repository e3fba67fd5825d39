"""Scenes: photographs are fitted, the model is turned and taken apart, and saved."""

from __future__ import annotations

import io
import zipfile
from importlib.resources import files

from playwright.sync_api import expect

from tellurion_splatting.files import read_gaussians

from ..visit import Visit

TITLE = "Scenes"


def story(visit: Visit) -> None:
    page = visit.page
    expect(page.get_by_role("heading", name="No fits yet")).to_be_visible()
    page.get_by_label("Photographs").set_input_files(
        {"name": "floor.zip", "mimeType": "application/zip", "buffer": photographs()}
    )
    expect(page.get_by_text("24 views of 100 × 75 pixels")).to_be_visible()
    page.get_by_label("Steps").fill("20")
    page.get_by_role("button", name="Fit", exact=True).click()
    page.get_by_role("button", name="Look around").click(timeout=180_000)
    expect(page.get_by_text("Drag to turn")).to_be_visible()
    page.get_by_role("application").press("ArrowLeft")
    page.get_by_role("application").press("+")
    for component in ("Transmitted", "Reflected", "Depth"):
        page.get_by_role("button", name=component, exact=True).click()
    expect(page.get_by_text("White is nearest")).to_be_visible()
    page.get_by_label("Seen from the camera of").select_option("003")
    assert visit.download(page.get_by_role("button", name="Save picture")).read_bytes().startswith(b"\x89PNG")
    saved = visit.download(page.get_by_role("button", name="Download PLY"))
    model = saved.rename(saved.with_suffix(".ply"))
    assert read_gaussians(model).reflection is not None


def photographs() -> bytes:
    """A scene that the service ships, as the zip that a reader has of it."""
    folder = files("tellurion_splat") / "data/floor"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as into:
        for entry in ("transforms.json", "points.ply"):
            into.writestr(entry, (folder / entry).read_bytes())
        for image in sorted((folder / "images").iterdir(), key=lambda path: path.name):
            into.writestr(f"images/{image.name}", image.read_bytes())
    return archive.getvalue()
