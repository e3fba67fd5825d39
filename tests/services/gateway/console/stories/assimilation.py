"""Assimilation: a twin experiment is run, its errors and its ranks are read, its report is saved."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from ..visit import Visit

TITLE = "Assimilation"


def story(visit: Visit) -> None:
    page = visit.page
    page.get_by_label("System").select_option("lorenz96")
    page.get_by_label("Method").select_option("enkf_n")
    page.get_by_label("Members").fill("24")
    page.get_by_label("Analyses").fill("600")
    page.get_by_role("button", name="Run", exact=True).click()
    newest = page.get_by_role("article").first
    expect(newest.get_by_role("heading")).to_have_text("enkf_n on lorenz96, 600 analyses", timeout=180_000)
    expect(newest.get_by_role("img", name="Rank histogram")).to_be_visible()
    report = json.loads(visit.download(newest.get_by_role("button", name="Download JSON")).read_text())
    # Bocquet (2011): without inflation or localisation, the EnKF-N's error is about a fifth of the observations'.
    assert 0.1 < report["rmse_analysis"] < 0.3
