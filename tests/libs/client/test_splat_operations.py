"""A fit from the caller's side: sent, submitted, followed, fetched and cancelled, with real jobs and artifacts."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import any_pb2
from sqlalchemy import Engine
from typer import Exit

from tellurion.splat.v1 import splat_pb2, splat_pb2_grpc
from tellurion_client import Cancelled, Conflict, InvalidInput, NotFound
from tellurion_client.cli.main import run
from tellurion_client.cli.waiting import going_on
from tellurion_core.artifact_service import service as artifact_service
from tellurion_core.artifacts import ArtifactStore
from tellurion_core.errors import InvalidInput as Refused
from tellurion_core.jobs.claims import Claim, Claims
from tellurion_core.jobs.operations import operation_name
from tellurion_core.jobs.operations import services as operation_services
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.jobs.store import JobStore
from tellurion_core.server import Service

KIND = "splat.fit"
NONE = "splat/operations/" + "0" * 32


class Fits(splat_pb2_grpc.SplatServiceServicer):
    """The service with real jobs and artifacts; what comes of a fit is said by the test."""

    def __init__(self, engine: Engine, folder: Path, serve: Callable[..., Any], until: Callable[..., None]) -> None:
        self._until = until
        self.asked: list[Any] = []
        """Every request that came."""
        self.jobs, self.claims = JobStore(engine), Claims(engine, JobSettings(), "worker")
        self.artifacts = ArtifactStore(folder)
        self.served = serve(self._services)
        self.client = self.served.client.splat

    def begin(self) -> Claim:
        """Has a worker begin the fit that waits, or that comes: a scene has to be sent before."""
        claims: list[Claim | None] = []
        self._until(lambda: claims.append(self.claims.claim([KIND])) or claims[-1], seconds=30)
        claim = claims[-1]
        assert claim is not None
        return claim

    def stored(self, data: bytes) -> str:
        return self.artifacts.put("local", [data], media_type="text/plain", name="file", keep=None).id

    def tell(self, claim: Claim, fraction: float, message: str) -> None:
        """Tells how far the fit has come."""
        assert not self.claims.renew(claim, fraction, message)

    def finish(self, claim: Claim, **report: Any) -> None:
        """Has the fit succeed with a model of some bytes."""
        packed = any_pb2.Any()
        packed.Pack(splat_pb2.FitReport(model=self.stored(b"ply of a model"), gaussians=7, seconds=3, **report))
        self.claims.succeed(claim, packed.SerializeToString())

    async def Fit(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.asked.append(request)
        body = any_pb2.Any()
        body.Pack(request.spec)
        job = self.jobs.submit(
            tenant="local",
            subject="local",
            kind=KIND,
            request_id=request.request_id,
            body=body.SerializeToString(),
            priority=request.priority,
        )
        return splat_pb2.FitResponse(operation=operation_name(job))

    def _services(self) -> list[Service]:
        register = splat_pb2_grpc.add_SplatServiceServicer_to_server
        return [
            Service("tellurion.splat.v1.SplatService", register, self),
            *operation_services("splat", self.jobs, [KIND]),
            artifact_service(self.artifacts, keep=timedelta(days=30)),
        ]


@pytest.fixture
def fits(
    engine: Engine,
    tmp_path_factory: pytest.TempPathFactory,
    serve: Callable[..., Any],
    until: Callable[..., None],
) -> Fits:
    return Fits(engine, tmp_path_factory.mktemp("fits"), serve, until)


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    (tmp_path / "scene" / "images").mkdir(parents=True)
    (tmp_path / "scene" / "transforms.json").write_text("{}")
    (tmp_path / "scene" / "images" / "a.png").write_bytes(b"pixels")
    return tmp_path / "scene"


@pytest.fixture
def command(
    fits: Fits, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs `tellurion splat …` on the service: exit code, stdout, stderr."""
    monkeypatch.setenv("TELLURION_URL", fits.served.url)

    def ran(*arguments: object) -> tuple[int, str, str]:
        code = run(["splat", *map(str, arguments)])
        return code, *capsys.readouterr()

    return ran


def test_a_scene_is_sent_once_and_a_fit_of_it_submitted(fits: Fits, scene: Path) -> None:
    (scene / "clean").mkdir()
    (scene / "mono").mkdir()
    operation = fits.client.submit(scene, mode="3dgs", iterations=100, seed=5, priority=1)
    again = fits.client.submit(scene, clean_folder="clean", depth_folder="mono", variant="released", all_views=True)
    assert operation.name != again.name
    first, second = fits.asked
    assert (first.spec.mode, first.spec.iterations, first.spec.seed, first.priority) == (
        splat_pb2.MODE_3DGS, 100, 5, 1
    )  # fmt: skip
    assert (second.spec.clean_folder, second.spec.depth_folder, second.spec.all_views) == ("clean", "mono", True)
    assert (second.spec.mode, second.spec.variant) == (splat_pb2.MODE_REF_UNLOCK, splat_pb2.VARIANT_RELEASED)
    assert first.spec.scene == second.spec.scene
    with fits.artifacts.open("local", first.spec.scene) as file, zipfile.ZipFile(io.BytesIO(file.read())) as archive:
        assert archive.namelist() == ["images/a.png", "transforms.json"]


def test_a_folder_that_the_scene_has_not_is_named_before_anything_is_sent(fits: Fits, scene: Path) -> None:
    with pytest.raises(InvalidInput, match="depth_folder: received no folder mono in"):
        fits.client.submit(scene, depth_folder="mono")
    assert not fits.asked


def test_the_same_request_id_is_the_same_fit(fits: Fits, scene: Path) -> None:
    name = fits.client.submit(scene, request_id="one").name
    assert fits.client.submit(scene, request_id="one").name == name
    with pytest.raises(Conflict):
        fits.client.submit(scene, request_id="one", seed=9)


def test_what_there_is_to_see_comes_while_it_goes_on(
    fits: Fits, scene: Path, tmp_path: Path, soon: Callable[..., None]
) -> None:
    operation = fits.client.submit(scene)
    claim, pictures = fits.begin(), [fits.stored(b"early"), fits.stored(b"late")]
    fits.tell(claim, 0.1, "iteration 100 of 1000, 80 Gaussians")
    previews = operation.previews(timeout=60)
    fits.tell(claim, 0.2, f"iteration 200 of 1000, 90 Gaussians, preview {pictures[0]}")
    assert next(previews) == (0.2, pictures[0])
    fits.tell(claim, 0.3, f"iteration 300 of 1000, 95 Gaussians, preview {pictures[0]}")
    fits.tell(claim, 0.4, f"iteration 400 of 1000, 99 Gaussians, preview {pictures[1]}")
    assert next(previews) == (0.4, pictures[1])
    told: list[str] = []
    soon(fits.finish, claim, after=0.5)
    operation.result(progress=lambda _, message: told.append(message), timeout=60)
    assert told[0] == "iteration 400 of 1000, 99 Gaussians"  # a sum says nothing to a person
    assert [*previews] == []
    operation.download(pictures[1], tmp_path / "preview.png")
    assert (tmp_path / "preview.png").read_bytes() == b"late"


def test_the_model_is_written_when_the_fit_is_done(
    fits: Fits, scene: Path, tmp_path: Path, soon: Callable[..., None]
) -> None:
    soon(lambda: fits.finish(fits.begin(), psnr_held_out=27.5, losses={"image": 0.25}, version="1.2"), after=0.5)
    report = fits.client.fit(scene, tmp_path / "scene.ply", timeout=60)
    assert (report.gaussians, report.psnr_held_out, report.losses) == (7, 27.5, {"image": 0.25})
    assert report.version == "1.2"
    assert (tmp_path / "scene.ply").read_bytes() == b"ply of a model"


def test_a_timeout_is_of_all_that_a_fit_takes(
    fits: Fits, scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock goes on ten seconds whenever it is looked at."""
    ticks, given = count(0, 10), []

    def awaited(*_: object, timeout: float, **__: object) -> None:
        given.append(timeout)

    monkeypatch.setattr("tellurion_client.options.monotonic", lambda: float(next(ticks)))
    monkeypatch.setattr("tellurion_client.splat_operation.FitOperation.awaited", awaited)
    fits.client.fit(scene, tmp_path / "scene.ply", timeout=1000)
    # The clock is begun for the fit and for its submission, and looked at for the scene and for the request.
    assert given == [1000 - 40]


def test_what_is_not_there_is_found_before_anything_is_sent(fits: Fits, scene: Path, tmp_path: Path) -> None:
    (tmp_path / "scene.ply").write_bytes(b"ply")
    model, none = tmp_path / "scene.ply", tmp_path / "none"
    for field, ask in (
        ("cameras", lambda: fits.client.render(model, none / "transforms.json")),
        ("cameras", lambda: fits.client.edit(model, none / "transforms.json", masks=scene / "images")),
        ("model", lambda: fits.client.edit(none / "a.ply", scene / "transforms.json", masks=scene / "images")),
        ("masks", lambda: fits.client.edit(model, scene / "transforms.json", masks=none)),
        ("scene", lambda: fits.client.evaluate(model, none)),
    ):
        with pytest.raises(InvalidInput, match=f"^{field}: received nothing"):
            ask()
    assert [*fits.artifacts.list("local")] == []


def test_a_fit_that_nobody_waits_for_any_more_is_cancelled(fits: Fits, scene: Path, tmp_path: Path) -> None:
    def interrupted(fraction: float, message: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fits.client.fit(scene, tmp_path / "scene.ply", progress=interrupted)
    (job,) = fits.jobs.list("local", kinds=[KIND], page_size=10)[0]
    assert job.state.name == "CANCELLED"
    assert not (tmp_path / "scene.ply").exists()


def test_what_became_of_it_is_raised(fits: Fits, scene: Path) -> None:
    operation = fits.client.submit(scene)
    fits.claims.fail(fits.begin(), Refused.of("scene.images", received="one image", accepted="at least two"))
    with pytest.raises(InvalidInput, match=r"scene\.images: received one image; accepted: at least two"):
        operation.result(timeout=60)
    operation = fits.client.submit(scene)
    operation.cancel()
    with pytest.raises(Cancelled):
        operation.result(timeout=60)
    with pytest.raises(NotFound):
        fits.client.operation(NONE).result(timeout=60)
    with pytest.raises(InvalidInput, match="name: received ocean/operations/x"):
        fits.client.operation("ocean/operations/x")


def test_the_command_submits_leaves_alone_and_fetches(
    fits: Fits, command: Callable[..., tuple[int, str, str]], scene: Path, tmp_path: Path
) -> None:
    code, out, err = command("fit", scene, "--detach", "--iterations", 50, "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document == {"operation": document["operation"], "mode": "ref-unlock"}
    fits.finish(fits.begin(), psnr_held_out=20.0, spec=splat_pb2.FitSpec(mode=2, variant=2, iterations=50, seed=4))
    target = tmp_path / "scene.ply"
    code, out, err = command("fetch", document["operation"], "-o", target, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert (told["output"], told["operation"], told["gaussians"]) == (str(target), document["operation"], 7)
    assert (told["psnr_held_out"], told["seconds"]) == (20.0, 3.0)
    assert [told[name] for name in ("mode", "variant", "iterations", "seed")] == ["3dgs", "fixed", 50, 4]
    assert target.read_bytes() == b"ply of a model"
    code, out, _ = command("fetch", document["operation"], "-o", target)
    assert (code, out) == (0, f"{target}: 7 Gaussians in 3 s, PSNR of held-out views 20.00 dB\n")


def test_the_command_says_what_failed(
    fits: Fits, command: Callable[..., tuple[int, str, str]], scene: Path, tmp_path: Path, soon: Callable[..., None]
) -> None:
    fault = Refused.of("scene.images", received="one image", accepted="at least two")
    soon(lambda: fits.claims.fail(fits.begin(), fault), after=0.5)
    code, out, err = command("fit", scene, "-o", tmp_path / "scene.ply", "--json")
    assert (code, out) == (2, "")
    assert err.endswith("\ntellurion: scene.images: received one image; accepted: at least two\n")
    assert not (tmp_path / "scene.ply").exists()


def test_ctrl_c_ends_the_waiting_and_not_the_fit(
    fits: Fits,
    command: Callable[..., tuple[int, str, str]],
    scene: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tellurion_client.splat_operation.FitOperation.result", interrupted)
    code, out, err = command("fit", scene, "-o", tmp_path / "scene.ply")
    assert (code, out) == (1, "")
    (job,) = fits.jobs.list("local", kinds=[KIND], page_size=10)[0]
    name = f"splat/operations/{job.id}"
    assert job.state.name == "QUEUED"
    assert f"`tellurion splat fetch {name} -o {tmp_path / 'scene.ply'}` fetches it" in err
    assert f"`tellurion operations cancel {name}` cancels it" in err


def test_ctrl_c_without_a_platform_says_that_the_fit_stops(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Exit), going_on({NONE: "tellurion splat fetch"}, state=Path("s"), lasting=False):
        raise KeyboardInterrupt
    said = (
        f"tellurion: {NONE} stops here: `tellurion splat fetch` goes on with it, "
        f"`tellurion operations cancel {NONE} --state s`"
    )
    assert capsys.readouterr().err == f"{said} cancels it\n"
