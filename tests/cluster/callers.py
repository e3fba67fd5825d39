"""A caller of the gateway over HTTPS, and a steady load of several of them."""

from __future__ import annotations

import hashlib
import json
import ssl
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
from google.protobuf.json_format import MessageToDict

from tellurion.ocean.v1 import ocean_pb2
from tellurion_core.tensors import encode

NAME = "tellurion-gateway"
"""Of the gateway's Service, and on its certificate."""
OBSERVATIONS = {
    "latitude": [-50.5, -40.0, -30.0, -20.5, -10.0, 0.0, 10.0, 20.0, 30.0, 40.0],
    "longitude": [-30.0, -30.0, -30.0, -30.0, 160.0, 160.0, 160.0, 160.0, 160.0, 160.0],
    "depth": [10.0] * 10,
    "temperature": [8.0, 14.5, 21.5, 25.4, 29.0, 29.3, 28.0, 26.5, 19.5, 11.0],
}
"""A February in °C, as `helm test` has it."""
TRUTHFUL = (429, 503)
"""Statuses that say that the platform cannot now: something is full, or away. Asking again later is right."""


class Untrue(Exception):
    """An answer that should not have been."""


class Caller:
    """Whoever has a key; `address` says where the gateway is now, and is asked before each request."""

    def __init__(self, address: Callable[[], str], certificate: bytes, key: str) -> None:
        self._address = address
        trust = ssl.create_default_context(cadata=certificate.decode())
        headers = {"Authorization": f"Bearer {key}"}
        self._client = httpx.Client(verify=trust, headers=headers, timeout=120, trust_env=False)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """An answer, whatever its status. Raises httpx.TransportError where none came."""
        extensions = {"sni_hostname": NAME}  # the name that the certificate is held to, whatever the pod's address
        return self._client.request(method, f"https://{self._address()}{path}", extensions=extensions, **more)

    def analysis(self) -> httpx.Response:
        """A reconstruction at once, as NetCDF."""
        observations = {"units": "degC", **OBSERVATIONS}
        body = {"method": "eof_oi", "month": 2, "seed": 5, "observations": observations}
        return self.ask("POST", "/v1/ocean:reconstruct", json=body, headers={"Accept": "application/x-netcdf"})

    def submit(self, request: str, method: str = "eof_oi") -> httpx.Response:
        """Submits the same as long work; the same request again is the same work."""
        spec = ocean_pb2.ReconstructSpec(method=method, month=2, members=1, seed=5)
        submission = ocean_pb2.ReconstructionSubmission(request_id=request, spec=spec)
        messages = [MessageToDict(ocean_pb2.CreateReconstructionRequest(submission=submission))]
        for name, values in OBSERVATIONS.items():
            parts = encode(name, np.asarray(values))
            messages += [MessageToDict(ocean_pb2.CreateReconstructionRequest(tensor=part)) for part in parts]
        return self.ask("POST", "/v1/ocean/reconstructions", json=messages)

    def operation(self, name: str) -> dict[str, Any]:
        """Long work as it stands. Raises httpx.HTTPStatusError where the gateway refuses to say."""
        answer = self.ask("GET", f"/v1/{name}").raise_for_status()
        return dict(answer.json())

    def done(self, name: str, seconds: float) -> str:
        """SHA-256 of the analysis that long work made. Raises Untrue where it failed, or takes longer."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                operation = self.operation(name)
            except httpx.HTTPError:
                operation = {}
            if "error" in operation:
                raise Untrue(f"{name} failed: {operation['error']}")
            if operation.get("done"):
                return str(operation["response"]["analysis"])
            time.sleep(1)
        raise Untrue(f"{name} is not done after {seconds} s")


class Load:
    """Requests without pause by one thread, and long work every few seconds by another, until the block ends.

    What came is counted: `answers` by status, 0 where the connection broke; `wrong` has what should not have been.
    """

    def __init__(self, caller: Caller, analysis: str, every: float = 5.0) -> None:
        self.answers: Counter[int] = Counter()
        self.refused: list[str] = []
        self.wrong: list[str] = []
        self.operations: list[str] = []
        self._caller, self._analysis, self._every = caller, analysis, every
        self._end = threading.Event()
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._ask, self._submit)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._end.wait(0.2):
            try:
                answer = self._caller.analysis()
            except Exception as error:  # noqa: BLE001 -- whatever it is, it is counted
                self._failed(0, repr(error))
                continue
            self._counted(answer)
            if answer.status_code == 200 and content_of(answer) != self._analysis:
                self.wrong.append(f"an analysis is {content_of(answer)}, and was {self._analysis}")

    def _submit(self) -> None:
        """A request is sent again with its id until it is taken, as callers are told to."""
        while not self._end.is_set():
            request = uuid.uuid4().hex
            while not self._end.is_set():
                try:
                    answer = self._caller.submit(request)
                except Exception as error:  # noqa: BLE001
                    self._failed(0, repr(error))
                else:
                    self._counted(answer)
                    if answer.status_code == 200:
                        self.operations.append(answer.json()["operation"])
                        break
                time.sleep(1)
            self._end.wait(self._every)

    def _counted(self, answer: httpx.Response) -> None:
        self.answers[answer.status_code] += 1
        if answer.status_code in TRUTHFUL:
            self.refused.append(answer.text[:300])
        elif answer.status_code != 200:
            self.wrong.append(f"{answer.status_code}: {answer.text[:500]}")

    def _failed(self, status: int, said: str) -> None:
        self.answers[status] += 1
        self.refused.append(said[:300])


def content_of(answer: httpx.Response) -> str:
    """What tells an analysis from another."""
    return hashlib.sha256(answer.content).hexdigest()


def key_of(said: str) -> str:
    """The key in what `tellurion keys create --json` prints."""
    return str(json.loads(said)["key"])
