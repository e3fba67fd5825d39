"""Whatever comes, the answer is an error that says what is accepted, and the service answers the next call."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asking import LENS, Asked, cameras, high_water, many, none, one, tensor, transforms, zipped
from google.protobuf import any_pb2
from painted_scene import write_masks
from PIL import Image

from tellurion.splat.v1 import splat_pb2
from tellurion_core.errors import InvalidInput, NotFound
from tellurion_core.status import rpc_errors
from tellurion_splat.fit_job import fit

PROMPTLY = 10.0
"""Seconds, on a machine that does other things too; what is refused at once takes a few hundredths."""
GROWTH_KB = 64 << 10
"""Memory that a refusal may take: the bombs are of gigabytes."""


@pytest.fixture(scope="module")
def splat(served: Any) -> Asked:
    return Asked(served)


@pytest.fixture
def refused(splat: Asked) -> Iterator[Callable[..., InvalidInput]]:
    """The error that answers a request, which comes promptly; after it the service answers as ever."""
    good, answered = splat.model(one()), []

    def error(method: str, request: Any) -> InvalidInput:
        began, before = time.monotonic(), high_water(splat.pid, anew=True)
        with pytest.raises(InvalidInput) as caught:
            splat.ask(method, request)
        assert time.monotonic() - began < PROMPTLY
        assert high_water(splat.pid) - before < GROWTH_KB
        assert "/tmp" not in caught.value.message
        answered.append(caught.value)
        return caught.value

    yield error
    assert answered
    assert splat.ask("Describe", splat_pb2.DescribeRequest(model=good)).model.gaussians == 1


def ply(count: int, properties: list[str], rows: bytes) -> bytes:
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {count}"]
    return "\n".join([*header, *(f"property float {name}" for name in properties), "end_header", ""]).encode() + rows


PROPERTIES = ["x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "scale_2"]
PROPERTIES += ["rot_0", "rot_1", "rot_2", "rot_3"]
ROW = [0.0, 0.0, 4.0, 0.1, 0.2, 0.3, 0.0, -1.0, -1.0, -1.0, 1.0, 0.0, 0.0, 0.0]


def row(**changes: float) -> bytes:
    values = dict(zip(PROPERTIES, ROW, strict=True)) | changes
    return struct.pack(f"<{len(values)}f", *values.values())


def spz_bomb() -> bytes:
    """Fifty million Gaussians, of a gigabyte, of which the first megabytes are there: all 0, in some kilobytes."""
    header = struct.pack("<IIIBBBB", 0x5053474E, 2, 50_000_000, 0, 12, 0, 0)
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=9) as writer:
        writer.write(header)
        for _ in range(20):
            writer.write(bytes(1 << 20))
    return file.getvalue()


def spz_tail() -> bytes:
    """One Gaussian, and behind it two gigabytes of zeros in two megabytes."""
    packer = zlib.compressobj(9, wbits=31)
    header = struct.pack("<IIIBBBB", 0x5053474E, 2, 1, 0, 12, 0, 0)
    start = packer.compress(header + bytes(16)) + packer.flush(zlib.Z_FULL_FLUSH)
    megabytes = packer.compress(bytes(32 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + 64 * megabytes  # a block that looks back at none before it can stand again and again


def sog_bomb() -> bytes:
    """Images that say of themselves that they have 16 383 pixels a side, in a few hundred bytes each."""
    meta = {
        "version": 2,
        "count": 200_000_000,
        "means": {"mins": [0, 0, 0], "maxs": [1, 1, 1], "files": ["means_l.webp", "means_u.webp"]},
        "scales": {"codebook": [0.0] * 256, "files": ["scales.webp"]},
        "quats": {"files": ["quats.webp"]},
        "sh0": {"codebook": [0.0] * 256, "files": ["sh0.webp"]},
    }
    image = io.BytesIO()
    Image.new("RGBA", (64, 64)).save(image, "WEBP", lossless=True)
    data = bytearray(image.getvalue())
    at = data.index(b"VP8L") + 9  # behind its size and signature: 14 bits of the width less one, 14 of the height
    data[at : at + 4] = (int.from_bytes(data[at : at + 4], "little") | 16_382 | 16_382 << 14).to_bytes(4, "little")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("meta.json", json.dumps(meta))
        for part in (meta["means"], meta["scales"], meta["quats"], meta["sh0"]):
            for name in part["files"]:
                writer.writestr(name, bytes(data))
    return file.getvalue()


MODELS: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", ".ply"),
    "something else": (lambda: b"%PDF-1.7", ".ply"),
    "10^12 vertices": (lambda: ply(10**12, PROPERTIES, row()), ".ply"),
    "fewer vertices than it says": (lambda: ply(3, PROPERTIES, row()), ".ply"),
    "a mean that is no number": (lambda: ply(1, PROPERTIES, row(x=float("nan"))), ".ply"),
    "an infinite scale": (lambda: ply(1, PROPERTIES, row(scale_0=float("inf"))), ".ply"),
    "an opacity that is no number": (lambda: ply(1, PROPERTIES, row(opacity=float("nan"))), ".ply"),
    "a rotation of norm 0": (lambda: ply(1, PROPERTIES, row(rot_0=0)), ".ply"),
    "coefficients that fit no degree": (
        lambda: ply(1, [*PROPERTIES, *(f"f_rest_{i}" for i in range(7))], row() + bytes(28)), ".ply",
    ),
    "no scales": (lambda: ply(1, [name for name in PROPERTIES if "scale" not in name], row()), ".ply"),
    "half a .splat": (lambda: bytes(33), ".splat"),
    "a bomb in SPZ": (spz_bomb, ".spz"),
    "a bomb behind an SPZ": (spz_tail, ".spz"),
    "an SPZ that is cut off": (lambda: gzip.compress(struct.pack("<IIIBBBB", 0x5053474E, 2, 3, 0, 12, 0, 0)), ".spz"),
    "a bomb in SOG": (sog_bomb, ".sog"),
    "a SOG that is no zip": (lambda: b"PK\x03\x04" + bytes(100), ".sog"),
    "an unknown format": (lambda: b"glTF", ".glb"),
}  # fmt: skip


@pytest.mark.parametrize("case", MODELS)
def test_a_model_that_cannot_be(splat: Asked, refused: Callable[..., Any], case: str) -> None:
    content, suffix = MODELS[case]
    model = splat.put(content(), f"model{suffix}")
    refused("Render", splat_pb2.RenderRequest(model=model, cameras=cameras()))
    refused("Describe", splat_pb2.DescribeRequest(model=model))


def rigid(**changes: float) -> np.ndarray:
    mat = np.eye(4)
    for place, value in changes.items():
        mat[int(place[1]), int(place[2])] = value
    return mat


def lens(**changes: float) -> np.ndarray:
    mat = LENS.copy()
    for place, value in changes.items():
        mat[int(place[1]), int(place[2])] = value
    return mat


ARRAYS: dict[str, tuple[Callable[[], splat_pb2.Cameras], str]] = {
    "a focal length of 0": (lambda: cameras(lens=lens(k00=0)), "cameras.intrinsics[0]"),
    "a negative focal length": (lambda: cameras(lens=lens(k11=-50)), "cameras.intrinsics[0]"),
    "intrinsics that are no numbers": (lambda: cameras(lens=lens(k02=float("nan"))), "cameras.intrinsics[0]"),
    "skew": (lambda: cameras(lens=lens(k01=1)), "cameras.intrinsics[0]"),
    "a singular pose": (lambda: cameras(np.eye(4), rigid(r00=0)), "cameras.viewmats[1]"),
    "a mirrored pose": (lambda: cameras(rigid(r00=-1)), "cameras.viewmats[0]"),
    "a pose that is no number": (lambda: cameras(rigid(r03=float("inf"))), "cameras.viewmats[0]"),
    "a last row that projects": (lambda: cameras(rigid(r30=1)), "cameras.viewmats[0]"),
    "no width": (lambda: cameras(size=(0, 15)), "cameras.arrays.width"),
    "a frame too large for memory": (lambda: cameras(size=(8192, 8192)), "cameras.size"),
    "a frame too wide": (lambda: cameras(size=(8193, 1)), "cameras.arrays.width"),
    "no cameras": (lambda: cameras_of(np.zeros((0, 4, 4))), "cameras"),
    "neither": (splat_pb2.Cameras, "cameras"),
    "matrices of another shape": (lambda: cameras_of(np.zeros((1, 3, 4))), "viewmats"),
    "two names of one camera": (lambda: named("a", "b"), "cameras.names"),
    "a name that leads elsewhere": (lambda: named("../a"), "cameras.arrays.names[0]"),
}


def cameras_of(viewmats: np.ndarray) -> splat_pb2.Cameras:
    given = cameras()
    given.arrays.viewmats.CopyFrom(tensor(viewmats))
    given.arrays.intrinsics.CopyFrom(tensor(np.tile(LENS, (len(viewmats), 1, 1)), "intrinsics"))
    return given


def named(*names: str) -> splat_pb2.Cameras:
    given = cameras()
    given.arrays.names.extend(names)
    return given


@pytest.mark.parametrize("case", ARRAYS)
def test_cameras_that_cannot_be(splat: Asked, refused: Callable[..., Any], case: str) -> None:
    given, field = ARRAYS[case]
    error = refused("Render", splat_pb2.RenderRequest(model=splat.model(one()), cameras=given()))
    assert error.violations[0].field.startswith(field)


def frame(**changes: Any) -> list[dict[str, Any]]:
    return [json.loads(transforms())["frames"][0] | changes]


TRANSFORMS: dict[str, tuple[Callable[[], bytes], str]] = {
    "no JSON": (lambda: b"\x89PNG", "transforms.json"),
    "nested without end": (lambda: b"[" * 100_000, "transforms.json"),
    "no cameras": (lambda: transforms(frames=[]), "cameras"),
    "no frames": (lambda: transforms(frames=None), "transforms.json.frames"),
    "no focal length": (lambda: transforms(fl_x=None), "transforms.json.frames[0].fl_x"),
    "a focal length of 0": (lambda: transforms(fl_x=0), "cameras.intrinsics[0]"),
    "a size that is text": (lambda: transforms(w="wide"), "transforms.json.frames[0].w"),
    "no size, and no image to tell it": (lambda: transforms(w=None), "images/only.png"),
    "a lens that distorts": (lambda: transforms(k1=0.1), "transforms.json.frames[0].k1"),
    "a pose of no numbers": (lambda: transforms(frames=frame(transform_matrix="here")), "transforms.json.frames[0]"),
    "a singular pose": (
        lambda: transforms(frames=frame(transform_matrix=np.zeros((4, 4)).tolist())), "transforms.json.frames[0]"
    ),
    "an image outside": (lambda: transforms(frames=frame(file_path="../../a.png")), "transforms.json.frames[0]"),
    "an image outside by its whole path": (lambda: transforms(frames=frame(file_path="/etc/a.png")), "transforms.json"),
    "two images of one name": (
        lambda: transforms(frames=[*frame(file_path="a/0.png"), *frame(file_path="b/0.png")]), "cameras.names"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TRANSFORMS)
def test_a_file_of_cameras_that_cannot_be(splat: Asked, refused: Callable[..., Any], case: str) -> None:
    content, field = TRANSFORMS[case]
    given = splat_pb2.Cameras(transforms=splat.put(content(), "transforms.json"))
    error = refused("Render", splat_pb2.RenderRequest(model=splat.model(one()), cameras=given))
    assert error.violations[0].field.startswith(field)


@pytest.fixture
def scene(scene_folder: Path, tmp_path: Path) -> Path:
    """A copy of the painted scene, to be spoilt."""
    return Path(shutil.copytree(scene_folder, tmp_path / "scene"))


def one_image(folder: Path) -> None:
    document = json.loads((folder / "transforms.json").read_text())
    (folder / "transforms.json").write_text(json.dumps(document | {"frames": document["frames"][:1]}))


def path_out(folder: Path) -> None:
    document = json.loads((folder / "transforms.json").read_text())
    document["frames"][3]["file_path"] = "../../../etc/passwd"
    (folder / "transforms.json").write_text(json.dumps(document))


SCENES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no cameras": (lambda folder: (folder / "transforms.json").unlink(), "scene"),
    "one image": (one_image, "scene.images"),
    "an image that is not there": (lambda folder: (folder / "images" / "003.png").unlink(), "images/003.png"),
    "an image of another size": (
        lambda folder: Image.new("RGB", (39, 30)).save(folder / "images" / "003.png"), "scene.images.003.png",
    ),
    "an image that is none": (lambda folder: (folder / "images" / "003.png").write_bytes(b"GIF89a"), "images/003.png"),
    "an image outside of it": (path_out, "transforms.json.frames[3].file_path"),
    "points that are no numbers": (
        lambda folder: (folder / "points.ply").write_text((folder / "points.ply").read_text().replace(" 0 ", " nan ")),
        "points.ply",
    ),
    "points without end": (
        lambda folder: (folder / "points.ply").write_text(
            (folder / "points.ply").read_text().replace("vertex 300", "vertex 1000000000000")
        ),
        "points.ply",
    ),
    "a near plane behind the camera": (
        lambda folder: (folder / "scene.json").write_text('{"near": -1}'), "scene.json.near",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SCENES)
def test_a_scene_that_cannot_be(splat: Asked, refused: Callable[..., Any], scene: Path, case: str) -> None:
    spoil, field = SCENES[case]
    spoil(scene)
    error = refused("Evaluate", splat_pb2.EvaluateRequest(model=splat.model(none()), scene=splat.folder(scene)))
    if isinstance(error, InvalidInput):
        assert error.violations[0].field.startswith(field)
    else:
        assert field in error.message


@pytest.mark.parametrize("case", SCENES)
def test_a_fit_of_a_scene_that_cannot_be_says_the_same_and_leaves_nothing(
    splat: Asked, scene: Path, tmp_path: Path, case: str
) -> None:
    spoil, field = SCENES[case]
    spoil(scene)
    body, job = any_pb2.Any(), tmp_path / "job"
    body.Pack(splat_pb2.FitSpec(scene=splat.folder(scene), iterations=2))
    job.mkdir()
    with pytest.raises(InvalidInput) as caught:
        fit(body, splat.running(job))
    assert field in caught.value.message
    assert "/tmp" not in caught.value.message
    assert [*job.iterdir()] == []


def test_a_scene_that_is_no_zip(splat: Asked, refused: Callable[..., Any]) -> None:
    error = refused("Describe", splat_pb2.DescribeRequest(scene=splat.put(b"\x7fELF", "scene.zip")))
    assert error.violations[0].field == "scene"


def test_a_path_in_a_scenes_zip_that_leads_out_of_it(splat: Asked, refused: Callable[..., Any], scene: Path) -> None:
    file = io.BytesIO(zipped(scene))
    with zipfile.ZipFile(file, "a") as writer:
        writer.writestr("../../evil", b"evil")
    error = refused("Describe", splat_pb2.DescribeRequest(scene=splat.put(file.getvalue(), "scene.zip")))
    assert error.violations[0].received.startswith("a path that may lead elsewhere")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reflection": -0.1}, "reflection"),
        ({"reflection": 4.5}, "reflection"),
        ({"reflection": float("nan")}, "reflection"),
        ({"tint": [1, 1]}, "tint"),
        ({"tint": [1, 1, 1.5]}, "tint[2]"),
        ({"background": [float("inf"), 0, 0]}, "background[0]"),
        ({"background": [0]}, "background"),
        ({"format": 9}, "format"),
        ({"masks": "../masks"}, "masks"),
        ({"model": "../model"}, "model"),
    ],
)
def test_an_edit_that_cannot_be(splat: Asked, refused: Callable[..., Any], changes: dict[str, Any], field: str) -> None:
    usual = {"model": splat.model(many()), "cameras": cameras(), "reflection": 0.5}
    error = refused("Edit", splat_pb2.EditRequest(**usual | changes))
    assert error.violations[0].field == field


def test_an_edit_of_a_model_that_has_no_reflection(splat: Asked, refused: Callable[..., Any]) -> None:
    error = refused("Edit", splat_pb2.EditRequest(model=splat.model(one(reflected=None)), cameras=cameras()))
    assert error.violations[0].field == "model"


def test_masks_that_do_not_fit_the_cameras(splat: Asked, refused: Callable[..., Any], tmp_path: Path) -> None:
    masks = splat.folder(write_masks(tmp_path / "masks", 1))
    model = splat.model(one())
    error = refused("Edit", splat_pb2.EditRequest(model=model, cameras=named("other"), masks=masks))
    assert (error.violations[0].field, error.violations[0].received) == ("masks", "none of other")
    error = refused("Edit", splat_pb2.EditRequest(model=model, cameras=named("000"), masks=masks))
    assert (error.violations[0].field, error.violations[0].received) == ("masks.000", "40×30")


def test_masks_that_are_ambiguous_or_in_colour(splat: Asked, refused: Callable[..., Any], tmp_path: Path) -> None:
    """It is said before the first frame."""
    folder, seen = write_masks(tmp_path / "masks", 2), cameras(np.eye(4), np.eye(4), size=(40, 30))
    seen.arrays.names.extend(["000", "001"])

    def fault() -> Any:
        request = splat_pb2.EditRequest(model=splat.model(one()), cameras=seen, masks=splat.folder(folder))
        with pytest.raises(InvalidInput), rpc_errors():
            assert not next(splat.stub.Edit(request, timeout=30)).HasField("part")
        return refused("Edit", request).violations[0]

    Image.new("RGB", (40, 30)).save(folder / "001.png")
    assert (fault().field, fault().received) == ("masks.001", "mode RGB")
    (folder / "more").mkdir()
    (folder / "more" / "001.jpg").write_bytes(b"")
    assert (fault().field, fault().received) == ("masks", "two named 001")


def test_a_component_and_formats_that_nobody_knows(splat: Asked, refused: Callable[..., Any]) -> None:
    model = splat.model(one())
    error = refused("Render", splat_pb2.RenderRequest(model=model, cameras=cameras(), component=99))
    assert error.violations[0].field == "component"
    error = refused("Convert", splat_pb2.ConvertRequest(model=model, format=99))
    assert error.violations[0].field == "format"
    error = refused("Convert", splat_pb2.ConvertRequest(model=model))
    assert error.violations[0].field == "format"
    error = refused("Describe", splat_pb2.DescribeRequest())
    assert error.violations[0].field == "subject"


def test_ids_that_nothing_is_stored_under(splat: Asked) -> None:
    nobody = "0" * 64
    for method, request in (
        ("Render", splat_pb2.RenderRequest(model=nobody, cameras=cameras())),
        ("Render", splat_pb2.RenderRequest(model=splat.model(one()), cameras=splat_pb2.Cameras(transforms=nobody))),
        ("Edit", splat_pb2.EditRequest(model=splat.model(one()), cameras=cameras(), masks=nobody)),
        ("Evaluate", splat_pb2.EvaluateRequest(model=splat.model(one()), scene=nobody)),
        ("Convert", splat_pb2.ConvertRequest(model=nobody, format=splat_pb2.MODEL_FORMAT_SPZ)),
        ("Describe", splat_pb2.DescribeRequest(scene=nobody)),
    ):
        with pytest.raises(NotFound):
            splat.ask(method, request)
