"""A fit that is submitted is an operation, and its job stores the model that the library fits."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asking import Asked
from google.longrunning import operations_pb2
from google.protobuf import any_pb2
from PIL import Image
from sqlalchemy import Engine

from tellurion.splat.v1 import splat_pb2
from tellurion_core.errors import Cancelled, Conflict, DataCorrupted, InvalidInput, NotFound, Unavailable
from tellurion_core.jobs.claims import Claim, Claims
from tellurion_core.jobs.database import open_engine
from tellurion_core.jobs.running import job_function
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.jobs.store import JobStore
from tellurion_core.settings import StateSettings
from tellurion_core.status import rpc_errors
from tellurion_splat.fit import CHECKPOINT, Fit, Fitted
from tellurion_splat.spec import FitSpec
from tellurion_splat.wire import fit_spec, resolved
from tellurion_splatting.files import encoded_gaussians, read_gaussians
from tellurion_splatting.scenes import read_scene

KIND = "splat.fit"
STEPS = 20


class Submitted(Asked):
    """The service, and what a worker on its state folder has in hand."""

    def __init__(self, served: Any, engine: Engine) -> None:
        super().__init__(served)
        self.jobs, self.claims = JobStore(engine), Claims(engine, JobSettings(), "worker")

    def submit(self, asked: splat_pb2.FitSpec | None, request_id: str = "r", priority: int = 0) -> str:
        return self.ask("Fit", splat_pb2.FitRequest(request_id=request_id, spec=asked, priority=priority)).operation

    def get(self, name: str) -> operations_pb2.Operation:
        with rpc_errors():
            return self.operations.GetOperation(operations_pb2.GetOperationRequest(name=name), timeout=30)

    def claim(self, name: str) -> Claim:
        """The job of an operation that was submitted just now, as its worker has it."""
        while (claim := self.claims.claim([KIND])) is not None:
            if name.endswith(claim.job.id):
                return claim
            self.claims.cancelled(claim)  # an earlier test left it
        raise AssertionError(f"{name} does not wait")


@pytest.fixture(scope="module")
def splat(served: Any) -> Iterator[Submitted]:
    engine = open_engine(JobSettings().database_url(StateSettings(state=served.state)))
    yield Submitted(served, engine)
    engine.dispose()


@pytest.fixture(scope="module")
def spec(splat: Submitted, scene_folder: Path) -> Callable[..., splat_pb2.FitSpec]:
    """A short fit of the painted scene."""
    scene = splat.folder(scene_folder)

    def of(**changes: Any) -> splat_pb2.FitSpec:
        usual = {"scene": scene, "iterations": STEPS, "seed": 3, "sh_degree": 1, "reflected_sh_degree": 1}
        return splat_pb2.FitSpec(**{name: value for name, value in (usual | changes).items() if value is not None})

    return of


@pytest.fixture
def run(splat: Submitted, tmp_path: Path) -> Callable[..., tuple[splat_pb2.FitReport, list[str]]]:
    """Runs the job that was claimed, as its worker would: its report, and what it told."""

    def done(claim: Claim, *, cancelled: Callable[[], bool] = lambda: False) -> tuple[splat_pb2.FitReport, list[str]]:
        told: list[tuple[float, str]] = []
        job = splat.running(tmp_path, cancelled=cancelled, progress=lambda *step: told.append(step))
        report = job_function(claim.job.kind)(any_pb2.Any.FromString(claim.job.body), job)
        assert told == sorted(told, key=lambda step: step[0])
        return report, [message for _, message in told]

    return done


def library(scene: Path, **changes: Any) -> Fitted:
    """What the library fits."""
    asked = FitSpec(
        **{
            "iterations": STEPS, "seed": 3, "sh_degree": 1, "reflected_sh_degree": 1,
        } | changes
    )  # fmt: skip
    return Fit(read_scene(scene), asked).run()


def file_of(fitted: Fitted) -> bytes:
    """The file that its model is stored as."""
    return encoded_gaussians(fitted.gaussians, ".ply")


def test_the_operation_answers_what_the_library_fits(
    splat: Submitted, spec: Any, run: Callable[..., Any], scene_folder: Path
) -> None:
    name = splat.submit(spec(clean_folder="transmitted", depth_folder="depth"), "fits")
    claim = splat.claim(name)
    packed, report = any_pb2.Any(), splat_pb2.FitReport()
    packed.Pack(run(claim)[0])
    splat.claims.succeed(claim, packed.SerializeToString())
    operation = splat.get(name)
    assert operation.done
    assert operation.response.Unpack(report)
    model = splat.bytes(report.model)
    same = library(scene_folder, clean_folder="transmitted", depth_folder="depth")
    assert model == file_of(same)
    gaussians = read_gaussians(model)
    assert gaussians.reflection is not None
    assert report.gaussians == len(gaussians) >= 300
    assert report.psnr_held_out == same.evaluation.mean("psnr")
    assert report.losses == same.losses
    assert (report.spec.mode, report.spec.variant) == (splat_pb2.MODE_REF_UNLOCK, splat_pb2.VARIANT_VIRTUAL)
    assert report.seconds > 0
    assert splat.artifacts.get("local", report.model).name == "scene.ply"


def test_plain_gaussians_have_no_reflection(
    splat: Submitted, spec: Any, run: Callable[..., Any], scene_folder: Path
) -> None:
    asked = spec(mode=splat_pb2.MODE_3DGS, reflected_sh_degree=None, all_views=True)
    report, _ = run(splat.claim(splat.submit(asked, "plain")))
    assert splat.bytes(report.model) == file_of(library(scene_folder, mode="3dgs", hold_out=False))
    assert read_gaussians(splat.bytes(report.model)).reflection is None
    assert not report.HasField("psnr_held_out")


def test_there_is_something_to_see_while_it_goes_on(splat: Submitted, spec: Any, run: Callable[..., Any]) -> None:
    report, told = run(splat.claim(splat.submit(spec(), "preview")))
    named = re.search(r"^iteration 20 of 20, .*, preview ([0-9a-f]{64})$", "\n".join(told), re.MULTILINE)
    assert named is not None
    for preview in (named[1], report.preview):
        with Image.open(io.BytesIO(splat.bytes(preview))) as image:
            assert image.format == "PNG"
            assert image.size == (3 * 40, 30)  # the image, what is transmitted, what is reflected
            assert np.asarray(image).max() > 0
    assert max(map(len, told)) <= 200  # more would be cut off, and the preview with it


def test_what_is_left_open_is_said(spec: Any) -> None:
    known = resolved(splat_pb2.FitSpec(scene="0" * 64))
    assert fit_spec(known) == FitSpec()
    assert resolved(known) == known
    assert not resolved(splat_pb2.FitSpec(mode=splat_pb2.MODE_3DGS)).HasField("reflected_sh_degree")
    assert resolved(spec(sh_degree=0, reflected_sh_degree=0)).sh_degree == 0  # a degree, not an open one
    assert fit_spec(known).hold_out
    assert not fit_spec(resolved(spec(all_views=True))).hold_out


def test_a_job_that_was_killed_goes_on_and_ends_the_same(
    splat: Submitted, spec: Any, run: Callable[..., Any], scene_folder: Path
) -> None:
    claim = splat.claim(splat.submit(spec(iterations=30), "killed"))
    looks = iter([False] * 12)
    with pytest.raises(Cancelled):
        run(claim, cancelled=lambda: next(looks, True))
    report, _ = run(claim)
    assert splat.bytes(report.model) == file_of(library(scene_folder, iterations=30))


def test_the_scene_is_not_kept_twice(splat: Submitted, spec: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    run(splat.claim(splat.submit(spec(iterations=2), "kept")))
    assert not (tmp_path / "scene").exists()


def test_a_fit_that_failed_leaves_nothing(
    splat: Submitted, spec: Any, run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failed(fitting: Fit, *_: Any) -> None:
        fitting.save()
        raise InvalidInput.of("view 003", received="nan", accepted="numbers")

    monkeypatch.setattr(Fit, "run", failed)
    with pytest.raises(InvalidInput):
        run(splat.claim(splat.submit(spec(), "failed")))
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("error", [Cancelled, Unavailable])
def test_a_fit_that_may_be_begun_again_keeps_its_checkpoint_alone(
    splat: Submitted,
    spec: Any,
    run: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
) -> None:
    """A worker that stops cancels what it gives back."""

    def stopped(fitting: Fit, *_: Any) -> None:
        fitting.save()
        raise error("stopped")

    monkeypatch.setattr(Fit, "run", stopped)
    with pytest.raises(error):
        run(splat.claim(splat.submit(spec(), f"stopped-{error.__name__}")))
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]


def test_the_last_picture_is_stored_once(splat: Submitted, spec: Any, run: Callable[..., Any]) -> None:
    report, told = run(splat.claim(splat.submit(spec(seed=8), "pictures")))
    assert set(re.findall("preview ([0-9a-f]{64})", "\n".join(told))) == {report.preview}


def test_its_truth_need_not_be_any(
    splat: Submitted, spec: Any, run: Callable[..., Any], scene_folder: Path, tmp_path: Path
) -> None:
    """The folder `depth` of a scene may hold pictures in colour."""
    scene = Path(shutil.copytree(scene_folder, tmp_path / "coloured"))
    for path in (scene / "depth").iterdir():
        Image.new("RGB", (40, 30)).save(path)
    report, _ = run(splat.claim(splat.submit(spec(scene=splat.folder(scene)), "coloured")))
    assert report.psnr_held_out > 0


def test_a_job_stops_where_it_is_cancelled(splat: Submitted, spec: Any, run: Callable[..., Any]) -> None:
    claim = splat.claim(splat.submit(spec(iterations=100_000), "cancelled"))
    asked = iter([False, False])
    with pytest.raises(Cancelled):
        run(claim, cancelled=lambda: next(asked, True))


def test_a_request_that_comes_again_is_the_same_operation(splat: Submitted, spec: Any) -> None:
    name = splat.submit(spec(), "again")
    assert splat.submit(spec(), "again", priority=1) == name
    assert splat.submit(spec(), "another") != name
    with pytest.raises(Conflict, match="'again'"):
        splat.submit(spec(seed=4), "again")


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no scene": ({"scene": ""}, "spec.scene"),
    "no name of a scene": ({"scene": "../scene"}, "spec.scene"),
    "more steps than there may be": ({"iterations": 100_001}, "spec.iterations"),
    "time going backwards": ({"iterations": -1}, "spec.iterations"),
    "a degree that has no harmonics": ({"sh_degree": 6}, "spec.sh_degree"),
    "a negative degree": ({"reflected_sh_degree": -1}, "spec.reflected_sh_degree"),
    "one Gaussian": ({"max_gaussians": 1}, "max_gaussians"),
    "an unknown mode": ({"mode": 9}, "mode"),
    "an unknown variant": ({"variant": 9}, "variant"),
    "a folder outside of the scene": ({"clean_folder": "../clean"}, "spec.clean_folder"),
    "a folder below a folder": ({"depth_folder": "a/b"}, "spec.depth_folder"),
    "a reflection's degree without one": ({"mode": splat_pb2.MODE_3DGS}, "reflected_sh_degree"),
    "clean images without a reflection": (
        {"mode": splat_pb2.MODE_3DGS, "reflected_sh_degree": None, "clean_folder": "clean"}, "clean_folder",
    ),
    "defects of a method that is not used": (
        {"mode": splat_pb2.MODE_3DGS, "reflected_sh_degree": None, "variant": splat_pb2.VARIANT_RELEASED}, "variant",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_its_field_and_nothing_is_submitted(splat: Submitted, spec: Any, case: str) -> None:
    changes, field = BAD[case]

    def waiting() -> list[str]:
        return [job.id for job in splat.jobs.list("local", kinds=[KIND], page_size=1000)[0]]

    before = waiting()
    with pytest.raises(InvalidInput) as caught:
        splat.submit(spec(**changes), "bad")
    assert caught.value.violations[0].field == field
    assert waiting() == before


def test_a_scene_that_is_not_there(splat: Submitted, spec: Any) -> None:
    with pytest.raises(NotFound):
        splat.submit(spec(scene="0" * 64))
    theirs = splat.put(b"theirs", "scene.zip", tenant="other")
    with pytest.raises(NotFound):
        splat.submit(spec(scene=theirs))


@pytest.mark.parametrize(("request_id", "field"), [("", "request_id"), ("a b", "request_id")])
def test_a_request_has_an_id(splat: Submitted, spec: Any, request_id: str, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        splat.submit(spec(), request_id)
    assert caught.value.violations[0].field == field


def test_another_body_is_refused(splat: Submitted, spec: Any, run: Callable[..., Any]) -> None:
    claim = splat.claim(splat.submit(spec(), "body"))
    body = any_pb2.Any()
    body.Pack(splat_pb2.FitRequest())
    forged = Claim(type(claim.job)(**(vars(claim.job) | {"body": body.SerializeToString()})), claim.token)
    with pytest.raises(DataCorrupted, match=r"tellurion\.splat\.v1\.FitRequest"):
        run(forged)
