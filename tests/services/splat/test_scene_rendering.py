"""The scenes' renderer against closed forms, and its command: stopped and started again, it writes the same files."""

from __future__ import annotations

import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_splat.training.scenes.__main__ import main
from tellurion_splat.training.scenes.album import Album, Settings
from tellurion_splat.training.scenes.faces import box, face
from tellurion_splat.training.scenes.light import Lighting
from tellurion_splat.training.scenes.renderer import use_threads
from tellurion_splat.training.scenes.rooms import Arc, Room
from tellurion_splat.training.scenes.studio import Studio, encoded
from tellurion_splatting.scenes import read_scene

TINY = Settings(views=3, width=16, height=12, samples=2, light_samples=1)


def even(value):
    """A texture of one grey."""
    return lambda x, y: np.full((*np.shape(x), 3), value)


def form_factor(x, y):
    """Of a rectangle of sides x, y at unit height over a small parallel area below its corner: Howell's B-3."""
    near_x, near_y = np.hypot(1, x), np.hypot(1, y)
    return (x / near_x * np.arctan(y / near_x) + y / near_y * np.arctan(x / near_y)) / (2 * np.pi)


def test_light_under_a_lamp_is_its_form_factor():
    ground = face((0, 0, 0), (2, 0, 0), (0, 1, 0), even(0.4))
    lamp = face((0, 0.4, 1), (0.5, 0, 0), (0, -0.4, 0), even(3.0), luminous=True)
    lighting = Lighting([ground, lamp])
    on_ground = lighting.irradiance(0, samples=256)
    rows, columns, _ = on_ground.shape
    x, y = np.meshgrid((np.arange(columns) + 0.5) / columns * 2, (np.arange(rows) + 0.5) / rows)
    right, left, far, near = 0.5 - x, -x, 0.4 - y, -y
    factor = form_factor(right, far) - form_factor(left, far) - form_factor(right, near) + form_factor(left, near)
    np.testing.assert_allclose(on_ground, np.pi * 3.0 * factor[..., None].repeat(3, 2), rtol=0.03)
    assert not lighting.irradiance(1, samples=1).any()


def test_white_things_cannot_be_told_from_a_white_surrounding():
    surrounding = [
        face(tuple(side.corner + side.across), tuple(-side.across), tuple(side.up), even(2.0), luminous=True)
        for side in box((0, 0, -2), (4, 4, 4), even(0.0))
    ]
    niche = [
        face((0, 0, 0), (1, 0, 0), (0, 1, 0), even(1.0)),
        face((0, 0, 0), (0, 1, 0), (0, 0, 1), even(1.0)),
        face((0, 0, 0), (0, 0, 1), (1, 0, 0), even(1.0)),
    ]
    lighting = Lighting([*niche, *surrounding])
    for number in range(3):
        assert lighting.irradiance(number, samples=64).mean() == pytest.approx(2 * np.pi, rel=0.01)


def test_light_is_the_same_from_any_number_of_threads():
    lamps = [face((x, 0.4, 1), (0.2, 0, 0), (0, -0.4, 0), even(x + 1), luminous=True) for x in (0.0, 0.7, 1.4)]
    ground = face((0, 0, 0), (2, 0, 0), (0, 1, 0), even(0.4))
    found = []
    for threads in (1, 2, 3, 3):
        use_threads(threads)
        found.append(Lighting([*lamps, ground]).irradiance(3, samples=4))
    use_threads(None)
    assert all(np.array_equal(found[0], again) for again in found[1:])


def test_a_pane_mixes_what_is_behind_it_with_what_it_reflects():
    behind = face((-2, 1, -2), (4, 0, 0), (0, 0, 4), even(0.3), luminous=True)
    opposite = face((2, -3, -2), (-4, 0, 0), (0, 0, 4), even(4.0), luminous=True)
    pane = face((-0.25, 0, -0.25), (0.5, 0, 0), (0, 0, 0.5), even(0.0))
    room = Room((behind, opposite), pane, "glass", Arc((0, 0, 0), 1.0, 0.0, swing=0.0, bob=0.0))
    studio = Studio(room, [np.zeros((1, 1, 3), np.float32)] * 2)
    view = studio.view(room.arc.cameras(["0"], (31, 31)), samples=16, seed=0)
    # straight ahead a pane reflects 1/13
    assert view.image[15, 15, 0] == pytest.approx(encoded(12 / 13 * 0.3 + 4 / 13), abs=1e-3)
    assert view.transmitted[15, 15, 0] == pytest.approx(encoded(12 / 13 * 0.3), abs=1e-3)
    assert view.image[0, 0, 0] == view.transmitted[0, 0, 0] == pytest.approx(encoded(0.3), abs=1e-5)
    np.testing.assert_allclose(view.depth, 2, rtol=1e-5)


def test_an_interrupted_rendering_goes_on_and_writes_the_same(tmp_path):
    def interrupt(_, message):
        if message == "view 001":
            raise KeyboardInterrupt

    def quietly(*_):
        pass

    with pytest.raises(KeyboardInterrupt):
        Album(tmp_path / "stopped", "picture", TINY).fill(tmp_path / "light", interrupt)
    stopped = Album(tmp_path / "stopped", "picture", TINY)
    assert not stopped.complete
    stopped.fill(tmp_path / "light", quietly)
    assert stopped.complete
    Album(tmp_path / "undisturbed", "picture", TINY).fill(tmp_path / "light", quietly)
    written = [
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "stopped", tmp_path / "undisturbed")
    ]
    assert len(written[0]) == 3 * 3 + 3
    assert written[0] == written[1]
    assert len(read_scene(tmp_path / "stopped").points) == 3000


def test_a_folder_begun_with_other_settings_is_refused(tmp_path, capsys):
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / "scene.json").write_text('{"scene": "mirror", "settings": {"views": 5}, "noise": {}}')
    with pytest.raises(InvalidInput, match="another folder"):
        Album(folder, "mirror", TINY)
    assert main([str(tmp_path), "--scene", "mirror"]) == 2
    assert main([str(tmp_path), "--views", "1"]) == 2
    assert "views: received 1" in capsys.readouterr().err
