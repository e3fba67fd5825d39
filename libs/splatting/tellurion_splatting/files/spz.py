"""Gaussians in SPZ, versions 2 and 3: bytes by attribute under one gzip, about 16 to 20 of them a Gaussian before it.

Source: Niantic's description of the format. Its axes are right-up-back, half a turn about x from the right-down-front
of photographs and of PLY, in positions, rotations and harmonics. Writers that leave the axes alone exist; what was
read from their files is put right by `Gaussians.half_turn`.
"""

from __future__ import annotations

import gzip
import struct

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_splatting.files.bounds import Inflation, check_growth
from tellurion_splatting.files.rotations import from_smallest_three, smallest_three
from tellurion_splatting.gaussians import Gaussians

HEADER = struct.Struct("<IIIBBBB")
MAGIC = 0x5053474E
VERSIONS = (2, 3)
MAX_DEGREE = 4
ANTIALIASED = 1
"""Bit of the header's flags."""
EXTENSION_BYTES = 1 << 20
"""What may follow the Gaussians: vendors' records, which are passed over."""
FRACTIONAL_BITS = 12
"""Of a position's 24: a quarter of a millimetre, up to 2 km from the origin."""
COLOR_SCALE = 0.15

Bytes = NDArray[np.uint8]


def read_spz(data: bytes, field: str, most: int) -> Gaussians:
    """The Gaussians of an SPZ file, of at most so many bytes in memory, in the axes of photographs.

    Raises InvalidInput: not SPZ, another version, a degree above 4, or so few bytes for so many Gaussians as only a
    bomb has; the stream ends before its content does, or is damaged.
    """
    if data[:4] == struct.pack("<I", MAGIC):
        raise InvalidInput.of(f"{field}.version", received="4 or later, without gzip", accepted="versions 2 and 3")
    stream = Inflation(data, field)
    magic, version, count, degree, bits, flags, _ = HEADER.unpack(stream.take(HEADER.size))
    if magic != MAGIC or version not in VERSIONS:
        received = f"version {version}" if magic == MAGIC else f"magic {magic:#010x}"
        raise InvalidInput.of(f"{field}.version", received=received, accepted=f"SPZ ({MAGIC:#x}), versions 2 and 3")
    if degree > MAX_DEGREE or not 1 <= bits <= 24:
        received, accepted = f"degree {degree}, {bits} fractional bits", f"degree 0…{MAX_DEGREE}, 1…24 fractional bits"
        raise InvalidInput.of(f"{field}.header", received=received, accepted=accepted)
    rest = (degree + 1) ** 2 - 1
    check_growth(4 * count * (14 + 3 * rest), len(data), field, most)

    def attribute(*shape: int) -> Bytes:
        return np.frombuffer(stream.take(count * int(np.prod(shape))), np.uint8).reshape(count, *shape)

    means = _from_fixed(attribute(3, 3), bits)
    opacities = attribute(1)[:, 0] / 255
    colors = (attribute(3) / 255 - 0.5) / COLOR_SCALE
    scales = np.exp(attribute(3) / 16 - 10)
    quats = _from_first_three(attribute(3)) if version == 2 else _from_packed(attribute(4))
    others = (attribute(rest, 3).astype(np.float32) - 128) / 128
    stream.finish(EXTENSION_BYTES)
    sh = np.concatenate([colors[:, None], others], axis=1)
    return Gaussians(means, quats, scales, opacities, sh, antialiased=bool(flags & ANTIALIASED)).half_turn()


def written_spz(gaussians: Gaussians) -> bytes:
    """The file of some Gaussians, version 3; harmonics above degree 4 are left out.

    Raises InvalidInput where a position is too far out for 24 bits.
    """
    turned = gaussians.half_turn()
    degree = min(gaussians.degree, MAX_DEGREE)
    bits = _fractional_bits(float(np.abs(turned.means).max(initial=0)))
    header = (MAGIC, 3, len(turned), degree, bits, ANTIALIASED * turned.antialiased, 0)
    parts = [
        _fixed(turned.means, bits),
        _byte(255 * turned.opacities),
        _byte(255 * (COLOR_SCALE * turned.sh[:, 0] + 0.5)),
        _byte(16 * (np.log(turned.scales) + 10)),
        _packed(turned.quats),
        _buckets(turned.sh[:, 1 : (degree + 1) ** 2]),
    ]
    content = HEADER.pack(*header) + b"".join(part.tobytes() for part in parts)
    return gzip.compress(content, compresslevel=6, mtime=0)


def _byte(values: NDArray[np.floating]) -> Bytes:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _fractional_bits(extent: float) -> int:
    bits = next((bits for bits in range(FRACTIONAL_BITS, 0, -1) if round(extent * 2**bits) < 1 << 23), None)
    if bits is None:
        raise InvalidInput.of("means", received=f"{extent:g} from the origin", accepted=f"less than {1 << 22} in SPZ")
    return bits


def _fixed(means: NDArray[np.float32], bits: int) -> Bytes:
    """[N, 3, 3] the low three bytes of each coordinate."""
    fixed = np.rint(means.astype(np.float64) * 2**bits).astype("<i4")
    return fixed.view(np.uint8).reshape(-1, 3, 4)[..., :3]


def _from_fixed(low: Bytes, bits: int) -> NDArray[np.float64]:
    words = np.zeros((len(low), 3, 4), np.uint8)
    words[..., 1:] = low  # in the high bytes, where the sign is
    return (words.view("<i4")[..., 0] >> 8) / 2.0**bits


def _from_first_three(xyz: Bytes) -> NDArray[np.float64]:
    xyz = xyz / 127.5 - 1
    w = np.sqrt(np.maximum(1 - np.sum(xyz**2, axis=1, keepdims=True), 0))
    return np.concatenate([w, xyz], axis=1)


def _packed(quats: NDArray[np.float32]) -> NDArray[np.uint32]:
    """[N] from the top: two bits for the largest of x, y, z, w, then sign and nine bits of each other."""
    largest, others = smallest_three(np.roll(quats, -1, axis=1))
    fields = np.rint(511 * np.abs(others)).astype(np.uint32) | (np.signbit(others).astype(np.uint32) << 9)
    packed = (largest.astype(np.uint32) << 30) | (fields[:, 0] << 20) | (fields[:, 1] << 10) | fields[:, 2]
    return packed.astype("<u4")


def _from_packed(data: Bytes) -> NDArray[np.float64]:
    packed = data.view("<u4")
    fields = packed >> np.array([20, 10, 0], np.uint32)
    others = np.where(fields & 512, -1.0, 1.0) * (fields & 511) / 511
    return np.roll(from_smallest_three(packed[:, 0] >> 30, others), 1, axis=1)


def _buckets(sh: NDArray[np.float32]) -> Bytes:
    """[N, K−1, 3] signed eighths of a byte: steps of 8 for degree 1 and of 16 above, which compress well."""
    step = np.where(np.arange(sh.shape[1]) < 3, 8, 16)[:, None]
    return _byte(step * np.floor((np.rint(128 * sh) + 128 + step // 2) / step))
