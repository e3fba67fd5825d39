"""SPZ against gsply, against files packed by hand from the format's description, and its turned axes."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import gsply.spz
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from scipy.special import sph_harm_y

from tellurion_core.errors import InvalidInput
from tellurion_splatting.files import encoded_gaussians, read_gaussians, write_gaussians
from tellurion_splatting.gaussians import Gaussians

# What half a quantum of each attribute is worth: 12 fractional bits, 16 steps an e-fold, one byte, a half of 8 or 16.
HALF = {"means": 0.5 / 4096, "opacities": 0.5 / 255, "quats": 1e-5}
TURN = np.diag([1.0, -1.0, -1.0])


@pytest.fixture(autouse=True)
def _interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gsply's kernel without its compilation, which takes longer than these tests."""
    monkeypatch.setattr(gsply.spz, "_decode_spz_kernel", gsply.spz._decode_spz_kernel.py_func)


def covariances(g: Gaussians) -> np.ndarray:
    R = Rotation.from_quat(np.roll(g.quats, -1, axis=1)).as_matrix()
    return np.einsum("nij,nj,nkj->nik", R, g.scales.astype(float) ** 2, R)


def harmonics(directions: np.ndarray, degree: int) -> np.ndarray:
    """[D, K] real spherical harmonics by SciPy."""
    theta, phi = np.arccos(directions[:, 2]), np.arctan2(directions[:, 1], directions[:, 0])
    columns = []
    for band in range(degree + 1):
        for m in range(-band, band + 1):
            y = sph_harm_y(band, abs(m), theta, phi)
            columns.append(y.real if m == 0 else np.sqrt(2) * (-1) ** m * (y.imag if m < 0 else y.real))
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("degree", range(5))
def test_a_set_survives_within_its_bytes(some: Callable, degree: int) -> None:
    before = some(degree=degree)
    after = read_gaussians(encoded_gaussians(before, ".spz"))
    np.testing.assert_allclose(after.means, before.means, atol=1.01 * HALF["means"])
    np.testing.assert_allclose(np.log(after.scales), np.log(before.scales), atol=1.01 / 32)
    np.testing.assert_allclose(after.opacities, before.opacities, atol=1.01 * HALF["opacities"])
    np.testing.assert_allclose(np.abs(np.sum(after.quats * before.quats, axis=1)), 1, atol=HALF["quats"])
    np.testing.assert_allclose(after.sh[:, 0], before.sh[:, 0], atol=1.01 * 0.5 / 255 / 0.15)
    np.testing.assert_allclose(after.sh[:, 1:4], before.sh[:, 1:4], atol=4.51 / 128)
    np.testing.assert_allclose(after.sh[:, 4:], before.sh[:, 4:], atol=8.51 / 128)


def test_degree_5_is_cut_to_4(some: Callable) -> None:
    assert read_gaussians(encoded_gaussians(some(degree=5), ".spz")).degree == 4


def test_the_axes_in_the_file_are_right_up_back(some: Callable, tmp_path: Path) -> None:
    """Gsply shows what the file holds, without turning it: y and z of the scene with the other sign."""
    scene = some()
    write_gaussians(tmp_path / "ours.spz", scene)
    stored = gsply.spz.read_spz(tmp_path / "ours.spz")
    np.testing.assert_allclose(stored.means, scene.means @ TURN, atol=1.01 * HALF["means"])
    inside = Gaussians(stored.means, stored.quats, np.exp(stored.scales), np.zeros(len(scene)), stored.sh0[:, None])
    expected = TURN @ covariances(scene) @ TURN
    np.testing.assert_allclose(covariances(inside), expected, atol=0.08 * np.abs(expected).max())


@pytest.mark.parametrize("degree", range(6))
def test_a_half_turn_turns_what_every_direction_sees(some: Callable, degree: int) -> None:
    scene = some(degree=degree, reflected=degree)
    turned = scene.half_turn()
    directions = np.random.default_rng(1).normal(size=(20, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    seen = np.einsum("dk,nkc->ndc", harmonics(directions, degree), scene.sh)
    seen_turned = np.einsum("dk,nkc->ndc", harmonics(directions @ TURN, degree), turned.sh)
    np.testing.assert_allclose(seen_turned, seen, atol=1e-6)
    np.testing.assert_allclose(covariances(turned), TURN @ covariances(scene) @ TURN, atol=1e-7)
    np.testing.assert_array_equal(turned.half_turn().sh, scene.sh)
    np.testing.assert_array_equal(turned.half_turn().reflection.sh, scene.reflection.sh)
    np.testing.assert_array_equal(turned.half_turn().quats, scene.quats)


def test_gsplys_file_is_read(some: Callable, assert_same: Callable, tmp_path: Path) -> None:
    truth = some(degree=2)
    logits = np.log(truth.opacities / (1 - truth.opacities))
    data = gsply.GSData.from_arrays(
        truth.means, np.log(truth.scales), truth.quats, logits, truth.sh[:, 0], truth.sh[:, 1:], format="ply"
    )
    gsply.spz.write_spz(tmp_path / "theirs.spz", data)
    stored = gsply.spz.read_spz(tmp_path / "theirs.spz")
    opacities = 1 / (1 + np.exp(-stored.opacities))
    sh = np.concatenate([stored.sh0[:, None], stored.shN], axis=1)
    untouched = Gaussians(stored.means, stored.quats, np.exp(stored.scales), opacities, sh)
    # Gsply leaves the axes of what it was given alone; undoing the turn that we make by the format shows the same.
    assert_same(read_gaussians(tmp_path / "theirs.spz").half_turn(), untouched)


def packed(version: int, rotation: bytes, *, flags: int = 0, degree: int = 1, after: bytes = b"") -> bytes:
    """One Gaussian, in the order that the format's description gives."""
    return gzip.compress(
        struct.pack("<IIIBBBB", 0x5053474E, version, 1, degree, 8, flags, 0)
        + (256).to_bytes(3, "little")
        + (-512 & 0xFFFFFF).to_bytes(3, "little")
        + (128).to_bytes(3, "little")
        + bytes([51])
        + bytes([255, 0, 51])
        + bytes([160, 144, 128])
        + rotation
        + bytes([128, 192, 64] * ((degree + 1) ** 2 - 1))
        + after
    )


HALF_ANGLE = np.sin(np.pi / 4)


@pytest.mark.parametrize(
    ("version", "rotation", "quat"),
    [
        # Version 2: x, y, z as bytes about 127.5. A turn of 90° about z.
        (2, bytes([128, 128, round(127.5 + 127.5 * HALF_ANGLE)]), (HALF_ANGLE, 0, 0, -HALF_ANGLE)),
        # Version 3: the largest is w (3), y negative at its full 511, the others zero.
        (3, ((3 << 30) | (1 << 19) | (511 << 10)).to_bytes(4, "little"), (HALF_ANGLE, 0, HALF_ANGLE, 0)),
        # Version 3: the largest is x (0); of y, z, w the last is positive: half a turn about x and a little more.
        (3, (256).to_bytes(4, "little"), (0.354244, 0.935152, 0, 0)),
    ],
)
def test_a_gaussian_packed_by_hand(version: int, rotation: bytes, quat: tuple[float, ...]) -> None:
    g = read_gaussians(packed(version, rotation, flags=1))
    np.testing.assert_allclose(g.means, [[1, 2, -0.5]])  # of 256ths, y and z turned
    np.testing.assert_allclose(g.opacities, [0.2])
    np.testing.assert_allclose(g.sh[0, 0], [0.5 / 0.15, -0.5 / 0.15, -0.3 / 0.15], rtol=1e-6)
    np.testing.assert_allclose(g.scales, np.exp([[0, -1, -2]]), rtol=1e-6)
    np.testing.assert_allclose(np.abs(g.quats[0] @ quat), 1, atol=1e-4)
    # Degree 1 is y, z, x: the first two change their sign.
    np.testing.assert_allclose(g.sh[0, 1:], [[0, -0.5, 0.5], [0, -0.5, 0.5], [0, 0.5, -0.5]])
    assert g.antialiased


def test_records_of_vendors_behind_the_gaussians_are_passed_over() -> None:
    assert len(read_gaussians(packed(3, bytes(4), flags=2, after=b"vendor" * 20))) == 1


@pytest.mark.parametrize("version", [1, 4, 99])
def test_another_version_is_refused_by_name(version: int) -> None:
    with pytest.raises(InvalidInput, match=f"version {version}.*versions 2 and 3"):
        read_gaussians(packed(version, bytes(4)))


def test_the_zstd_container_of_version_4_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r"4 or later.*versions 2 and 3"):
        read_gaussians(struct.pack("<IIIBBBB", 0x5053474E, 4, 1, 0, 12, 0, 0) + bytes(100), ".spz")


def test_a_scene_too_wide_for_a_quarter_of_a_millimetre_gets_coarser_steps(some: Callable) -> None:
    wide = some(degree=0)
    wide = replace(wide, means=wide.means * 2000)  # to 10 km: 9 bits below the point
    np.testing.assert_allclose(
        read_gaussians(encoded_gaussians(wide, ".spz")).means, wide.means, rtol=1e-6, atol=0.5 / 512
    )
    with pytest.raises(InvalidInput, match=r"means.*origin"):
        encoded_gaussians(replace(wide, means=wide.means * 1e4), ".spz")
