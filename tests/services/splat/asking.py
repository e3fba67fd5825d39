"""Asks a splat service: what is stored for it, and what comes of its streams."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import crc32c
import numpy as np
from google.longrunning import operations_pb2_grpc

from tellurion.common.v1 import tensor_pb2
from tellurion.splat.v1 import splat_pb2, splat_pb2_grpc
from tellurion_core.artifacts import ArtifactStore
from tellurion_core.jobs.running import RunningJob
from tellurion_core.progress import Progress
from tellurion_core.status import rpc_errors
from tellurion_core.tensors import encode
from tellurion_splatting.files import encoded_gaussians
from tellurion_splatting.gaussians import Gaussians, Reflection

C0 = 0.28209479177387814
"""The harmonic of degree 0."""
LENS = np.array([[50, 0, 10.5], [0, 50, 7.5], [0, 0, 1.0]])
"""Its axis goes through the centre of the pixel in row 7, column 10."""
SIZE = (21, 15)


class Asked:
    """The service in its process."""

    def __init__(self, served: Any) -> None:
        self.artifacts = ArtifactStore(served.state / "artifacts")
        self.stub = splat_pb2_grpc.SplatServiceStub(served.channel)
        self.operations = operations_pb2_grpc.OperationsStub(served.channel)
        self.pid: int = served.pid

    def put(self, data: bytes, name: str, tenant: str = "local") -> str:
        """The SHA-256 of a file that the tenant now has."""
        return self.artifacts.put(tenant, [data], media_type="text/plain", name=name, keep=None).id

    def model(self, gaussians: Gaussians, suffix: str = ".ply") -> str:
        return self.put(encoded_gaussians(gaussians, suffix), f"model{suffix}")

    def folder(self, folder: Path) -> str:
        return self.put(zipped(folder), f"{folder.name}.zip")

    def bytes(self, artifact: str) -> bytes:
        with self.artifacts.open("local", artifact) as file:
            return file.read()

    def running(
        self,
        folder: Path,
        *,
        cancelled: Callable[[], bool] = lambda: False,
        progress: Progress = lambda fraction, message: None,
    ) -> RunningJob:
        """A job of the tenant's, as what does it is given it."""
        return RunningJob(
            id="0" * 32,
            tenant="local",
            subject="local",
            request_id="r",
            attempt=1,
            folder=folder,
            artifacts=self.artifacts,
            cancelled=cancelled,
            progress=progress,
        )

    def ask(self, method: str, request: Any) -> Any:
        """The answer, of a stream all of it."""
        with rpc_errors():
            answer = getattr(self.stub, method)(request, timeout=100)
            return answer if hasattr(answer, "DESCRIPTOR") else [*answer]

    def frames(self, method: str, request: Any) -> dict[str, bytes]:
        """The files that a stream brings, by their names, each whole and in its order."""
        with rpc_errors():
            return dict(files(getattr(self.stub, method)(request, timeout=100)))

    def arrays(self, model: str, cameras: splat_pb2.Cameras, component: int = 0, **more: Any) -> list[np.ndarray]:
        """The frames of a component as numbers."""
        request = splat_pb2.RenderRequest(
            model=model, cameras=cameras, component=component, format=splat_pb2.FRAME_FORMAT_NPY, **more
        )
        return [np.load(io.BytesIO(data)) for data in self.frames("Render", request).values()]


def files(responses: Any) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each frame, once it is whole."""
    header, data, number = splat_pb2.FrameHeader(), b"", 0
    for response in responses:
        if response.part.WhichOneof("part") == "header":
            assert len(data) == header.total_bytes
            header, data = response.part.header, b""
            assert header.index == number
            number += 1
        else:
            data += response.part.chunk
        if len(data) == header.total_bytes:
            assert crc32c.crc32c(data) == header.crc32c
            yield header.name, data
    assert number == header.count


def high_water(pid: int, *, anew: bool = False) -> int:
    """The most memory that a process has had so far, kB; `anew` counts from what it has now."""
    if anew:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def zipped(folder: Path) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as writer:
        for path in sorted(folder.rglob("*")):
            writer.write(path, path.relative_to(folder).as_posix())
    return file.getvalue()


def cameras(*viewmats: np.ndarray, lens: np.ndarray = LENS, size: tuple[int, int] = SIZE) -> splat_pb2.Cameras:
    """Cameras of one lens."""
    mats = np.array(viewmats or [np.eye(4)], np.float64).reshape(-1, 4, 4)
    tensors = {"viewmats": tensor(mats), "intrinsics": tensor(np.tile(lens, (len(mats), 1, 1)), "intrinsics")}
    return splat_pb2.Cameras(arrays=splat_pb2.CameraArrays(**tensors, width=size[0], height=size[1]))


def tensor(array: np.ndarray, name: str = "viewmats") -> tensor_pb2.Tensor:
    (part,) = encode(name, array)
    return part.inline


def transforms(**changes: Any) -> bytes:
    """One camera at the origin, as nerfstudio has it; a value of None leaves a field out."""
    opengl = np.diag([1.0, -1.0, -1.0, 1.0]).tolist()
    lens = {"fl_x": 50, "fl_y": 50, "cx": 10.5, "cy": 7.5, "w": SIZE[0], "h": SIZE[1]}
    frame = {"file_path": "images/only.png", "transform_matrix": opengl}
    document = {**lens, "frames": [frame], **changes}
    return json.dumps({name: value for name, value in document.items() if value is not None}).encode()


def one(
    *,
    z: float = 4.0,
    opacity: float = 0.6,
    color: tuple[float, float, float] = (0.9, 0.4, 0.2),
    reflected: tuple[float, tuple[float, float, float], float] | None = (0.5, (0.1, 0.8, 0.3), 0.25),
) -> Gaussians:
    """One Gaussian on the axis; `reflected` is its opacity, colour and weight in the reflection."""
    reflection = None
    if reflected is not None:
        reflection = Reflection(*(np.array([each]) for each in (_dc(reflected[1]), reflected[0], reflected[2])))
    return Gaussians([[0, 0, z]], [[1, 0, 0, 0]], [[0.3, 0.2, 0.1]], [opacity], [_dc(color)], reflection=reflection)


def none() -> Gaussians:
    """No Gaussian at all."""
    return one(reflected=None)[:0]


def many(count: int = 200, seed: int = 3, *, reflective: bool = True, degree: int = 1) -> Gaussians:
    """A cloud before a camera at the origin."""
    rng = np.random.default_rng(seed)
    coefficients = (degree + 1) ** 2
    reflection = Reflection(
        rng.normal(0, 0.4, (count, coefficients, 3)), rng.uniform(0.1, 0.9, count), rng.uniform(0, 1, count)
    )
    return Gaussians(
        rng.uniform([-1, -1, 2], [1, 1, 5], (count, 3)),
        rng.normal(size=(count, 4)),
        rng.uniform(0.02, 0.3, (count, 3)),
        rng.uniform(0.1, 0.9, count),
        rng.normal(0, 0.4, (count, coefficients, 3)),
        reflection=reflection if reflective else None,
    )


def _dc(color: tuple[float, float, float]) -> list[list[float]]:
    return [[(value - 0.5) / C0 for value in color]]
