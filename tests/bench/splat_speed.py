"""What an image of Gaussians costs on the CPU, forward and backward, beside what else draws them there.

    python tests/bench/splat_speed.py [--json] [--quick]

Gaussians are spread evenly over the image, anisotropic, with opacities from .05 to .95 and harmonics of degree 3; each
is as large in the image whatever its depth. An evaluation is one pixel of one Gaussian of a tile's list as gsplat 1.5.3
builds it, until every pixel of the tile has ended: it is counted here from the definition, and so are those of them
that show (α ≥ 1/255 in a pixel that has not ended), which no rasteriser can do without. Seconds are medians of several
calls, forward and backward in turn. Every row runs in a process of its own, after its kernels are compiled; the memory
of a Gaussian is how far the most that was resident rises per Gaussian, forward and backward, its gradients included.

The peers draw a small part of the same image: the tests' oracle in float32, and litesplat from .cache/splat-peers, made
by `pip install --no-deps --target .cache/splat-peers -r tests/bench/splat-peers.txt`. Both draw every Gaussian at every
pixel. Ends with exit code 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from memory import peak_mib
from targets import Target, at_least, at_most, exit_code, markdown
from torch import Tensor

ROOT = Path(__file__).parents[2]
ORACLE = ROOT / "tests" / "libs" / "splatting"
PEERS = ROOT / ".cache" / "splat-peers"
GAUSSIANS, SIDE = 100_000, 800
ROUNDS = 9
WIDTH, WIDER = 1.0, 2.4
"""Median standard deviations, pixels of an image of SIDE; a pixel has some 100 or 200 evaluations of GAUSSIANS."""
FRAMES, EVALUATIONS = 15.0, 1.3e9
"""Of a second, forward, at least; one of the two."""
RATIO = 4.0
"""Forward and backward over forward, at most."""
BYTES = 1024
"""A Gaussian, at most."""
GPU_ONLY = {
    "taichi-splatting 0.13": "compiles CUDA sources when imported",
    "splax 0.2.3": "needs CUDA's JAX",
    "gausscam 0.1.5": "draws by WebGPU, which needs a Vulkan driver",
    "gaussian-renderer 0.2": "draws by gsplat's CUDA kernels",
    "gaussian-splatting 2.11": "draws by CUDA kernels",
}
"""Rasterisers from the package index that cannot draw without a GPU."""


@dataclass(frozen=True)
class Case:
    """One row of a table."""

    gaussians: int
    side: int
    """Pixels of the square image."""
    rasteriser: str = "tellurion"
    drawn: int = 0
    """Side of the part of the image that is drawn; 0 for all of it."""
    width: float = WIDTH


MAIN = Case(GAUSSIANS, SIDE)
CASES = (
    *(Case(count, SIDE) for count in (1_000, 10_000, 30_000)),
    MAIN,
    Case(300_000, SIDE),
    Case(GAUSSIANS, SIDE, width=WIDER),
    *(Case(GAUSSIANS, side) for side in (200, 400, 1600)),
    Case(GAUSSIANS, SIDE, "all pairs", 64),
    Case(GAUSSIANS, SIDE, "litesplat", 32),
)
QUICK = (Case(1_000, 128), Case(5_000, 128), Case(1_000, 128, "all pairs", 64), Case(1_000, 128, "litesplat", 32))


def scene(case: Case) -> dict[str, Any]:
    """The arguments of `rasterization`, of the part of the image that the case draws."""
    generator = torch.Generator().manual_seed(0)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(case.gaussians, *shape, generator=generator)

    focal, drawn = 0.9 * case.side, case.drawn or case.side
    depth = uniform(2.0, 8.0)
    across = uniform(-0.5, 0.5, 2) * case.side / focal * depth[:, None]
    pixels = case.width * case.side / SIDE * torch.exp(0.5 * torch.randn(case.gaussians, 3, generator=generator))
    centre = drawn / 2
    return {
        "means": torch.cat([across, depth[:, None]], dim=1),
        "quats": torch.randn(case.gaussians, 4, generator=generator),
        "scales": pixels * depth[:, None] / focal,
        "opacities": uniform(0.05, 0.95),
        "colors": 0.2 * torch.randn(case.gaussians, 16, 3, generator=generator),
        "viewmats": torch.eye(4)[None],
        "Ks": torch.tensor([[[focal, 0, centre], [0, focal, centre], [0, 0, 1]]]),
        "width": drawn,
        "height": drawn,
        "sh_degree": 3,
    }


def measure(case: Case) -> dict[str, Any]:
    """One row, in this process."""
    torch.manual_seed(0)
    return asdict(case) | MEASURES[case.rasteriser](case)


def _tellurion(case: Case) -> dict[str, Any]:
    from tellurion_splatting import rasterization

    given = scene(case)
    leaves = {name: given[name].requires_grad_() for name in ("means", "quats", "scales", "opacities", "colors")}

    def forward() -> None:
        with torch.no_grad():
            rasterization(**given)

    def both() -> None:
        colors, alphas, _ = rasterization(**given)
        (colors.sum() + alphas.sum()).backward()
        for leaf in leaves.values():
            leaf.grad = None

    _compile()
    before = _reset_peak()
    forward()
    after_forward = peak_mib()
    both()
    after_both = peak_mib()
    taken = [(_seconds(forward), _seconds(both)) for _ in range(ROUNDS)]
    seconds, total = (statistics.median(column) for column in zip(*taken, strict=True))
    return {
        "seconds": seconds,
        "backward_ratio": total / seconds,
        "forward_growth_mib": after_forward - before,
        "growth_mib": after_both - before,
        **_evaluations(given),
    }


def _all_pairs(case: Case) -> dict[str, Any]:
    sys.path.insert(0, str(ORACLE))
    from all_pairs import all_pairs

    given = scene(case)
    with torch.no_grad():
        seconds = _seconds(lambda: all_pairs(**given))
    return {"seconds": seconds, "pairs": case.gaussians * case.drawn**2}


def _litesplat(case: Case) -> dict[str, Any]:
    os.environ |= {"KERAS_BACKEND": "torch", "MPLBACKEND": "agg"}
    sys.path.append(str(PEERS))
    try:
        from litesplat.core.camera_model import CameraLayer
        from litesplat.core.gaussian_model import GaussianParameterLayer
    except ImportError as error:
        return {"unavailable": str(error)}

    given = scene(case)
    (fx, _, cx), (_, fy, cy), _ = given["Ks"][0].tolist()
    columns = {
        "color": (0.5 + 0.28209479 * given["colors"][:, 0]).clamp(min=0).tolist(),
        "position": given["means"].tolist(),
        "rotation": given["quats"].tolist(),
        "scale": given["scales"].tolist(),
        "opacity": given["opacities"].tolist(),
    }
    camera = {"camera_id": 1, "model": "PINHOLE", "image_name": "", "width": case.drawn, "height": case.drawn}
    camera |= {"fx": fx, "fy": fy, "cx": cx, "cy": cy, "rotation": torch.eye(3).tolist(), "translation": [0.0] * 3}
    with tempfile.TemporaryDirectory() as folder:
        gaussians = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        (Path(folder) / "gaussians.json").write_text(json.dumps(gaussians))
        (Path(folder) / "camera.json").write_text(json.dumps([camera]))
        layer = CameraLayer(folder, GaussianParameterLayer(folder))
    with torch.no_grad():
        seconds = _seconds(lambda: layer(inputs=(case.drawn, case.drawn), batch_size=32, render=False))
    return {"seconds": seconds, "pairs": case.gaussians * case.drawn**2}


MEASURES: Mapping[str, Callable[[Case], dict[str, Any]]] = {
    "tellurion": _tellurion,
    "all pairs": _all_pairs,
    "litesplat": _litesplat,
}


def _compile() -> None:
    """The kernels, forward and backward, on an image of a few tiles."""
    from tellurion_splatting import rasterization

    given = scene(Case(100, 32))
    given["means"].requires_grad_()
    with torch.no_grad():
        rasterization(**given)
    rasterization(**given)[0].sum().backward()


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _reset_peak() -> float:
    """MiB that are resident now, from which on the most is taken anew."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_mib()


@torch.no_grad()
def _evaluations(given: Mapping[str, Any]) -> dict[str, float]:
    """Evaluations of the image, and those that show."""
    from tellurion_splatting import rasterization

    *_, meta = rasterization(**given)
    tile, width, height = meta["tile_size"], meta["width"], meta["height"]
    starts = [*meta["isect_offsets"].flatten().tolist(), len(meta["flatten_ids"])]
    listed = shown = 0
    for index, (start, stop) in enumerate(pairwise(starts)):
        row, column = divmod(index, meta["tile_width"])
        y, x = torch.meshgrid(
            torch.arange(row * tile, min((row + 1) * tile, height)) + 0.5,
            torch.arange(column * tile, min((column + 1) * tile, width)) + 0.5,
            indexing="ij",
        )
        ids = meta["flatten_ids"][start:stop].long()
        dx, dy = (meta["means2d"][ids, :, None] - torch.stack([x.flatten(), y.flatten()])).unbind(1)
        a, b, c = meta["conics"][ids].T[..., None]
        alpha = meta["opacities"][ids, None] * torch.exp(-((a * dx * dx + c * dy * dy) / 2 + b * dx * dy))
        alpha = torch.where(alpha >= 1 / 255, alpha.clamp(max=0.999), 0.0)
        open_ = torch.cumprod(1 - alpha, dim=0) > 1e-4
        listed += min(int(open_.any(dim=1).sum()) + 1, len(ids)) * x.numel()
        shown += int((open_ & (alpha > 0)).sum())
    return {"evaluations": listed, "shown": shown}


def table(cases: Sequence[Case] = CASES) -> list[dict[str, Any]]:
    """One row a case."""
    rows = []
    for case in cases:
        command = [sys.executable, __file__, "--case", json.dumps(asdict(case))]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        rows.append(json.loads(printed.splitlines()[-1]))
        print(rows[-1], file=sys.stderr, flush=True)
    return rows


def targets(rows: Sequence[Mapping[str, Any]]) -> Iterable[Target]:
    """Speed, cost of the gradients, memory; and the peers."""
    ours = [row for row in rows if row["rasteriser"] == "tellurion"]
    (main,) = (row for row in ours if all(row[name] == value for name, value in asdict(MAIN).items()))
    frames, evaluations = 1 / main["seconds"], main["evaluations"] / main["seconds"]
    what = f"splatting, {SIDE}×{SIDE}, {GAUSSIANS} Gaussians of degree 3, {main['evaluations'] / SIDE**2:.0f} a pixel"
    yield Target(
        f"{what}, forward",
        f"{frames:.1f} frames/s, {evaluations / 1e9:.2f}·10⁹ evaluations/s",
        f"≥ {FRAMES:g} frames/s or ≥ {EVALUATIONS / 1e9:g}·10⁹ evaluations/s",
        frames >= FRAMES or evaluations >= EVALUATIONS,
    )
    yield at_most(f"{what}, forward and backward over forward", main["backward_ratio"], RATIO)
    yield at_most(f"{what}, B a Gaussian beyond the image", _bytes_a_gaussian(ours), BYTES, digits=0)
    for row in rows:
        if "pairs" in row:
            factor = _seconds_of_the_image(row) / main["seconds"]
            yield at_least(f"splatting, times faster than {row['rasteriser']}, by the pixel", factor, 1.0, digits=0)


def _bytes_a_gaussian(ours: Sequence[Mapping[str, Any]]) -> float:
    """The growth from the fewest to GAUSSIANS in the same image, of which only theirs is different."""
    same = {row["gaussians"]: row["growth_mib"] for row in ours if (row["side"], row["width"]) == (SIDE, WIDTH)}
    return (same[GAUSSIANS] - same[min(same)]) * 2**20 / (GAUSSIANS - min(same))


def _seconds_of_the_image(row: Mapping[str, Any]) -> float:
    return row["seconds"] * (row["side"] / row["drawn"]) ** 2


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """The tables in Markdown."""
    header = [
        *("Gaussians", "image", "evaluations a pixel", "of them shown", "ms forward", "frames/s"),
        *("10⁹ evaluations/s", "forward and backward over forward", "MiB forward", "MiB both"),
    ]
    ours = (
        [
            row["gaussians"],
            f"{row['side']}²",
            f"{row['evaluations'] / row['side'] ** 2:.0f}",
            f"{row['shown'] / row['side'] ** 2:.0f}",
            f"{1e3 * row['seconds']:.0f}",
            f"{1 / row['seconds']:.1f}",
            f"{row['evaluations'] / row['seconds'] / 1e9:.2f}",
            f"{row['backward_ratio']:.2f}",
            f"{row['forward_growth_mib']:.0f}",
            f"{row['growth_mib']:.0f}",
        ]
        for row in rows
        if row["rasteriser"] == "tellurion"
    )
    peers = [[row["rasteriser"], *_peer_cells(row)] for row in rows if row["rasteriser"] != "tellurion"]
    peers += [[name, *_peer_cells({"unavailable": why})] for name, why in GPU_ONLY.items()]
    beside = ["rasteriser", "part drawn", "10⁶ pairs/s", f"s for {SIDE}² by the pixel"]
    return "\n\n".join(["## Splatting on the CPU", markdown(header, ours), markdown(beside, peers)])


def _peer_cells(row: Mapping[str, Any]) -> list[str]:
    if "unavailable" in row:
        return ["–", f"unavailable: {row['unavailable']}", "–"]
    return [f"{row['drawn']}²", f"{row['pairs'] / row['seconds'] / 1e6:.0f}", f"{_seconds_of_the_image(row):.0f}"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the table as JSON on stdout")
    parser.add_argument("--quick", action="store_true", help="small images, without targets")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.case:
        print(json.dumps(measure(Case(**json.loads(given.case)))))
        return 0
    rows = table(QUICK if given.quick else CASES)
    if given.json:
        print(json.dumps(rows, indent=2))
    return 0 if given.quick else exit_code(targets(rows))


if __name__ == "__main__":
    sys.exit(main())
