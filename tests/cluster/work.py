"""What users ask of each service but the ocean, by commands that come through the gateway."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from tellurion_client import AtmosphereObservations, SigmaGrid, Times
from tellurion_geo import write_atmosphere_observations, write_states

from ..services.benchmark.data_files import write_dataset
from ..services.splat.painted_scene import write_scene
from .cluster import Cluster

TELLURION = Path(sys.executable).with_name("tellurion")
QUESTION = "What is the linear trend of sea surface temperature from 1981 to 2010, in degrees per decade?"
RATE = 0.2
"""The answer."""
DAY = ("hours since 2001-01-01", "standard")


@dataclass(frozen=True)
class User:
    """Somebody with a key and a folder."""

    folder: Path
    environment: Mapping[str, str]

    def asks(self, *words: object) -> Any:
        """What a command prints as JSON. Raises AssertionError where it fails."""
        command = [str(word) for word in (TELLURION, *words, "--json")]
        environment = {**os.environ, **self.environment}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return json.loads(done.stdout)


@contextmanager
def user(cluster: Cluster, key: str, folder: Path) -> Iterator[User]:
    """One whose commands reach the gateway by a name that its certificate has."""
    trusted = folder / "tls.crt"
    trusted.write_bytes(cluster.certificate())
    listening = "TCP-LISTEN:0,bind=127.0.0.1,fork,reuseaddr"
    command = ["socat", "-d", "-d", listening, f"TCP:{cluster.gateway()}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as forwarding:
        assert forwarding.stderr is not None
        port = next(line for line in forwarding.stderr if "listening on" in line).rpartition(":")[2].strip()
        threading.Thread(target=forwarding.stderr.read, daemon=True).start()  # a pipe that is full would stop it
        settings = {"URL": f"https://localhost:{port}", "API_KEY": key, "TLS_CA": trusted, "STATE": folder / "none"}
        try:
            yield User(folder, {f"TELLURION_{name}": str(value) for name, value in settings.items()})
        finally:
            forwarding.kill()


def assimilation(user: User) -> None:
    """An analysis of the atmosphere by twenty members, and a twin experiment."""
    random, grid = np.random.default_rng(1), SigmaGrid([0.2, 0.5, 0.8], np.arange(-87.0, 90, 6), np.arange(0.0, 360, 6))
    kinds = [3 * 2, 3, 1]  # winds, temperatures, pressure; in m/s, K and Pa
    middle, spread = (np.repeat(each, kinds)[:, None, None] for each in ([0.0, 280, 1e5], [3.0, 2, 300]))
    members = (middle + spread * random.normal(size=(20, *grid.shape))).astype(np.float32)
    count = 500
    observations = AtmosphereObservations(
        value=280 + random.normal(size=count),
        error=np.full(count, 0.5),
        latitude=random.uniform(-85, 85, count),
        longitude=random.uniform(0, 360, count),
        variable=np.full(count, 2, np.uint8),
        sigma=random.uniform(0.2, 0.8, count),
        time=Times(np.full(count, 12.0), *DAY),
    )
    files = {name: user.folder / f"{name}.nc" for name in ("background", "ensemble", "observations")}
    noon = Times(np.array([12.0]), *DAY)
    write_states(files["background"], grid, members.mean(axis=0), time=noon)
    write_states(files["ensemble"], grid, members.mean(axis=0), members=members, time=noon)
    write_atmosphere_observations(files["observations"], observations)
    given = [word for name, file in files.items() for word in (f"--{name}", file)]
    user.asks("assimilation", "analyse", *given, "--method", "letkf", "-o", "analysis.nc")
    assert (user.folder / "analysis.nc").stat().st_size > 10_000
    asked = ("--system", "lorenz96", "--method", "etkf", "--members", 24, "--inflation", 1.013, "--rotate")
    assert 0 < user.asks("assimilation", "twin", *asked, "--cycles", 1000, "--seed", 1)["rmse_analysis"] < 1


def pointcloud(user: User) -> None:
    """Encodings of scans, and objects in a room."""
    random = np.random.default_rng(1)
    scans = [user.folder / f"scan-{number}.npy" for number in range(4)]
    for scan in scans:
        np.save(scan, random.normal(size=(100_000, 3)))
    for model in ("mmpt", "gaussian2scene"):
        user.asks("pointcloud", "encode", *scans, "--model", model, "-o", f"{model}.npz")
        assert np.isfinite(np.load(user.folder / f"{model}.npz")["embedding"]).all()
    room = user.folder / "room.npy"
    np.save(room, random.uniform(size=(100_000, 3)) * (6, 5, 2.6))
    assert user.asks("pointcloud", "detect", room, "-o", "boxes.json")["points"] == 100_000


def splat(user: User) -> None:
    """A scene behind glass, fitted and shown without its reflection."""
    scene = write_scene(user.folder / "scene")
    user.asks("splat", "fit", scene, "-o", "scene.ply", "--iterations", 100, "--seed", 1)
    shown = ("--cameras", scene / "transforms.json", "--component", "transmitted", "-o", "frames")
    user.asks("splat", "render", "scene.ply", *shown)
    assert len(list((user.folder / "frames").glob("*.png"))) == 10


def benchmark(user: User) -> None:
    """Answers that were given elsewhere, scored."""
    data = write_dataset(user.folder / "msearth", "msearth", count=500, form="jsonl")
    questions = [json.loads(line) for line in (data / "questions.jsonl").read_text().splitlines()]
    predictions = user.folder / "predictions.jsonl"
    answers = [{"id": each["question_id"], "prediction": "B"} for each in questions]
    predictions.write_text("".join(json.dumps(answer) + "\n" for answer in answers))
    given = ("--suite", "msearth", "--data", data, "--predictions", predictions, "--judge", "none")
    user.asks("benchmark", "score", *given, "--variant", "official", "-o", "report.json")
    assert (user.folder / "report.json").stat().st_size > 1000


def agent(user: User) -> None:
    """A question about thirty years of a sea that warms."""
    months = np.arange(360)
    values = (290 + RATE * months / 120 + 3 * np.cos(2 * np.pi * months / 12))[:, None, None] + np.zeros((1, 90, 180))
    coordinates = {
        "time": xr.date_range("1981-01-01", periods=360, freq="MS"),
        "lat": ("lat", np.arange(-89.0, 90, 2), {"units": "degrees_north"}),
        "lon": ("lon", np.arange(1.0, 360, 2), {"units": "degrees_east"}),
    }
    attributes = {"standard_name": "sea_surface_temperature", "units": "K"}
    field = xr.DataArray(values.astype(np.float32), coordinates, ("time", "lat", "lon"), "tos", attributes)
    (user.folder / "sea").mkdir()
    field.to_dataset().to_netcdf(user.folder / "sea/tos.nc")
    answer = user.asks("agent", "ask", QUESTION, "--data", "sea", "--out", "run", "--yes")
    values = answer["answer"] if isinstance(answer["answer"], list) else [answer["answer"]]
    assert abs(values[0]["value"] - RATE) < 0.01


WORK: Mapping[str, Callable[[User], None]] = {
    "assimilation": assimilation,
    "pointcloud": pointcloud,
    "splat": splat,
    "benchmark": benchmark,
    "agent": agent,
}
"""By service."""
