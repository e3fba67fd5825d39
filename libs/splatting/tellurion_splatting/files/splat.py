"""Gaussians in .splat, the 32 bytes a Gaussian of antimatter15's viewer: no header, no harmonics above degree 0.

Mean and scale as three float32 each, red, green, blue and opacity as bytes of [0, 1], the rotation as four bytes
128 + 128 q, wxyz.
"""

from __future__ import annotations

import numpy as np

from tellurion_core.errors import InvalidInput
from tellurion_splatting.files.bounds import check_growth
from tellurion_splatting.gaussians import SH_C0, Gaussians

RECORD = np.dtype([("mean", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("quat", "u1", 4)])


def read_splat(data: bytes, field: str, most: int) -> Gaussians:
    """The Gaussians of a .splat file of at most so many bytes.

    Raises InvalidInput: too large, or a value that cannot be; the file ends within a Gaussian.
    """
    check_growth(len(data), len(data), field, most)
    if len(data) % RECORD.itemsize:
        received = f"{len(data)} bytes are no whole number of {RECORD.itemsize} bytes a Gaussian"
        raise InvalidInput.of(field, received=received, accepted="a whole file")
    table = np.frombuffer(data, RECORD)
    rgba = table["rgba"] / 255
    return Gaussians(
        means=table["mean"],
        quats=(table["quat"].astype(np.float64) - 128) / 128,
        scales=table["scale"],
        opacities=rgba[:, 3],
        sh=(rgba[:, None, :3] - 0.5) / SH_C0,
    )


def written_splat(gaussians: Gaussians) -> bytes:
    """The file of some Gaussians; harmonics above degree 0 are left out, colours beyond [0, 1] clipped."""
    table = np.empty(len(gaussians), RECORD)
    table["mean"], table["scale"] = gaussians.means, gaussians.scales
    colors = 0.5 + SH_C0 * gaussians.sh[:, 0].astype(np.float64)
    table["rgba"] = np.rint(255 * np.clip(np.column_stack([colors, gaussians.opacities]), 0, 1))
    table["quat"] = np.clip(np.rint(128 + 128 * gaussians.quats.astype(np.float64)), 0, 255)
    return table.tobytes()
