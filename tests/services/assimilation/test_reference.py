"""The methods give the analysis errors that others' programs give."""

from __future__ import annotations

import importlib.util
import sys
from math import sqrt
from pathlib import Path
from types import ModuleType

import pytest

FULL = 10_000
"""Cycles of the references."""
SHORT = 1400
"""Of which a thousand are scored on Lorenz-96."""
STATED = 0.01
"""To which the references are reproduced."""


def _experiments() -> ModuleType:
    """Those that the benchmark of this name runs."""
    path = Path(__file__).parents[2] / "bench" / "assimilation_experiments.py"
    found = importlib.util.spec_from_file_location(path.stem, path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[path.stem] = module  # where a dataclass looks up its annotations
    found.loader.exec_module(module)
    return module


EXPERIMENTS = _experiments()


@pytest.mark.parametrize("reference", EXPERIMENTS.REFERENCES, ids=str)
def test_a_short_run_agrees_within_its_sampling_error(reference):
    result = reference.run(SHORT, EXPERIMENTS.FIRST_SEED)
    assert result.diverged is None
    assert result.rmse_analysis == pytest.approx(reference.rmse, abs=STATED + 3 * reference.error * sqrt(FULL / SHORT))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("reference", EXPERIMENTS.REFERENCES, ids=str)
def test_ten_thousand_cycles_of_two_seeds_agree(reference):
    runs = reference.kept(FULL, 2).values()
    assert [run.diverged for run in runs] == [None, None]
    mean = sum(run.rmse_analysis for run in runs) / 2
    assert mean == pytest.approx(reference.rmse, abs=STATED + 2 * reference.error / sqrt(2))
