"""The served models: quality control, then the method that the caller named and no other."""

from __future__ import annotations

import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_ocean.cancellation import never, silent
from tellurion_ocean.models import AnalysisModel, SharedPrior


def test_when_every_observation_is_rejected_nothing_is_answered():
    """One in the Sahara, and one at 80 °C in the South Atlantic."""
    columns = {"latitude": [25.0, -30.0], "longitude": [15.0, -20.0], "depth": [0.0, 10.0], "temperature": [20.0, 80.0]}
    inputs = {name: np.array(values) for name, values in columns.items()}
    inputs |= {name: np.array(value) for name, value in (("month", 2), ("members", 1), ("seed", 0))}
    with pytest.raises(InvalidInput) as refused:
        AnalysisModel("gp", SharedPrior()).predict(inputs, cancelled=never, progress=silent)
    violation = refused.value.violations[0]
    assert violation.field == "observations"
    assert violation.received == "all rejected: 1 outside the ocean, 1 failed the background check"
