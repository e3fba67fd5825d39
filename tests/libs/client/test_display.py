"""What commands print for programs is JSON as every parser reads it."""

from __future__ import annotations

import json
import math

import pytest

from tellurion_client.cli.display import json_line


def test_a_number_that_is_not_finite_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    json_line({"psnr": math.inf, "views": [{"psnr": -math.inf}, (math.nan, 1.5)], "name": "a", "none": None})
    printed = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert printed == {"psnr": None, "views": [{"psnr": None}, [None, 1.5]], "name": "a", "none": None}
