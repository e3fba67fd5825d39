"""The sheet of components: each in its place, of views that are held out, and errors for what cannot be shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tellurion_splat.contact_sheet import GAP, TITLE, main
from tellurion_splat.initialisation import first_splats
from tellurion_splat.rendering import seen, shown
from tellurion_splat.spec import FitSpec
from tellurion_splat.variants import FIXED
from tellurion_splat.views import Views
from tellurion_splatting import read_scene, write_gaussians


def test_every_component_stands_beside_the_photograph(scene_folder: Path, tmp_path: Path) -> None:
    scene, spec, sheet = read_scene(scene_folder), FitSpec(variant="fixed"), tmp_path / "sheet.png"
    of = first_splats(scene, Views(scene, spec), spec, FIXED)
    write_gaussians(tmp_path / "scene.ply", of.gaussians())
    assert main([str(tmp_path / "scene.ply"), str(scene_folder), "-o", str(sheet)]) == 0
    picture, (width, height) = np.asarray(Image.open(sheet)), scene.size
    held_out = np.flatnonzero(scene.held_out)
    assert picture.shape == (TITLE + len(held_out) * (height + GAP) - GAP, 7 * (width + GAP) - GAP, 3)
    for line, row in enumerate(held_out):
        cells = [
            picture[TITLE + line * (height + GAP) :, column * (width + GAP) :][:height, :width] / 255
            for column in range(7)
        ]
        np.testing.assert_allclose(cells[0], scene.image(int(row)), atol=1 / 255)
        components = seen(of, scene.cameras, int(row))
        np.testing.assert_allclose(cells[1], shown(components, "all").clip(0, 1), atol=1 / 255)
        np.testing.assert_allclose(cells[2], shown(components, "transmitted").clip(0, 1), atol=1 / 255)
        np.testing.assert_allclose(cells[5][..., 0], shown(components, "weight").clip(0, 1), atol=1 / 255)
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "scene.ply"), str(scene_folder), "-o", str(tmp_path / "none" / "sheet.png")])
    assert not (tmp_path / "none").exists()


def test_what_cannot_be_shown_is_said_and_nothing_is_written(
    scene_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scene.ply").write_bytes(b"no model")
    for model, scene in (("scene.ply", scene_folder), ("none.ply", scene_folder)):
        assert main([str(tmp_path / model), str(scene), "-o", str(tmp_path / "sheet.png")]) == 2
        assert model in capsys.readouterr().err
    assert not (tmp_path / "sheet.png").exists()
    with pytest.raises(SystemExit, match="2"):
        main(["scene.ply", "scene", "-o", "sheet.png", "--views", "0"])
