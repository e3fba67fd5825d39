"""Assimilation: a twin experiment is run, its errors and its ranks are read, its report is saved."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from ..visit import Visit

TITLE = "Assimilation"


def story(visit: Visit) -> None:
    page = visit.page
    page.get_by_label("System").select_option("lorenz96")
    page.get_by_label("Method").select_option("letkf")
    page.get_by_label("Analyses").fill("600")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("heading", name="letkf on lorenz96, 600 analyses")).to_be_visible(timeout=90_000)
    expect(page.get_by_role("img", name="Rank histogram")).to_be_visible()
    report = json.loads(visit.download(page.get_by_role("button", name="Download JSON")).read_text())
    # Twenty members with localisation hold Lorenz-96 below a fifth of the observations' error of one.
    assert 0.1 < report["rmse_analysis"] < 0.3
