"""What cannot be used is refused, by the name of the argument."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from drawn import draw

from tellurion_core.errors import InvalidInput
from tellurion_splatting import SecondLayer, rasterization, spherical_harmonics

SCENE = draw(0, cameras=2)
SINGULAR = SCENE["viewmats"].clone()
SINGULAR[1, :3, :3] = 0.0
NAN = SCENE["viewmats"].clone()
NAN[0, 0, 3] = torch.nan
BOTTOM = SCENE["viewmats"].clone()
BOTTOM[0, 3] = torch.tensor([0.0, 0.0, 1.0, 0.0])


def intrinsics(row: int, column: int, value: float) -> torch.Tensor:
    changed = SCENE["Ks"].clone()
    changed[1, row, column] = value
    return changed


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("means", {"means": SCENE["means"][:, :2]}),
    ("means", {"means": SCENE["means"][0]}),
    ("means", {"means": SCENE["means"].int()}),
    ("means", {"means": [[0.0, 0.0, 1.0]]}),
    ("means", {"means": SCENE["means"].half()}),
    ("means", {"means": SCENE["means"].to("meta")}),
    ("quats", {"quats": SCENE["quats"][:-1]}),
    ("quats", {"quats": SCENE["quats"].float()}),
    ("scales", {"scales": SCENE["scales"][:, :1]}),
    ("opacities", {"opacities": SCENE["opacities"][:, None]}),
    ("opacities", {"opacities": SCENE["opacities"][:5]}),
    ("colors", {"colors": SCENE["colors"][:5]}),
    ("colors", {"colors": SCENE["colors"][:, 0]}),
    ("colors", {"colors": SCENE["colors"][:, :0]}),
    ("colors", {"colors": SCENE["colors"][:, None, :], "sh_degree": 1}),
    ("colors", {"colors": SCENE["colors"][:, None, :2], "sh_degree": 0}),
    ("sh_degree", {"colors": torch.zeros(12, 49, 3).double(), "sh_degree": 6}),
    ("sh_degree", {"colors": torch.zeros(12, 1, 3).double(), "sh_degree": -1}),
    ("covars", {"covars": torch.zeros(12, 3).double()}),
    ("extra_signals", {"extra_signals": torch.zeros(11, 1).double()}),
    ("backgrounds", {"backgrounds": torch.zeros(3).double()}),
    ("backgrounds", {"backgrounds": torch.zeros(2, 4).double()}),
    ("viewmats", {"viewmats": SCENE["viewmats"][0]}),
    ("viewmats", {"viewmats": SCENE["viewmats"][:, :3]}),
    ("viewmats", {"viewmats": SCENE["viewmats"][:0], "Ks": SCENE["Ks"][:0], "backgrounds": None}),
    ("viewmats", {"viewmats": SINGULAR}),
    ("viewmats", {"viewmats": NAN}),
    ("viewmats", {"viewmats": BOTTOM}),
    ("Ks", {"Ks": SCENE["Ks"][:1]}),
    ("Ks", {"Ks": intrinsics(0, 0, 0.0)}),
    ("Ks", {"Ks": intrinsics(1, 1, -20.0)}),
    ("Ks", {"Ks": intrinsics(0, 2, torch.nan)}),
    ("Ks", {"Ks": intrinsics(0, 0, torch.inf)}),
    ("Ks", {"Ks": intrinsics(0, 1, 0.1)}),
    ("width", {"width": 0}),
    ("height", {"height": -3}),
    ("width", {"width": 24.5}),
    ("width, height", {"width": 65_536, "height": 65_536}),
    ("tile_size", {"tile_size": 12}),
    ("tile_size", {"tile_size": 16.0}),
    ("channel_chunk", {"channel_chunk": 0}),
    ("render_mode", {"render_mode": "rgb"}),
    ("rasterize_mode", {"rasterize_mode": "aliased"}),
    ("profile", {"profile": "gsplat2"}),
    ("threads", {"threads": 0}),
    ("eps2d", {"eps2d": -0.1}),
    ("near_plane", {"near_plane": torch.nan}),
    ("camera_model", {"camera_model": "fisheye"}),
    ("sparse_grad", {"sparse_grad": True}),
    ("distributed", {"distributed": True}),
    ("with_ut", {"with_ut": True}),
    ("with_eval3d", {"with_eval3d": True}),
    ("radial_coeffs", {"radial_coeffs": torch.zeros(2, 4)}),
    ("tangential_coeffs", {"tangential_coeffs": torch.zeros(2, 2)}),
    ("thin_prism_coeffs", {"thin_prism_coeffs": torch.zeros(2, 4)}),
    ("ftheta_coeffs", {"ftheta_coeffs": object()}),
    ("rolling_shutter", {"rolling_shutter": "ROLLING_TOP_TO_BOTTOM"}),
    ("viewmats_rs", {"viewmats_rs": SCENE["viewmats"]}),
    ("second", {"second": object()}),
    ("second.opacities", {"second": SecondLayer(SCENE["opacities"][:3], SCENE["colors"], None)}),
    ("second.colors", {"second": SecondLayer(SCENE["opacities"], SCENE["colors"][:3], None)}),
]


@pytest.mark.parametrize(("field", "change"), WRONG, ids=[f"{k} {field}" for k, (field, _) in enumerate(WRONG)])
def test_it_is_refused_by_name(field: str, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        rasterization(**SCENE | change)
    assert all(violation.field.startswith(field) for violation in refused.value.violations)
    assert refused.value.violations[0].accepted


def test_what_only_the_cuda_path_uses_is_accepted_where_it_means_nothing() -> None:
    plain, _, _ = rasterization(**SCENE)
    from_gsplat, _, _ = rasterization(**SCENE, segmented=True, channel_chunk=1, packed=False)
    assert torch.equal(plain, from_gsplat)


def test_gsplats_own_name_of_the_global_shutter_is_accepted() -> None:
    from gsplat.cuda._wrapper import RollingShutterType

    plain, _, _ = rasterization(**SCENE)
    assert torch.equal(plain, rasterization(**SCENE, rolling_shutter=RollingShutterType.GLOBAL)[0])
    with pytest.raises(InvalidInput):
        rasterization(**SCENE, rolling_shutter=RollingShutterType.ROLLING_LEFT_TO_RIGHT)


def test_numbers_of_numpys_are_numbers_and_a_last_row_may_be_rounded() -> None:
    plain, _, _ = rasterization(**SCENE, near_plane=0.5)
    numbers = {name: np.int32(SCENE[name]) for name in ("width", "height")} | {"tile_size": np.int64(16)}
    viewmats = SCENE["viewmats"].clone()
    viewmats[:, 3, :3] = 1e-7
    assert torch.equal(plain, rasterization(**SCENE | numbers | {"viewmats": viewmats}, near_plane=np.float32(0.5))[0])


DIRECTIONS, COEFFICIENTS = torch.rand(5, 3), torch.rand(5, 9, 3)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("degrees_to_use", (1.5, DIRECTIONS, COEFFICIENTS)),
        ("degrees_to_use", (True, DIRECTIONS, COEFFICIENTS)),
        ("dirs", (1, DIRECTIONS.int(), COEFFICIENTS.int())),
        ("dirs", (1, DIRECTIONS.half(), COEFFICIENTS.half())),
        ("coeffs", (1, DIRECTIONS, COEFFICIENTS.double())),
        ("coeffs", (1, DIRECTIONS, COEFFICIENTS.to("meta"))),
        ("masks", (1, DIRECTIONS, COEFFICIENTS, torch.ones(5))),
    ],
)
def test_harmonics_are_refused_by_name(field: str, given: tuple[Any, ...]) -> None:
    with pytest.raises(InvalidInput, match=f"^{field}"):
        spherical_harmonics(*given)
