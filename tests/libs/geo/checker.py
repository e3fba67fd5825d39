"""What an independent checker has against a file."""

from __future__ import annotations

import gc
import json
from pathlib import Path

from compliance_checker.runner import CheckSuite, ComplianceChecker


def against_cf(path: Path) -> list[str]:
    """What a file has that is against CF 1.11: nothing of a file that keeps to it."""
    report = path.with_suffix(".json")
    CheckSuite.load_all_available_checkers()
    ComplianceChecker.run_checker(
        str(path), ["cf:1.11"], verbose=0, criteria="strict", output_filename=str(report), output_format="json"
    )
    gc.collect()  # the checker leaves its files open, and another thread must not be the one that closes them
    results = json.loads(report.read_text())["cf:1.11"]
    return [m for level in ("high", "medium", "low") for m in _messages(results[f"{level}_priorities"])]


def _messages(results: list[dict]) -> list[str]:
    return [m for result in results for m in [*result["msgs"], *_messages(result["children"] or [])]]
