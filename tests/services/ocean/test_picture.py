"""The picture can be drawn, and shows two methods side by side."""

from __future__ import annotations

from matplotlib.image import imread

from tellurion_ocean.methods import analyse
from tellurion_ocean.picture import draw_reconstruction


def test_the_picture_is_a_wide_image_of_three_depths(tmp_path, small_prior, observe):
    prior = small_prior()
    observations, _ = observe(prior, 2, 60)
    analyses = {method: analyse(method, prior, observations, 2) for method in ("oi", "climatology")}
    path = tmp_path / "picture.png"
    draw_reconstruction(
        path,
        grid=prior.grid,
        truth=prior.to_field(prior.climatology(2)),
        observations=observations,
        analyses=analyses,
        month=2,
        depths=(0.0, 30.0, 200.0),
    )
    image = imread(path)
    assert image.shape[1] > 2 * image.shape[0] > 1000
    assert len({tuple(colour) for colour in image[::7, ::7, :3].reshape(-1, 3)}) > 100
