"""What a fit is given to learn from, and scenes that cannot be fitted as asked."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tellurion_core.errors import InvalidInput
from tellurion_splat.spec import FitSpec
from tellurion_splat.views import Views
from tellurion_splatting.scenes import Scene, read_scene


@pytest.fixture(scope="module")
def scene(scene_folder: Path) -> Scene:
    return read_scene(scene_folder)


def of(scene: Scene, **options: object) -> Views:
    return Views(scene, FitSpec(mode="ref-unlock", **options))


def test_every_eighth_view_is_held_out_unless_all_are_asked_for(scene: Scene) -> None:
    names = [scene.cameras.names[row] for row in range(10) if row not in (0, 8)]
    held, everything = of(scene), of(scene, hold_out=False)
    assert [held[number].name for number in range(len(held))] == names
    assert [everything[number].name for number in range(len(everything))] == list(scene.cameras.names)
    assert held.held_out.sum() == 2


def test_a_view_has_what_its_folders_have(scene: Scene) -> None:
    plain, rich = of(scene)[0], of(scene, clean_folder="transmitted", depth_folder="depth")[0]
    assert plain.clean is plain.depth_prior is None
    assert rich.clean is not None
    np.testing.assert_array_equal(rich.photograph.numpy(), scene.image(1))
    np.testing.assert_array_equal(rich.clean.numpy(), scene.color(scene.folder("transmitted")["001"]))


def test_a_prior_is_brought_to_the_scale_of_the_points(scene: Scene) -> None:
    """The scene's depth is in units of its own; points lie on the pane, whose depth it is."""
    truth = scene.inverse_depth(scene.folder("depth")["001"])
    view = of(replace(scene, near=7.0), depth_folder="depth")[0]  # read seven times too small
    assert view.aligned
    np.testing.assert_allclose(view.depth_prior.numpy(), truth, atol=0.005)


def test_without_points_it_stays_as_it_is_read(scene: Scene) -> None:
    bare = replace(scene, points=scene.points[:10], point_colors=scene.point_colors[:10])
    view = of(bare, depth_folder="depth")[0]
    assert not view.aligned
    np.testing.assert_array_equal(view.depth_prior.numpy(), scene.inverse_depth(scene.folder("depth")["001"]))


def test_a_prior_that_is_flat_at_the_points_stays_as_it_is_read(scene: Scene) -> None:
    assert of(scene, depth_folder="depth")[0].aligned
    one = replace(scene, points=np.repeat(scene.points[:1], 60, axis=0), point_colors=np.zeros((60, 3)))
    view = of(one, depth_folder="depth")[0]
    assert not view.aligned
    np.testing.assert_array_equal(view.depth_prior.numpy(), scene.inverse_depth(scene.folder("depth")["001"]))


def test_a_prior_of_one_value_is_refused_by_name(scene: Scene, tmp_path: Path) -> None:
    flat = Path(shutil.copytree(scene.root, tmp_path / "flat"))
    for path in (flat / "depth").iterdir():
        Image.fromarray(np.zeros(scene.size[::-1], np.uint16)).save(path)
    with pytest.raises(InvalidInput, match=r"depth_folder\.001: received one value everywhere"):
        of(read_scene(flat), depth_folder="depth")[0]


def test_a_folder_that_lacks_a_view_is_refused_by_name(scene: Scene, tmp_path: Path) -> None:
    for path in scene.folder("transmitted").values():
        if path.stem != "003":
            (tmp_path / "clean").mkdir(exist_ok=True)
            (tmp_path / "clean" / path.name).write_bytes(path.read_bytes())
    moved = replace(scene, root=tmp_path)
    with pytest.raises(InvalidInput, match=r"clean_folder: received no image of 003 in clean"):
        of(moved, clean_folder="clean")
    with pytest.raises(InvalidInput, match="nowhere"):
        of(moved, depth_folder="nowhere")
    with pytest.raises(InvalidInput):
        of(scene, depth_folder="../depth")


def test_a_held_out_view_may_lack_what_is_not_asked_of_it(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "clean").mkdir()
    for path in scene.folder("transmitted").values():
        if path.stem not in ("000", "008"):
            (tmp_path / "clean" / path.name).write_bytes(path.read_bytes())
    assert len(of(replace(scene, root=tmp_path), clean_folder="clean")) == 8


def test_too_few_views_and_cameras_at_one_place_are_refused(scene: Scene) -> None:
    with pytest.raises(InvalidInput, match=r"scene\.images: received 1 to fit"):
        of(replace(scene, cameras=scene.cameras[:2], images=scene.images[:2]))
    poses = scene.cameras.viewmats.copy()
    poses[:, :3, 3] = 0
    with pytest.raises(InvalidInput, match="all from one place"):
        of(replace(scene, cameras=replace(scene.cameras, viewmats=poses)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mode", "2dgs"),
        ("variant", "newest"),
        ("iterations", 0),
        ("iterations", 100_001),
        ("seed", -1),
        ("max_gaussians", 1),
        ("sh_degree", 6),
        ("reflected_sh_degree", -1),
    ],
)
def test_what_no_fit_can_be_asked_for_is_refused(field: str, value: object) -> None:
    with pytest.raises(InvalidInput) as error:
        FitSpec(**{field: value})
    assert error.value.violations[0].field == field


def test_plain_splatting_has_no_use_for_clean_images() -> None:
    with pytest.raises(InvalidInput, match="clean_folder"):
        FitSpec(mode="3dgs", clean_folder="transmitted")
