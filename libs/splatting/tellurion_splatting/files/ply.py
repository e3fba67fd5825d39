"""Gaussians in PLY, as the field writes them since 3D Gaussian splatting: raw parameters, one float each.

Properties: x y z, f_dc_0…2, f_rest_* (all coefficients of red, then green, then blue), opacity (logit), scale_0…2
(logarithm), rot_0…3 (wxyz, of any norm). The reflected branch stands beside them as f_ref_dc_*, f_ref_rest_*,
ref_opacity (logit) and beta (logit): a reader that knows nothing of it shows the transmitted set. A comment
`SplatRenderMode: mip`, as Brush writes it, marks the antialiased rasterisation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_splatting.files.bounds import check_growth
from tellurion_splatting.files.vertices import Vertices, read_vertices, written_vertices
from tellurion_splatting.gaussians import SMALLEST, Floats, Gaussians, Reflection, degree_of

ANTIALIASED = "SplatRenderMode: mip"
XYZ = ["x", "y", "z"]
SCALES = [f"scale_{i}" for i in range(3)]
QUATS = [f"rot_{i}" for i in range(4)]

NEVER, ALWAYS = 2.0**-151, 1 - 2.0**-26
"""Probabilities that round to 0 and 1 in float32 and whose logits are finite."""


def read_ply(data: bytes, field: str, most: int) -> Gaussians:
    """The Gaussians of a PLY file of at most so many bytes.

    Raises InvalidInput: too large, a property is missing, or a value cannot be; fewer bytes than the header announces.
    """
    check_growth(len(data), len(data), field, most)
    vertices = read_vertices(data, field)
    if "packed_position" in vertices.columns:
        raise InvalidInput.of(field, received="a compressed PLY", accepted="one with x, y, z: decompress it first")
    with np.errstate(over="ignore", under="ignore"):  # what overflows is infinite, which Gaussians refuse
        scales = np.maximum(np.exp(vertices.matrix(SCALES, field)), SMALLEST)
        return Gaussians(
            means=vertices.matrix(XYZ, field),
            quats=vertices.matrix(QUATS, field),
            scales=scales,
            opacities=_expit(vertices.matrix(["opacity"], field)[:, 0]),
            sh=_coefficients(vertices, "f_", field),
            reflection=_reflection(vertices, field),
            antialiased=ANTIALIASED in vertices.comments,
        )


def written_ply(gaussians: Gaussians) -> bytes:
    """The file of some Gaussians: binary, little-endian; nothing is lost but what an exponential's rounding costs."""
    columns = dict(zip(XYZ, gaussians.means.T, strict=True))
    columns |= _coefficient_columns(gaussians.sh, "f_")
    columns["opacity"] = _logit(gaussians.opacities)
    columns |= zip(SCALES, np.log(gaussians.scales.astype(np.float64)).astype(np.float32).T, strict=True)
    columns |= zip(QUATS, gaussians.quats.T, strict=True)
    if (reflection := gaussians.reflection) is not None:
        columns |= _coefficient_columns(reflection.sh, "f_ref_")
        columns |= {"ref_opacity": _logit(reflection.opacities), "beta": _logit(reflection.weights)}
    return written_vertices(Vertices(columns, (ANTIALIASED,) if gaussians.antialiased else ()))


def _reflection(vertices: Vertices, field: str) -> Reflection | None:
    if not any(name in ("ref_opacity", "beta") or name.startswith("f_ref_") for name in vertices.columns):
        return None
    opacities, weights = _expit(vertices.matrix(["ref_opacity", "beta"], field)).T
    return Reflection(_coefficients(vertices, "f_ref_", field), opacities, weights)


def _coefficients(vertices: Vertices, prefix: str, field: str) -> NDArray[np.float64]:
    """[N, K, 3] from a DC of three columns and a channel-major rest of any number."""
    rest = sum(name.startswith(f"{prefix}rest_") for name in vertices.columns)
    if rest % 3:
        accepted = "a multiple of three: as many for each channel"
        raise InvalidInput.of(f"{field}.{prefix}rest", received=f"{rest} coefficients", accepted=accepted)
    degree_of(1 + rest // 3, f"{field}.{prefix}rest")
    first = vertices.matrix([f"{prefix}dc_{i}" for i in range(3)], field)
    if not rest:
        return first[:, None]
    others = vertices.matrix([f"{prefix}rest_{i}" for i in range(rest)], field)
    return np.concatenate([first[:, None], others.reshape(len(vertices), 3, rest // 3).swapaxes(1, 2)], axis=1)


def _coefficient_columns(sh: Floats, prefix: str) -> dict[str, Floats]:
    columns = {f"{prefix}dc_{i}": sh[:, 0, i] for i in range(3)}
    rest = sh[:, 1:].transpose(2, 1, 0).reshape(3 * (sh.shape[1] - 1), len(sh))
    return columns | {f"{prefix}rest_{i}": column for i, column in enumerate(rest)}


def _expit(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-logits))


def _logit(probabilities: Floats) -> Floats:
    p = np.clip(probabilities.astype(np.float64), NEVER, ALWAYS)
    return np.log(p / (1 - p)).astype(np.float32)
