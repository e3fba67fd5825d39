"""Benchmarks: predictions are scored and ranked, looked into item by item, and two of them compared."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import expect

from ..visit import Visit

TITLE = "Benchmarks"
QUESTIONS = [
    {
        **{"idx": index, "question": f"Which gas warms most? A) {index} B) CO2 C) N2 D) Ar", "answer": "B"},
        **{"task": "knowledge_qa", "sphere": "Atmosphere", "subject": "Meteorology", "format": "multiple_choice"},
        **{"reasoning_chain": "", "sub_discipline": "Climatology"},
    }
    for index in range(20)
]
"""Of EarthSE's layout."""


def story(visit: Visit) -> None:
    page = visit.page
    page.get_by_label("Benchmark", exact=True).select_option("earthse")
    with TemporaryDirectory() as folder:
        data = Path(folder) / "earthse"
        data.mkdir()
        (data / "questions.json").write_text(json.dumps(QUESTIONS))
        for name, right in (("careful", 18), ("hasty", 10)):
            lines = ({"id": str(n), "prediction": "B" if n < right else "C"} for n in range(len(QUESTIONS)))
            predictions = Path(folder) / f"{name}.jsonl"
            predictions.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
            page.get_by_label("Data folder").set_input_files(data)
            page.get_by_label("Predictions", exact=True).set_input_files(predictions)
            page.get_by_label("Name", exact=True).fill(name)
            page.get_by_role("button", name="Evaluate", exact=True).click()
            expect(page.get_by_role("heading", name=f"{name} on earthse")).to_be_visible(timeout=120_000)

    board = page.get_by_role("group", name="Leaderboard by multiple choice accuracy")
    expect(board.get_by_role("row").nth(1)).to_contain_text("careful")
    expect(board.get_by_role("row").nth(1)).to_contain_text("0.900")
    board.get_by_role("button", name="hasty").click()
    page.get_by_label("Score", exact=True).select_option("wrong")
    expect(page.get_by_text("10 of 20 items")).to_be_visible()
    page.get_by_role("button", name="Compare", exact=True).click()
    difference = page.get_by_role("group", name="Differences").get_by_role("row").nth(1)
    expect(difference).to_contain_text("0.400")
    report = json.loads(visit.download(page.get_by_role("button", name="Download report.json")).read_text())
    assert report["metrics"]["multiple_choice_accuracy"]["value"] == 0.5
