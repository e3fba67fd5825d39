"""PLY against gsplat's exporter, plyfile and gsply; what the others do not know stands beside."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gsply
import numpy as np
import plyfile
import pytest
import torch
from gsplat.exporter import export_splats

from tellurion_core.errors import InvalidInput
from tellurion_splatting.files import encoded_gaussians, read_gaussians, vertices, write_gaussians
from tellurion_splatting.files.vertices import read_vertices
from tellurion_splatting.gaussians import Gaussians

Draw = Callable[..., Gaussians]


def logit(p: np.ndarray) -> np.ndarray:
    return np.log(p.astype(float) / (1 - p.astype(float)))


def parsed(data: bytes) -> plyfile.PlyData:
    return plyfile.PlyData.read(io.BytesIO(data))


@pytest.mark.parametrize("degree", range(6))
def test_a_set_survives_the_file(some: Draw, assert_same: Callable, degree: int) -> None:
    before = some(degree=degree)
    assert_same(read_gaussians(encoded_gaussians(before, ".ply")), before)


def test_gsplats_export_is_read(some: Draw, assert_same: Callable) -> None:
    truth = some(degree=2)
    t = torch.from_numpy
    data = export_splats(
        t(truth.means),
        t(np.log(truth.scales)),
        3 * t(truth.quats),
        t(logit(truth.opacities)),
        t(truth.sh[:, :1]),
        t(truth.sh[:, 1:]),
        format="ply",
    )
    assert_same(read_gaussians(data), truth)


def test_plyfile_finds_the_raw_parameters_in_ours(some: Draw) -> None:
    g = some(degree=1)
    vertex = parsed(encoded_gaussians(g, ".ply"))["vertex"]
    np.testing.assert_array_equal(vertex["y"], g.means[:, 1])
    np.testing.assert_array_equal(vertex["rot_0"], g.quats[:, 0])
    np.testing.assert_allclose(vertex["scale_2"], np.log(g.scales[:, 2]), rtol=1e-6)
    np.testing.assert_allclose(vertex["opacity"], logit(g.opacities), rtol=1e-5)
    np.testing.assert_array_equal(vertex["f_dc_1"], g.sh[:, 0, 1])
    np.testing.assert_array_equal(vertex["f_rest_2"], g.sh[:, 3, 0])  # red first, all its coefficients
    np.testing.assert_array_equal(vertex["f_rest_3"], g.sh[:, 1, 1])


def test_gsply_reads_ours_and_we_read_gsplys(some: Draw, assert_same: Callable, tmp_path: Path) -> None:
    truth = some()
    write_gaussians(tmp_path / "ours.ply", truth)
    theirs = gsply.plyread(tmp_path / "ours.ply")
    np.testing.assert_array_equal(theirs.means, truth.means)
    np.testing.assert_array_equal(theirs.shN, truth.sh[:, 1:])
    gsply.plywrite(tmp_path / "theirs.ply", theirs)
    assert_same(read_gaussians(tmp_path / "theirs.ply"), truth)


@pytest.mark.parametrize(("text", "order"), [(True, "="), (False, "<"), (False, ">")])
def test_every_encoding_type_and_neighbour(
    some: Draw, assert_same: Callable, tmp_path: Path, text: bool, order: str
) -> None:
    truth = some(degree=1)
    table = parsed(encoded_gaussians(truth, ".ply"))["vertex"].data
    wide = table.astype([(name, "f8") for name in table.dtype.names])
    before = plyfile.PlyElement.describe(np.array([(7, 1.5)], [("id", "i4"), ("gain", "f8")]), "camera")
    after = plyfile.PlyElement.describe(np.array([([0, 1, 2],)], [("vertex_indices", "i4", (3,))]), "face")
    elements = [before, plyfile.PlyElement.describe(wide, "vertex"), after]
    plyfile.PlyData(elements, text=text, byte_order=order, comments=["of another program"]).write(tmp_path / "x.ply")
    assert_same(read_gaussians(tmp_path / "x.ply"), truth)


def test_the_reflected_branch_stands_beside_the_transmitted_one(some: Draw, tmp_path: Path) -> None:
    before = some(degree=3, reflected=5)
    write_gaussians(tmp_path / "both.ply", before)
    after = read_gaussians(tmp_path / "both.ply").reflection
    np.testing.assert_array_equal(after.sh, before.reflection.sh)
    np.testing.assert_allclose(after.opacities, before.reflection.opacities, atol=1e-6)
    np.testing.assert_allclose(after.weights, before.reflection.weights, atol=1e-6)
    vertex = parsed((tmp_path / "both.ply").read_bytes())["vertex"]
    np.testing.assert_array_equal(vertex["f_ref_dc_2"], before.reflection.sh[:, 0, 2])
    np.testing.assert_array_equal(vertex["f_ref_rest_35"], before.reflection.sh[:, 1, 1])
    np.testing.assert_allclose(vertex["beta"], logit(before.reflection.weights), rtol=1e-4)
    plain = [p.name for p in vertex.properties if not p.name.startswith(("f_ref", "ref_", "beta"))]
    assert plain[:6] == ["x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2"]
    assert plain[-8:] == ["opacity", *(f"scale_{i}" for i in range(3)), *(f"rot_{i}" for i in range(4))]


@pytest.mark.parametrize("name", ["ref_opacity", "beta", "f_ref_dc_1"])
def test_half_a_reflected_branch_is_refused(some: Draw, name: str) -> None:
    data = encoded_gaussians(some(degree=0, reflected=0), ".ply").replace(f"float {name}\n".encode(), b"float spare\n")
    with pytest.raises(InvalidInput, match=f"{name}.*no such property"):
        read_gaussians(data)


def test_opacities_of_zero_and_one_survive_their_logits(some: Draw) -> None:
    g = some(count=3)
    edge = Gaussians(g.means, g.quats, g.scales, [0, 1, 0.5], g.sh)
    np.testing.assert_array_equal(read_gaussians(encoded_gaussians(edge, ".ply")).opacities, [0, 1, 0.5])


@pytest.mark.parametrize("antialiased", [True, False])
def test_the_render_mode_is_kept_as_brush_writes_it(some: Draw, antialiased: bool) -> None:
    g = some()
    marked = Gaussians(g.means, g.quats, g.scales, g.opacities, g.sh, antialiased=antialiased)
    data = encoded_gaussians(marked, ".ply")
    assert (b"comment SplatRenderMode: mip\n" in data) == antialiased
    assert read_gaussians(data).antialiased == antialiased


def test_scales_that_underflow_stay_above_zero(some: Draw) -> None:
    table = parsed(encoded_gaussians(some(count=2), ".ply"))["vertex"].data.copy()
    table["scale_1"] = [-1e4, 0]
    stream = io.BytesIO()
    plyfile.PlyData([plyfile.PlyElement.describe(table, "vertex")], byte_order="<").write(stream)
    scales = read_gaussians(stream.getvalue()).scales[:, 1]
    assert 0 < scales[0] < 1e-37
    assert scales[1] == 1


def test_a_comment_in_another_encoding_is_one_line(some: Draw) -> None:
    data = encoded_gaussians(some(), ".ply")
    marked = data.replace(b"element vertex", "comment von \x85 später\nelement vertex".encode("latin-1"), 1)
    np.testing.assert_array_equal(read_gaussians(marked).means, read_gaussians(data).means)


@pytest.mark.parametrize("gap", [b" ", b"\n", b" \r\n"])
def test_an_ascii_ply_is_read_piece_by_piece(some: Draw, assert_same: Callable, gap: bytes, monkeypatch: Any) -> None:
    g = some(count=30, degree=1)
    columns = read_vertices(encoded_gaussians(g, ".ply"), "scene.ply").columns
    numbers = np.stack(list(columns.values()), axis=1)
    header, _ = encoded_gaussians(g, ".ply").split(b"end_header\n", 1)
    words = gap.join(repr(float(number)).encode() for number in numbers.reshape(-1))
    for piece in (1, 7, 1 << 16):
        monkeypatch.setattr(vertices, "PIECE", piece)
        assert_same(read_gaussians(header.replace(b"binary_little_endian", b"ascii") + b"end_header\n" + words), g)
