"""What the same call costs on a GPU, where gsplat draws, against gsplat called directly; and whether the CPU agrees.

    python tests/bench/splat_gpu.py [--json]

The scene is that of splat_speed.py; a second row has extra signals too, and a third another layer that is not joint,
for each of which gsplat is called a second time. Calls of both kinds take turns, each until the device is done. Pixels
of which a single precision cannot tell which side of a cut-off they are on are left out of the comparison, and counted:
they are found by the tests' oracle, on a smaller image. Without a CUDA device there is nothing to measure, and the
table says `unavailable`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from splat_speed import GAUSSIANS, ORACLE, SIDE, Case, scene
from targets import Target, at_least, at_most, exit_code, markdown
from torch import Tensor

ROUNDS = 50
KINDS = ("colours", "extra signals", "second layer")
SIGNALS = 5
"""Channels beside the colours, as a fit of reflections has them."""
SMALL = Case(2_000, 128)
"""What the oracle can draw too."""
RATIO = 0.95
"""Frames a second over gsplat's, at least."""
DIFFERENCE = 1e-4
"""In colour, at most, off the cut-offs."""
CLEAR = 1e-4
"""Relative distance from every cut-off beyond which a pixel is compared."""


def table() -> list[dict[str, Any]]:
    """A row of each kind, forward and with gradients; or why there is none."""
    if not torch.cuda.is_available():
        return [{"unavailable": "no CUDA device"}]
    device, agreement = torch.cuda.get_device_name(), _agreement()
    return [{"device": device, "drawn": kind, **_speeds(kind), **agreement} for kind in KINDS]


def _speeds(kind: str) -> dict[str, float]:
    given = _on_gpu(scene(Case(GAUSSIANS, SIDE)))
    for name in ("means", "quats", "scales", "opacities", "colors"):
        given[name].requires_grad_()
    signals = torch.rand(GAUSSIANS, SIGNALS, device="cuda")
    other = {"opacities": given["opacities"].detach().flip(0), "colors": given["colors"].detach().flip(0)}
    found: dict[str, list[float]] = {}
    for k in range(ROUNDS + 3):  # the first calls compile
        for name, images in (("ours", _ours), ("gsplat", _theirs)):
            for way, call in (("forward", _forward), ("both", _both)):
                seconds = _seconds(call, images, kind, given, signals, other)
                if k >= 3:
                    found.setdefault(f"{name}_{way}", []).append(seconds)
    return {name: statistics.median(seconds) for name, seconds in found.items()}


def _ours(kind: str, given: Mapping[str, Any], signals: Tensor, other: Mapping[str, Tensor]) -> list[Tensor]:
    from tellurion_splatting import SecondLayer, rasterization

    if kind == "extra signals":
        colors, alphas, meta = rasterization(**given, extra_signals=signals)
        return [colors, alphas, meta["render_extra_signals"]]
    if kind == "second layer":
        second = SecondLayer(other["opacities"], other["colors"], given["sh_degree"], joint=False)
        colors, alphas, meta = rasterization(**given, second=second)
        return [colors, alphas, meta["second_colors"], meta["second_alphas"]]
    return list(rasterization(**given)[:2])


def _theirs(kind: str, given: Mapping[str, Any], signals: Tensor, other: Mapping[str, Tensor]) -> list[Tensor]:
    from gsplat import rasterization

    images = list(rasterization(**given)[:2])
    if kind == "extra signals":
        images.append(rasterization(**{**given, "colors": signals, "sh_degree": None})[0])
    if kind == "second layer":
        images += rasterization(**{**given, **other})[:2]
    return images


@torch.no_grad()
def _forward(images: Callable[..., list[Tensor]], *arguments: Any) -> None:
    images(*arguments)


def _both(images: Callable[..., list[Tensor]], *arguments: Any) -> None:
    sum(image.sum() for image in images(*arguments)).backward()


def _seconds(call: Callable[..., None], *arguments: Any) -> float:
    torch.cuda.synchronize()
    start = time.perf_counter()
    call(*arguments)
    torch.cuda.synchronize()
    return time.perf_counter() - start


@torch.no_grad()
def _agreement() -> dict[str, float]:
    """The largest difference of the CPU's image from the GPU's off the cut-offs, and the share of pixels on them."""
    from tellurion_splatting import rasterization

    sys.path.insert(0, str(ORACLE))
    from all_pairs import all_pairs

    given = scene(SMALL)
    double = {name: value.double() if isinstance(value, Tensor) else value for name, value in given.items()}
    clear = all_pairs(**double).margin > CLEAR
    there, here = rasterization(**_on_gpu(given))[0].cpu(), rasterization(**given)[0]
    return {
        "difference": (there - here)[clear].abs().max().item(),
        "near_cut_offs": 1 - clear.double().mean().item(),
    }


def _on_gpu(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.cuda() if isinstance(value, Tensor) else value for name, value in given.items()}


def targets(rows: Sequence[Mapping[str, Any]]) -> Iterable[Target]:
    """Speed against gsplat, and agreement with the CPU; none without a GPU."""
    for row in rows:
        if "unavailable" not in row:
            for kind, what in (("forward", "forward"), ("both", "forward and backward")):
                ratio = row[f"gsplat_{kind}"] / row[f"ours_{kind}"]
                where = f"splatting on a {row['device']}, {row['drawn']}, {what}"
                yield at_least(f"{where}, frames/s over gsplat's", ratio, RATIO)
    if "unavailable" not in rows[0]:
        what = "splatting, largest difference of GPU and CPU off the cut-offs, ×10⁴"
        yield at_most(what, rows[0]["difference"] * 1e4, DIFFERENCE * 1e4)


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table in Markdown."""
    title = "## Splatting on a GPU"
    if "unavailable" in rows[0]:
        return f"{title}\n\nunavailable: {rows[0]['unavailable']}."
    header = ["device", "drawn", "frames/s", "gsplat's", "with gradients", "gsplat's"]
    header += ["CPU's difference", "pixels on a cut-off"]
    cells = (
        [
            row["device"],
            row["drawn"],
            *(f"{1 / row[name]:.1f}" for name in ("ours_forward", "gsplat_forward", "ours_both", "gsplat_both")),
            f"{row['difference']:.1e}",
            f"{row['near_cut_offs']:.2%}",
        ]
        for row in rows
    )
    return f"{title}\n\n{markdown(header, cells)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the table as JSON on stdout")
    given = parser.parse_args(arguments)
    rows = table()
    print(json.dumps(rows, indent=2) if given.json else report(rows))
    return exit_code(targets(rows))


if __name__ == "__main__":
    sys.exit(main())
