"""When and how gsplat is called, told by stand-ins for its kernels: no GPU is needed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import gsplat
import pytest
import torch
from drawn import Arguments, cast, draw, rows
from gsplat.cuda import _wrapper
from torch import Tensor

from tellurion_core.errors import InvalidInput, Unavailable
from tellurion_splatting import SecondLayer, rasterization

SCENE = cast(draw(71, cameras=2), torch.float32)
SECOND = SecondLayer(SCENE["opacities"].flip(0), SCENE["colors"].flip(0), joint=False)
HARMONICS = torch.rand(12, 36, 3)
BATCH = {name: torch.stack([value, value]) for name, value in SCENE.items() if isinstance(value, Tensor)}


class OnDevice(Tensor):
    """A tensor on the CPU that says it is on a GPU."""

    is_cuda = True

    def cpu(self, *_: Any) -> Tensor:
        return self.as_subclass(Tensor)


def on_device(scene: Arguments) -> Arguments:
    return {name: value.as_subclass(OnDevice) if isinstance(value, Tensor) else value for name, value in scene.items()}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Those of `gsplat.rasterization`, which our kernels answer, and of `rasterize_to_pixels`, which draws zeros."""
    made = SimpleNamespace(rasterization=[], pixels=[])

    def drawn(**given: Any) -> tuple[Tensor, Tensor, dict[str, Any]]:
        made.rasterization.append(given)
        plain = {name: value.cpu() if isinstance(value, Tensor) else value for name, value in given.items()}
        colors, alphas, meta = rasterization(**plain)
        return colors, alphas, dict(meta)

    def pixels(means2d: Tensor, conics: Tensor, colors: Tensor, opacities: Tensor, *_: Any, **options: Any) -> Any:
        made.pixels.append({"means2d": means2d, "colors": colors, "opacities": opacities} | options)
        return torch.zeros(2, SCENE["height"], SCENE["width"], colors.shape[-1]), None

    monkeypatch.setattr(gsplat.cuda, "_backend", SimpleNamespace(_C=object()), raising=False)
    monkeypatch.setattr(gsplat, "rasterization", drawn)
    monkeypatch.setattr(_wrapper, "rasterize_to_pixels", pixels)
    return made


@pytest.mark.parametrize(
    ("passes", "change"),
    [
        (1, {}),
        (1, {"packed": False, "rasterize_mode": "antialiased"}),
        (1, BATCH | {"packed": False}),
        (2, {"second": SECOND}),
        (0, {"second": SecondLayer(SECOND.opacities, SECOND.colors)}),
        (0, {"second": SecondLayer(SECOND.opacities, HARMONICS, 5, joint=False)}),
        (0, {"colors": HARMONICS, "sh_degree": 5}),
        (1, {"colors": HARMONICS, "sh_degree": 4}),
        (0, {"profile": "gsplat16"}),
        (0, {"profile": "inria"}),
        (0, BATCH),
        (0, cast(SCENE, torch.float64)),
        (0, rows(SCENE, torch.zeros(0, dtype=torch.long))),
    ],
)
def test_what_gsplat_cannot_draw_our_kernels_do(calls: SimpleNamespace, passes: int, change: Arguments) -> None:
    colors, alphas, meta = rasterization(**on_device(SCENE | change))
    here, here_alphas, _ = rasterization(**SCENE | change)
    torch.testing.assert_close(colors, here, rtol=0, atol=1e-6)
    assert torch.equal(alphas, here_alphas)
    assert ("second_colors" in meta) == ("second" in change)
    assert len(calls.rasterization) == passes


@pytest.mark.parametrize("render_mode", ["RGB", "RGB+ED", "ED"])
def test_the_background_is_not_given_to_gsplat_which_takes_none_where_it_packs(
    calls: SimpleNamespace, render_mode: str
) -> None:
    scene = SCENE | {"render_mode": render_mode}
    torch.testing.assert_close(rasterization(**on_device(scene))[0], rasterization(**scene)[0])
    assert "backgrounds" not in calls.rasterization[0]


def test_a_second_layer_is_a_pass_of_its_own_that_leaves_the_absolute_gradients_alone(calls: SimpleNamespace) -> None:
    *_, meta = rasterization(**on_device(SCENE), second=SECOND, render_mode="RGB+D", absgrad=True)
    *_, ours = rasterization(**SCENE, second=SECOND)
    torch.testing.assert_close(meta["second_colors"], ours["second_colors"])
    assert [(call["absgrad"], call["render_mode"]) for call in calls.rasterization] == [(True, "RGB+D"), (False, "RGB")]


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("each", [True, False], ids=["of each camera", "of all cameras"])
@pytest.mark.parametrize("batch", [(), (1,)])
def test_extra_signals_are_drawn_from_what_the_colours_were(
    calls: SimpleNamespace, batch: tuple[int, ...], each: bool, packed: bool
) -> None:
    signals = torch.rand(2, 12, 5) if each else torch.rand(12, 5)
    scene = {k: v.expand(*batch, *v.shape) if isinstance(v, Tensor) else v for k, v in SCENE.items()}
    given = on_device(scene | {"extra_signals": signals.expand(*batch, *signals.shape)})
    *_, meta = rasterization(**given, packed=packed, channel_chunk=2)
    assert len(calls.rasterization) == 1
    assert [call["colors"].shape[-1] for call in calls.pixels] == [2, 2, 1]
    assert all(call["means2d"] is meta["means2d"] and call["packed"] is packed for call in calls.pixels)
    shown = torch.cat([call["colors"] for call in calls.pixels], dim=-1)
    full = signals.expand(*batch, 2, 12, 5)
    expected = full.reshape(2, 12, 5)[meta["camera_ids"], meta["gaussian_ids"]] if packed else full
    assert torch.equal(shown, expected)
    assert meta["render_extra_signals"].shape[-1] == 5


@pytest.mark.parametrize(
    ("where", "name", "value", "message"),
    [
        (gsplat, "__version__", "1.6.0", r"1\.6\.0.*1\.5\.3"),
        (gsplat.cuda, "_backend", SimpleNamespace(_C=None), "nvcc"),
    ],
)
def test_a_gsplat_that_cannot_draw_is_told(
    calls: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, where: object, name: str, value: object, message: str
) -> None:
    monkeypatch.setattr(where, name, value)
    with pytest.raises(Unavailable, match=message):
        rasterization(**on_device(SCENE))


def test_what_gsplat_asserts_is_refused(calls: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise AssertionError("Packed mode is not supported with UT.")

    monkeypatch.setattr(gsplat, "rasterization", refuse)
    with pytest.raises(InvalidInput, match="Packed mode"):
        rasterization(**on_device(SCENE), with_ut=True)
    with pytest.raises(InvalidInput, match="rolling_shutter"):
        rasterization(**on_device(SCENE), rolling_shutter="fast")
