"""What a record says of a call of another service, before it is called again."""

from __future__ import annotations

from typing import Any

import pytest

from tellurion_agent.capabilities.registry import CAPABILITIES
from tellurion_agent.laboratory.errand import check
from tellurion_core.errors import InvalidInput

RECONSTRUCT, SCORE = CAPABILITIES["ocean.reconstruct"], CAPABILITIES["benchmark.score"]
OPTIONS = {"month": 2, "method": "climatology", "members": 2, "seed": 0}
PLACES = {"observations": ["lab/obs.nc"]}


def test_what_a_run_has_written_is_done_again() -> None:
    check(RECONSTRUCT, OPTIONS, PLACES)


@pytest.mark.parametrize("options", [{"month": "2"}, {"members": [2]}, {"method": "rm -rf"}, {"folder": "/"}])
def test_options_that_nobody_can_say_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=rf"record\.slots\.{next(iter(options))}"):
        check(RECONSTRUCT, OPTIONS | options, PLACES)


@pytest.mark.parametrize("places", [None, [], "lab/obs.nc", [1], {"a": "b"}])
def test_places_that_are_none_are_refused(places: Any) -> None:
    with pytest.raises(InvalidInput, match=r"record\.sources\.observations"):
        check(RECONSTRUCT, OPTIONS, {"observations": places})


def test_inputs_that_there_are_not_and_what_is_lacking_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"record\.sources\.other"):
        check(RECONSTRUCT, OPTIONS, PLACES | {"other": ["lab/obs.nc"]})
    with pytest.raises(InvalidInput, match="no observations"):
        check(RECONSTRUCT, OPTIONS, {})
    with pytest.raises(InvalidInput, match="no suite"):
        check(SCORE, {}, {})
