"""NVIDIA Triton on a free port, as nvidia-pytriton carries it; its models run with the interpreter of the tests."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from contextlib import suppress
from pathlib import Path

import grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc

from tellurion_core.predictor import Described
from tellurion_core.triton_serving.repository import write_model

INSTALLED = Path(__file__).parents[1] / ".cache" / "triton"
START_SECONDS = 100


def write_module_model(model: Described, repository: Path, module: Path) -> None:
    """Writes a model that a function `installed` of a module answers, as if a distribution had it."""
    found = repository.parent / "installed"
    described = found / f"{module.stem}-0.dist-info"
    described.mkdir(parents=True, exist_ok=True)
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module.stem}\nVersion: 0\n")
    (described / "entry_points.txt").write_text(f"[tellurion.models]\n{module.stem} = {module.stem}:installed\n")
    write_model(model, repository)
    file = repository / model.name / "1" / "model.py"
    # The backend's interpreter reads no PYTHONPATH.
    file.write_text(f"import sys\n\nsys.path += {[str(found), str(module.parent)]!r}\n{file.read_text()}")


class Triton:
    """A server of one repository; `folder` takes its backend and its log."""

    def __init__(self, repository: Path, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        self.log = folder / "triton.log"
        self._port, self._repository, self._folder = port, repository, folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = START_SECONDS) -> None:
        """Returns when every model is ready; raises RuntimeError where that takes longer."""
        server = INSTALLED / "pytriton" / "tritonserver"
        backend = self._folder / "backends" / "python"
        backend.mkdir(parents=True, exist_ok=True)
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        stub = server / "python_backend_stubs" / version / "triton_python_backend_stub"
        for file in (*(server / "backends" / "python").iterdir(), stub):
            if not (link := backend / file.name).exists():
                link.symlink_to(file)
        # The stub is linked with the interpreter's library, and runs what the first python3 of PATH has installed.
        libraries = f"{sysconfig.get_config_var('LIBDIR')}:{INSTALLED / 'nvidia_pytriton.libs'}"
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    server / "bin" / "tritonserver",
                    f"--model-repository={self._repository}",
                    f"--backend-directory={backend.parent}",
                    "--disable-auto-complete-config",
                    "--model-control-mode=explicit",  # so that models can be unloaded
                    "--load-model=*",
                    "--allow-http=false",
                    "--allow-metrics=false",
                    "--grpc-address=127.0.0.1",
                    f"--grpc-port={self._port}",
                    "--exit-timeout-secs=5",
                ],
                env={**os.environ, "LD_LIBRARY_PATH": libraries, "PATH": path, "OMP_NUM_THREADS": "1"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._await_ready(self._process, seconds)

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to the server and to the processes of its models."""
        assert self._process is not None
        os.killpg(self._process.pid, number)

    def stop(self) -> None:
        """Ends the server, and its models with it."""
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(20)
            with suppress(ProcessLookupError):  # what is left of it: a model that was at work outlives its server
                self.send(signal.SIGKILL)
            self._process.wait()

    def _await_ready(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        with grpc.insecure_channel(self.address, [("grpc.max_reconnect_backoff_ms", 500)]) as channel:
            stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
            while process.poll() is None and time.monotonic() < deadline:
                try:
                    if stub.ServerReady(service_pb2.ServerReadyRequest(), timeout=1).ready:
                        return
                except grpc.RpcError:
                    pass
                time.sleep(0.25)
        self.stop()
        raise RuntimeError(self.log.read_text(errors="replace")[-4000:])
