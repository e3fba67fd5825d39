"""POST /v1/ocean:evaluate and GET /v1/ocean/methods."""

from __future__ import annotations

import json
from typing import Any

import httpx

EXPECTED_ERROR = {"guidance": 1.0, "reconstruction": 3.0, "total": 2.5}


def test_scores_are_answered_by_method(client: httpx.Client, ocean: Any) -> None:
    asked = {"month": 8, "profiles": 500, "seed": 3, "methods": ["gp", "oi"], "members": 4}
    answer = client.post("/v1/ocean:evaluate", json=asked)
    scores = answer.json()["echo"]
    assert scores["masked"] == scores["all_cells"] == EXPECTED_ERROR
    assert scores["spread_skill"] is None  # the service did not say
    assert scores["crps"] is None  # JSON has no NaN
    request = ocean.calls[-1][1]
    assert (request.month, request.profiles, request.seed, request.members) == (8, 500, 3, 4)
    assert list(request.methods) == ["gp", "oi"]
    assert not request.HasField("observed")


def test_what_is_left_out_is_as_in_the_sdk(client: httpx.Client, ocean: Any) -> None:
    client.post("/v1/ocean:evaluate", json={"month": 2, "observed": 0.075})
    request = ocean.calls[-1][1]
    assert (request.observed, request.seed, request.members, list(request.methods)) == (0.075, 0, 8, [])
    assert (request.steps, request.weights) == (0, "")


def test_steps_and_weights_reach_the_service(client: httpx.Client, ocean: Any) -> None:
    client.post("/v1/ocean:evaluate", json={"month": 2, "observed": 0.075, "steps": 20, "weights": "north"})
    request = ocean.calls[-1][1]
    assert (request.steps, request.weights) == (20, "north")


def test_events_end_with_the_scores(client: httpx.Client) -> None:
    asked = {"month": 2, "observed": 0.075}
    answer = client.post("/v1/ocean:evaluate", json=asked, headers={"Accept": "text/event-stream"})
    first, last = answer.text.strip().split("\n\n")
    assert first == 'event: progress\ndata: {"fraction": 0.5, "message": "echo"}'
    assert last.startswith("event: result\n")
    assert json.loads(last.partition("data: ")[2]) == client.post("/v1/ocean:evaluate", json=asked).json()


def test_methods_and_their_grid(client: httpx.Client) -> None:
    answer = client.get("/v1/ocean/methods")
    assert answer.json() == {
        "methods": [
            {"name": "echo", "description": "Gives the observations' mean back.", "ensemble": False, "learned": True}
        ],
        "depth": [0.0, 100.0],
        "lat": [-10.0, 10.0],
        "lon": [90.0, 180.0, 270.0],
    }
