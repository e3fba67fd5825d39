"""The splat service, as a client sees it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Unpack

from tellurion.splat.v1 import splat_pb2, splat_pb2_grpc
from tellurion_client.answers import reported
from tellurion_client.artifacts import ArtifactsClient
from tellurion_client.options import check_priority, check_request_id, countdown
from tellurion_client.splat_frames import Frame, SplatCameras, frames
from tellurion_client.splat_operation import SERVICE, FitOperation
from tellurion_client.splat_options import (
    FitOptions,
    check_model_suffix,
    convert_request,
    edit_request,
    fit_spec,
    render_request,
)
from tellurion_client.splat_results import Conversion, FitReport, ModelDescription, SceneDescription, SceneScores
from tellurion_client.splat_scene import IMAGES, SCENE, zipped
from tellurion_core.call import call_metadata, new_request_id
from tellurion_core.errors import InvalidInput

if TYPE_CHECKING:
    from tellurion_client.client import Client
    from tellurion_client.ocean import Progress

SceneFolder: TypeAlias = str | os.PathLike[str]
"""A folder with photographs and their cameras: nerfstudio's transforms.json, or COLMAP's sparse/0."""
SplatModel: TypeAlias = str | os.PathLike[str]
"""A file of Gaussians, .ply, .splat, .spz or .sog, or the SHA-256 of one that the service has."""
CamerasGiven: TypeAlias = str | os.PathLike[str] | SplatCameras
"""A nerfstudio transforms.json, whose images are not needed, or matrices."""

Left: TypeAlias = Callable[[], float | None]
"""See `countdown`."""

BLACK = (0.0, 0.0, 0.0)
WHITE = (1.0, 1.0, 1.0)


class SplatClient:
    """Fits scenes with reflections, renders and edits them. Got from `Client.splat`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._artifacts = ArtifactsClient(client, SERVICE)

    def fit(
        self,
        scene: SceneFolder,
        output: str | os.PathLike[str],
        *,
        progress: Progress | None = None,
        timeout: float | None = None,
        **options: Unpack[FitOptions],
    ) -> FitReport:
        """Fits Gaussians to photographs, and writes them to `output`, a PLY. Ctrl-C cancels the work.

        `options` are those of `FitOptions`. The same options, scene and seed give the same model on the same machine.

        Raises:
            InvalidInput: an option or a scene that cannot be used, or a file that cannot be written.
            DeadlineExceeded: not done within `timeout` seconds.
            Unavailable: the service cannot be reached or started.
        """
        left = countdown(timeout)
        operation = self.submit(scene, timeout=timeout, **options)
        return operation.awaited(Path(output), progress=progress, timeout=left(), cancels=True)

    def submit(
        self,
        scene: SceneFolder,
        *,
        priority: int = 0,
        request_id: str | None = None,
        timeout: float | None = None,
        **options: Unpack[FitOptions],
    ) -> FitOperation:
        """Has the service do what `fit` does, as long work: it goes on when the client is gone.

        `priority` is −1 for later than the tenant's other work, 1 for sooner. Submitting again under the same
        `request_id` answers the same operation; without one, each is a new one. The scene is sent once.

        Raises:
            InvalidInput: an option that cannot be used, or a folder that cannot be read.
            Conflict: the `request_id` is that of another fit.
            DeadlineExceeded: not submitted within `timeout` seconds.
            Unavailable: the service cannot be reached or started.
        """
        left = countdown(timeout)
        check_priority(priority)
        if request_id is not None:
            check_request_id(request_id)
        spec = fit_spec(options)
        for field in ("clean_folder", "depth_folder"):
            if (name := getattr(spec, field)) and Path(scene).is_dir() and not (Path(scene) / name).is_dir():
                raise InvalidInput.of(field, received=f"no folder {name} in {scene}", accepted="a folder of the scene")
        with zipped(Path(scene), SCENE, "scene") as path:
            self._client.keep_working(SERVICE)  # embedded: what does the work starts while the scene is sent
            spec.scene = self._artifacts.upload([path], timeout=left())[path]
        request = splat_pb2.FitRequest(request_id=request_id or new_request_id(), spec=spec, priority=priority)
        return self.operation(self._ask("Fit", request, left()).operation)

    def operation(self, name: str) -> FitOperation:
        """The fit that was submitted under this name; nothing is asked yet.

        Raises:
            InvalidInput: none can have the name.
        """
        return FitOperation(self._client, name)

    def render(
        self,
        model: SplatModel,
        cameras: CamerasGiven,
        *,
        component: str = "all",
        form: str = "png",
        background: Sequence[float] = BLACK,
        timeout: float | None = None,
    ) -> Iterator[Frame]:
        """One frame from each camera, as soon as each is rendered; memory does not grow with their number.

        `component` is `all`, `transmitted`, `reflected`, `depth`, `weight` or `normal`; `form` is `png`, `exr` or, for
        `Frame.array`, `npy`. Whoever takes no more frames ends the rendering.

        Raises:
            InvalidInput: an option, a model or cameras that cannot be used.
            NotFound: the service has no model of this SHA-256.
            DeadlineExceeded: not done within `timeout` seconds.
            Unavailable: the service cannot be reached or started.
            DataCorrupted: a frame arrived damaged.
        """
        request = render_request(component=component, form=form, background=background)
        return self._frames("Render", request, model, cameras, form, timeout)

    def edit(
        self,
        model: SplatModel,
        cameras: CamerasGiven,
        *,
        masks: SceneFolder | None = None,
        reflection: float = 0.1,
        tint: Sequence[float] = WHITE,
        form: str = "png",
        background: Sequence[float] = BLACK,
        timeout: float | None = None,
    ) -> Iterator[Frame]:
        """The same of a scene whose reflection is `reflection` times as strong, and coloured by `tint`.

        `masks` is a folder of images named as the cameras: white is edited, black is left as it is; everywhere where
        None. A `reflection` of 0 removes it.

        Raises:
            InvalidInput, NotFound, DeadlineExceeded, Unavailable, DataCorrupted: as for `render`.
        """
        request = edit_request(reflection=reflection, tint=tint, form=form, background=background)
        return self._frames("Edit", request, model, cameras, form, timeout, masks)

    def evaluate(
        self, model: SplatModel, scene: SceneFolder, *, progress: Progress | None = None, timeout: float | None = None
    ) -> SceneScores:
        """Scores of a model on every eighth view of a scene, those that a fit holds out.

        Raises:
            InvalidInput: a model or a scene that cannot be used.
            NotFound, DeadlineExceeded, Unavailable: as for `render`.
            DataCorrupted: the answer ended early.
        """
        left = countdown(timeout)
        _check_model(model)
        request = splat_pb2.EvaluateRequest(scene=self._sent_folder(scene, SCENE, "scene", left))
        request.model = self._sent_model(model, left)
        with self._stream("Evaluate", request, left()) as responses:
            return SceneScores.of(reported(responses, progress))

    def convert(
        self,
        model: SplatModel,
        output: str | os.PathLike[str],
        *,
        transmitted: bool = False,
        timeout: float | None = None,
    ) -> Conversion:
        """Writes a model to a file of another format, which its suffix says: .ply, .splat, .spz or .sog.

        With `transmitted` its reflection is left out, for which a PLY alone has a place.

        Raises:
            InvalidInput: a model that cannot be used, or a file that cannot be written.
            NotFound, DeadlineExceeded, Unavailable: as for `render`.
        """
        left = countdown(timeout)
        path = Path(output)
        request = convert_request(path, transmitted=transmitted)
        request.model = self._sent_model(model, left)
        conversion = Conversion.of(self._ask("Convert", request, left()))
        self._artifacts.download(conversion.model, path, timeout=left())
        return conversion

    def describe_model(self, model: SplatModel, *, timeout: float | None = None) -> ModelDescription:
        """What a model is.

        Raises:
            InvalidInput: a model that cannot be used.
            NotFound, DeadlineExceeded, Unavailable: as for `render`.
        """
        left = countdown(timeout)
        request = splat_pb2.DescribeRequest(model=self._sent_model(model, left))
        return ModelDescription.of(self._ask("Describe", request, left()).model)

    def describe_scene(self, scene: SceneFolder, *, timeout: float | None = None) -> SceneDescription:
        """What a scene is. Raises as `describe_model`."""
        left = countdown(timeout)
        request = splat_pb2.DescribeRequest(scene=self._sent_folder(scene, SCENE, "scene", left))
        return SceneDescription.of(self._ask("Describe", request, left()).scene)

    def download(self, sha256: str, path: Path, *, timeout: float | None = None) -> None:
        """Writes a file that the service has, a model for example: see `ArtifactsClient.download`."""
        self._artifacts.download(sha256, path, timeout=timeout)

    def _frames(
        self,
        method: str,
        request: Any,
        model: SplatModel,
        cameras: CamerasGiven,
        form: str,
        timeout: float | None,
        masks: SceneFolder | None = None,
    ) -> Iterator[Frame]:
        """The frames that answer a request, to which all that is sent is added; it is there before any of it is."""
        left = countdown(timeout)
        _check_model(model)
        given = cameras.wire() if isinstance(cameras, SplatCameras) else _checked_transforms(Path(cameras))
        if masks is not None:
            request.masks = self._sent_folder(masks, IMAGES, "masks", left)
        request.model = self._sent_model(model, left)
        if isinstance(given, Path):
            given = splat_pb2.Cameras(transforms=self._artifacts.upload([given], timeout=left())[given])
        request.cameras.CopyFrom(given)
        return self._received(method, request, form, left())

    def _received(self, method: str, request: Any, form: str, timeout: float | None) -> Iterator[Frame]:
        with self._stream(method, request, timeout) as responses:
            yield from frames((response.part for response in responses), form)

    def _sent_model(self, model: SplatModel, left: Left) -> str:
        """The SHA-256 of a model that the service now has."""
        if _is_stored(model):
            return str(model)
        _check_model(model)
        path = Path(model)
        return self._artifacts.upload([path], timeout=left())[path]

    def _sent_folder(self, folder: SceneFolder, suffixes: frozenset[str], field: str, left: Left) -> str:
        with zipped(Path(folder), suffixes, field) as path:
            return self._artifacts.upload([path], timeout=left())[path]

    def _ask(self, method: str, request: Any, timeout: float | None) -> Any:
        with self._client.calling(SERVICE):
            stub = splat_pb2_grpc.SplatServiceStub(self._client.channel(SERVICE))
            return getattr(stub, method)(request, timeout=timeout, metadata=call_metadata())

    @contextmanager
    def _stream(self, method: str, request: Any, timeout: float | None) -> Iterator[Any]:
        """A streaming call, cancelled in the service when the block is left before the answer has ended."""
        stub = splat_pb2_grpc.SplatServiceStub(self._client.channel(SERVICE))
        with self._client.calling(SERVICE):
            call = getattr(stub, method)(request, timeout=timeout, metadata=call_metadata())
            try:
                yield call
            finally:
                call.cancel()


def _is_stored(model: SplatModel) -> bool:
    """Whether this is the SHA-256 of a model, not its file."""
    return isinstance(model, str) and re.fullmatch(r"[0-9a-f]{64}", model) is not None


def _check_model(model: SplatModel) -> None:
    """Raises InvalidInput unless it can be sent, or need not be."""
    if not _is_stored(model):
        check_model_suffix("model", Path(model))
        _check_file("model", Path(model))


def _checked_transforms(path: Path) -> Path:
    """Raises InvalidInput unless cameras can be sent."""
    if path.suffix.lower() != ".json":
        raise InvalidInput.of("cameras", received=str(path), accepted="a transforms.json, or SplatCameras")
    _check_file("cameras", path)
    return path


def _check_file(field: str, path: Path) -> None:
    if not path.is_file():
        received = f"{'no file' if path.exists() else 'nothing'}: {path}"
        raise InvalidInput.of(field, received=received, accepted="a file that can be read")
