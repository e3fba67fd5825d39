"""The gateway in front of the real ocean service: the whole way from bytes over HTTPS to an analysis."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import netCDF4
import numpy as np
import pytest

from tellurion_client.options import LEARNED, METHODS

URL = "/v1/ocean:reconstruct"
SOUTHERN_ATLANTIC = {
    "latitude": [-30.0, -30.0, -20.0, -20.001, -25.0],
    "longitude": [-20.0, -20.0, -10.0, -10.001, -15.0],
    "depth": [10.0, 200.0, 10.0, 10.0, 10.0],
    "temperature": [24.0, 16.5, 25.0, 25.2, 80.0],
    "uncertainty": [0.01, 0.01, 0.01, None, 0.01],
    "units": "degC",
}
"""A profile, two observations at one place, and one that no sea is as warm as."""


@pytest.fixture(scope="module")
def ocean_process(serving: Callable[[str], AbstractContextManager[Any]]) -> Iterator[str]:
    """The address of an ocean service."""
    with serving("ocean") as running:
        yield running.address


@pytest.fixture(scope="module")
def real(start_gateway: Callable[..., Any], ocean_process: str) -> httpx.Client:
    """A client of a gateway in front of that service."""
    return start_gateway(ocean_address=ocean_process).client


def body(**options: Any) -> dict[str, Any]:
    return {"method": "oi", "month": 2, "members": 2, "seed": 5, "observations": SOUTHERN_ATLANTIC, **options}


def test_the_methods_of_the_contract_are_listed_on_the_atlas_grid(real: httpx.Client) -> None:
    answer = real.get("/v1/ocean/methods").json()
    assert tuple(method["name"] for method in answer["methods"]) == METHODS
    assert tuple(method["name"] for method in answer["methods"] if method["learned"]) == LEARNED
    assert (len(answer["depth"]), len(answer["lat"]), len(answer["lon"])) == (19, 90, 180)
    assert real.get("/readyz").json() == {"status": "ready"}


def test_an_analysis_follows_an_observation_and_is_surer_near_it(real: httpx.Client, tmp_path: Path) -> None:
    def analysis(method: str, temperature: float) -> netCDF4.Dataset:
        one = {
            "latitude": [-29.0],
            "longitude": [-19.0],
            "depth": [10.0],
            "temperature": [temperature],
            "units": "degC",
        }
        asked = body(method=method, observations=one)
        answer = real.post(URL, json=asked, headers={"Accept": "application/x-netcdf"})
        (tmp_path / f"{method}.nc").write_bytes(answer.content)
        return netCDF4.Dataset(tmp_path / f"{method}.nc")

    with analysis("climatology", 24.0) as prior:
        assert prior["thetao"].shape == (19, 90, 180)
        assert prior["thetao_member"].shape == (2, 19, 90, 180)
        assert (prior.method, prior.seed) == ("climatology", 5)
        level, row = np.abs(prior["depth"][:] - 10).argmin(), np.abs(prior["lat"][:] + 29).argmin()
        observed, indian = (np.abs(prior["lon"][:] - east).argmin() for east in (341, 80))
        expected = float(prior["thetao"][level, row, observed])
        before = prior["thetao_std"][level, row]
    with analysis("oi", expected + 1.0) as oi:
        assert expected + 0.5 < oi["thetao"][level, row, observed] < expected + 1.0
        surer = oi["thetao_std"][level, row] / before
        assert surer[observed] < 0.7 * surer[indian]


@pytest.mark.slow
def test_a_learned_method_says_its_steps_and_weights(real: httpx.Client) -> None:
    told = real.post(URL, json=body(method="posterior", steps=2), timeout=300).json()
    assert (told["method"], told["steps"]) == ("posterior", 2)
    assert len(told["weights_sha256"]) == 64
    classical = real.post(URL, json=body()).json()
    assert (classical["steps"], classical["weights_sha256"]) == (0, "")


def test_weights_that_are_not_registered_are_not_found(real: httpx.Client) -> None:
    learned = {"methods": ["posterior"], "weights": "nonesuch"}
    for path, asked in (
        (URL, body(method="posterior", weights="nonesuch")),
        ("/v1/ocean:evaluate", {"month": 2, "observed": 0.075, **learned}),
    ):
        answer = real.post(path, json=asked)
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
        assert answer.json()["detail"] == "there are no weights nonesuch for ocean; registered: none"


def test_duplicates_and_wild_values_are_handled_and_reported(real: httpx.Client) -> None:
    told = real.post(URL, json=body()).json()["observations"]
    assert told["received"] == 5
    assert (told["used"], told["merged"], told["rejected"]) == (4, 1, 1)
    assert sum(told["rejected_by_reason"].values()) == 1


def test_the_same_input_and_seed_give_the_same_bytes(real: httpx.Client) -> None:
    first, second, other = (real.post(URL, json=body(seed=seed)).json()["artifact"]["id"] for seed in (5, 5, 6))
    assert first == second != other


def test_progress_grows_and_ends_in_the_result(real: httpx.Client) -> None:
    answer = real.post(URL, json=body(), headers={"Accept": "text/event-stream"})
    events = [event.split("\n") for event in answer.text.strip().split("\n\n") if not event.startswith(":")]
    assert [name for name, _ in events][-1] == "event: result"
    assert {name for name, _ in events[:-1]} == {"event: progress"}
    fractions = [json.loads(data.removeprefix("data: "))["fraction"] for _, data in events[:-1]]
    assert fractions == sorted(fractions)


@pytest.mark.parametrize(
    ("path", "asked", "field"),
    [
        (URL, body(method="nonesuch"), "method"),
        (URL, body(steps=20), "steps"),
        (URL, body(weights="north"), "weights"),
        ("/v1/ocean:evaluate", {"month": 2, "observed": 0.075, "methods": ["oi"], "steps": 20}, "steps"),
        ("/v1/ocean:evaluate", {"month": 3, "observed": 0.075}, "month"),
        ("/v1/ocean:evaluate", {"month": 2, "observed": 0.075, "methods": ["nonesuch"]}, "methods"),
    ],
)
def test_what_only_the_service_can_refuse(real: httpx.Client, path: str, asked: dict[str, Any], field: str) -> None:
    answer = real.post(path, json=asked)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"].startswith(field)


def test_the_climatology_reaches_its_reference_in_both_conventions(real: httpx.Client) -> None:
    asked = {"month": 2, "observed": 0.075, "seed": 1, "methods": ["climatology"], "members": 2}
    scores = real.post("/v1/ocean:evaluate", json=asked).json()["climatology"]
    masked, every = scores["masked"], scores["all_cells"]
    assert masked["reconstruction"] < 1.1 * 0.165  # °C², two harmonics
    selected = {cells: every[cells] / masked[cells] for cells in ("guidance", "reconstruction")}
    assert selected["guidance"] / selected["reconstruction"] == pytest.approx(0.075 / 0.925, rel=1e-3)
    assert masked["total"] == pytest.approx(0.075 * masked["guidance"] + 0.925 * masked["reconstruction"], rel=1e-3)
