"""What the splat service cannot do is one line that says what is accepted, exit code 2, and no service started."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tellurion_client import InvalidInput, SplatCameras
from tellurion_client.splat_options import edit_request, fit_spec, render_request

COMPONENTS = "all, transmitted, reflected, depth, weight, normal"
MODELS = ".ply, .splat, .spz, .sog"
SPLIT = "none, except with ref-unlock"


@pytest.fixture
def refused(refused: Callable[..., str]) -> Callable[..., str]:
    """The same of a command for the service."""
    return partial(refused, "splat")


@pytest.mark.parametrize("json", [[], ["--json"]])
@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--mode", "nerf"], "mode: received nerf; accepted: ref-unlock, 3dgs"),
        (["--variant", "mended"], "variant: received mended; accepted: virtual, fixed, released"),
        (["--mode", "3dgs", "--variant", "released"], f"variant: received released; accepted: {SPLIT}"),
        (["--mode", "3dgs", "--clean-folder", "clean"], f"clean_folder: received clean; accepted: {SPLIT}"),
        (["--mode", "3dgs", "--reflected-sh-degree", "2"], f"reflected_sh_degree: received 2; accepted: {SPLIT}"),
        (["--iterations", "0"], "iterations: received 0; accepted: at least 1"),
        (["--iterations", "-5"], "iterations: received -5; accepted: 0 to 100000"),
        (["--iterations", "100001"], "iterations: received 100001; accepted: 0 to 100000"),
        (["--iterations", "1.5"], "iterations: received 1.5; accepted: a valid integer"),
        (["--max-gaussians", "0"], "max_gaussians: received 0; accepted: at least 1"),
        (["--sh-degree", "6"], "sh_degree: received 6; accepted: 0 to 5"),
        (["--seed", "-1"], "seed: received -1; accepted: 0 to 9223372036854775807"),
        (["--clean-folder", "../clean"], "clean_folder: received ../clean; accepted: length at most 64, matching "),
        (["--depth-folder", "a/b"], "depth_folder: received a/b; accepted: length at most 64, matching "),
        (["--xyz"], "No such option: --xyz"),
    ],
)
def test_fit(refused: Callable[..., str], options: list[str], line: str, json: list[str]) -> None:
    assert refused("fit", "scene", "-o", "scene.ply", *options, *json).startswith(line)


def test_an_option_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidInput, match=r"iteration: received 3; accepted: none of this name; there are mode, var"):
        fit_spec({"iteration": 3})
    with pytest.raises(InvalidInput, match="iterations: received '3'; accepted: a number"):
        fit_spec({"iterations": "3"})


def test_a_model_is_not_converted_onto_itself(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "scene.ply").write_bytes(b"ply")
    line = refused("convert", "scene.ply", "scene.ply", "--transmitted")
    assert line == "output: received scene.ply, an input; accepted: another file"


def test_where_a_model_goes(refused: Callable[..., str], tmp_path: Path) -> None:
    assert refused("fit", "scene") == "output: received nothing; accepted: a file to write"
    assert refused("fit", "scene", "-o", "scene.spz").startswith(
        "output: received scene.spz; accepted: a file named .ply"
    )
    assert refused("fit", "scene", "-o", "none/scene.ply").startswith(
        "output: received none: No such file or directory"
    )
    (tmp_path / "folder.ply").mkdir()
    assert refused("fetch", "splat/operations/x", "-o", "folder.ply").startswith(
        "output: received folder.ply, a folder"
    )
    assert refused("convert", "scene.ply", "scene.glb") == (
        f"output: received scene.glb; accepted: a file named {MODELS}"
    )


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--component", "normals"], f"component: received normals; accepted: {COMPONENTS}"),
        (["--format", "jpg"], "format: received jpg; accepted: png, exr, npy"),
        (["--background", "0", "0", "2"], "background[2]: received 2.0; accepted: 0 to 1"),
        (["--background", "0", "nan", "0"], "background[1]: received nan; accepted: 0 to 1"),
    ],
)
def test_render(refused: Callable[..., str], options: list[str], line: str) -> None:
    assert refused("render", "scene.ply", "--cameras", "transforms.json", "-o", "out", *options).startswith(line)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--reflection", "-0.1"], "reflection: received -0.1; accepted: 0 to 4"),
        (["--reflection", "5"], "reflection: received 5.0; accepted: 0 to 4"),
        (["--reflection", "nan"], "reflection: received nan; accepted: 0 to 4"),
        (["--reflection", "strong"], "reflection: received strong; accepted: a valid number"),
        (["--tint", "1", "1", "1.1"], "tint[2]: received 1.1; accepted: 0 to 1"),
        (["--format", "webp"], "format: received webp; accepted: png, exr, npy"),
    ],
)
def test_edit(refused: Callable[..., str], options: list[str], line: str) -> None:
    assert refused("edit", "scene.ply", "--cameras", "transforms.json", "-o", "out", *options).startswith(line)


def test_where_frames_go(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for command in ("render", "edit"):
        line = refused(command, "scene.ply", "--cameras", "c.json", "-o", "none/frames")
        assert line.startswith("output: received no folder none; accepted: a folder")
        assert refused(command, "scene.ply", "--cameras", "c.json", "-o", "file").startswith(
            "output: received Not a dir"
        )


def test_what_is_not_there(refused: Callable[..., str], tmp_path: Path) -> None:
    """It is looked for before any service is started."""
    assert refused("fit", "scene", "-o", "scene.ply") == "scene: received nothing: scene; accepted: a folder"
    model = "model: received nothing: scene.ply; accepted: a file that can be read"
    assert refused("render", "scene.ply", "--cameras", "c.json", "-o", "out") == model
    assert refused("edit", "scene.ply", "--cameras", "c.json", "-o", "out") == model
    assert refused("evaluate", "scene.ply", "scene") == model
    assert refused("convert", "scene.ply", "scene.spz") == model
    assert refused("convert", "scene.glb", "scene.ply") == f"model: received scene.glb; accepted: a file named {MODELS}"
    (tmp_path / "scene.ply").touch()
    assert refused("convert", "scene.ply/more.ply", "scene.spz").startswith("model: received nothing: ")


def test_degrees_of_zero_are_not_left_open() -> None:
    spec = fit_spec({"sh_degree": 0, "reflected_sh_degree": 0})
    assert (spec.HasField("sh_degree"), spec.HasField("reflected_sh_degree")) == (True, True)
    open_ = fit_spec({"sh_degree": None, "clean_folder": ""})
    assert (open_.HasField("sh_degree"), open_.iterations, open_.clean_folder) == (False, 0, "")


@pytest.mark.parametrize("background", [(0, 0), "black", (0, 0, "x"), 1, None])
def test_a_colour_is_three_numbers(background: object) -> None:
    with pytest.raises(InvalidInput, match="background"):
        render_request(component="all", form="png", background=background)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="tint"):
        edit_request(reflection=1, tint=background, form="png", background=(0, 0, 0))  # type: ignore[arg-type]


MATRICES = {"viewmats": np.eye(4)[None], "intrinsics": np.eye(3)[None]}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"width": 0}, "width"),
        ({"width": 9000}, "width"),
        ({"height": 2.5}, "cameras"),
        ({"names": ["../a"]}, r"names\[0\]"),
        ({"names": [1]}, "cameras"),
        ({"viewmats": "here"}, r"cameras\.viewmats"),
        ({"viewmats": np.zeros((9000, 4, 4))}, r"cameras\.viewmats"),
    ],
)
def test_cameras_that_cannot_be_sent(changes: dict[str, object], field: str) -> None:
    usual = {**MATRICES, "width": 4, "height": 3}
    SplatCameras(**usual).wire()  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=rf"^{field}: received"):
        SplatCameras(**usual | changes).wire()  # type: ignore[arg-type]
