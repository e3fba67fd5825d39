"""Meshes and clouds in .ply and .obj: against plyfile and trimesh, and what is refused."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import plyfile
import pytest
import trimesh

from tellurion_client.clouds import read_cloud
from tellurion_client.clouds.cloud import Cloud
from tellurion_client.clouds.obj import read_obj
from tellurion_client.clouds.ply import read_ply
from tellurion_client.clouds.surface import Mesh
from tellurion_core.errors import InvalidInput

VERTICES = [("x", "f8"), ("y", "f8"), ("z", "f8"), ("red", "u1"), ("green", "u1"), ("blue", "u1")]
SQUARE = "v 0 0 0\nv 2 0 0\nv 2 2 0\nv 0 2 0\n"


def refused(path: Path, *words: str, most: int = 100_000) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_cloud(path, most=most)
    assert Path(caught.value.violations[0].field).name == path.name
    for word in words:
        assert word in str(caught.value)


def written(path: Path, rows: np.ndarray, faces: list[list[int]] | None = None, **form: object) -> Path:
    elements = [plyfile.PlyElement.describe(rows, "vertex")]
    if faces is not None:
        table = np.empty(len(faces), [("flags", "u1"), ("vertex_indices", object)])
        for row, face in zip(table, faces, strict=True):
            row["flags"], row["vertex_indices"] = 7, np.array(face, np.int32)
        elements.append(plyfile.PlyElement.describe(table, "face"))
    plyfile.PlyData(elements, **form).write(path)
    return path


def obj(tmp_path: Path, text: str) -> Path:
    (tmp_path / "a.obj").write_text(text)
    return tmp_path / "a.obj"


def ply(tmp_path: Path, header: str, body: bytes = b"") -> Path:
    (tmp_path / "a.ply").write_bytes(f"ply\n{header}\nend_header\n".encode() + body)
    return tmp_path / "a.ply"


@pytest.fixture
def rows() -> np.ndarray:
    rng = np.random.default_rng(3)
    rows = np.empty(40, VERTICES)
    for name, kind in VERTICES:
        rows[name] = rng.normal(size=40) if kind == "f8" else rng.integers(0, 256, 40)
    return rows


FORMS = [{"text": True}, {"byte_order": "<"}, {"byte_order": ">"}]


@pytest.mark.parametrize("form", FORMS)
def test_vertices_as_plyfile_wrote_them(tmp_path: Path, rows: np.ndarray, form: dict[str, object]) -> None:
    read = read_cloud(written(tmp_path / "a.ply", rows, **form), most=40)
    assert np.array_equal(read.points, np.stack([rows[name] for name in "xyz"], axis=1))
    assert np.array_equal(read.colours, np.stack([rows[name] for name in ("red", "green", "blue")], axis=1))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("faces", [[[0, 1, 2], [2, 3, 4]], [[0, 1, 2], [5, 6, 7, 8], [9, 8, 7, 6, 5]], []])
def test_faces_as_plyfile_wrote_them(
    tmp_path: Path, rows: np.ndarray, faces: list[list[int]], form: dict[str, object]
) -> None:
    mesh = read_ply(written(tmp_path / "a.ply", rows, faces, **form), "a.ply", 40)
    ends = np.cumsum(mesh.sizes)
    assert [list(mesh.corners[end - size : end]) for end, size in zip(ends, mesh.sizes, strict=True)] == faces


def test_an_obj_as_trimesh_reads_it(tmp_path: Path) -> None:
    sphere = trimesh.creation.icosphere(subdivisions=1)
    path = obj(tmp_path, trimesh.exchange.obj.export_obj(sphere, include_normals=True))
    mesh = read_obj(path, "a.obj", 1000)
    assert np.allclose(mesh.vertices.points, sphere.vertices, atol=1e-7)
    assert np.array_equal(mesh.corners.reshape(-1, 3), sphere.faces)


def test_faces_of_an_obj_in_all_their_spellings(tmp_path: Path) -> None:
    text = SQUARE + "f 1/7/8 2//3 3/4 # a corner each\nf -4 -2 \\\n-1\nvt 0 0\nusemtl no.such\n"
    mesh = read_obj(obj(tmp_path, text), "a.obj", 9)
    assert mesh.corners.tolist() == [0, 1, 2, 0, 2, 3]
    assert mesh.sizes.tolist() == [3, 3]


def test_vertices_of_an_obj_alone_are_a_cloud(tmp_path: Path) -> None:
    read = read_cloud(obj(tmp_path, "v 0 0 0 1 0 0\nv 1 2 3 0 1 0.5\n"), most=2)
    assert read.points.tolist() == [[0, 0, 0], [1, 2, 3]]
    assert read.colours is not None
    assert read.colours.tolist() == [[255, 0, 0], [0, 255, 128]]


def test_a_surface_is_sampled_by_area(tmp_path: Path) -> None:
    # A unit square and, apart, a triangle of area 3: a quarter of the points are of the square.
    text = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv 10 0 0\nv 12 0 0\nv 10 3 0\nf 1 2 3 4\nf 5 6 7\n"
    points = read_cloud(obj(tmp_path, text), most=9, surface_points=40_000).points
    square = points[points[:, 0] < 5]
    assert len(square) / 40_000 == pytest.approx(1 / 4, abs=0.01)  # 4 standard errors
    assert square.mean(axis=0) == pytest.approx([0.5, 0.5, 0], abs=0.01)
    assert square.var(axis=0) == pytest.approx([1 / 12, 1 / 12, 0], abs=0.003)
    triangle = points[points[:, 0] > 5]
    assert triangle.mean(axis=0) == pytest.approx([10 + 2 / 3, 1, 0], abs=0.02)
    assert np.all((triangle[:, 0] - 10) / 2 + triangle[:, 1] / 3 <= 1 + 1e-12)


def test_the_seed_chooses_the_points(tmp_path: Path) -> None:
    path = obj(tmp_path, SQUARE + "f 1 2 3 4\n")
    first, again, other = (read_cloud(path, most=9, seed=seed, surface_points=50).points for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_colours_of_a_surface_are_those_of_its_corners_mixed() -> None:
    corners = Cloud(np.eye(3), np.diag([255, 255, 255]).astype(np.uint8))
    read = Mesh(corners, np.arange(3), np.array([3])).cloud(100, 0, "a")
    assert read.colours is not None
    assert np.abs(read.colours - 255 * read.points).max() <= 0.5 + 1e-9


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "an empty file"),
        ("o nothing\n", "no vertices"),
        (SQUARE + "f 1 2 9\n", "vertex 9"),
        (SQUARE + "f 1 2 0\n", "vertex 0;"),
        (SQUARE + "f 1 2 -5\n", "vertex 0;"),
        (SQUARE + "f 1 2 x\n", "f 1 2 x"),
        (SQUARE + "f 1 2 99999999999999999999\n", "f 1 2"),
        (SQUARE + "f 1 2 2\nf 3 3 3\n", "without area"),
        (SQUARE + "f 1 2\n", "without area"),
        ("v 0 0\n", "v 0 0"),
        ("v 0 0 one\n", "one"),
        ("v 0 0 nan\n", "z = nan"),
        ("v 1e30 0 0\nv 0 0 0\nv 0 1 0\nf 1 2 3\n", "x = 1e+30"),
        ("v 0 0 0 9 9 900\n", "a colour of 900"),
        ("v " + "0" * (1 << 20) + "\n", "does not end"),
        (" \\\n" * (1 << 19), "does not end"),
    ],
)
def test_an_obj_that_is_none(tmp_path: Path, text: str, word: str) -> None:
    refused(obj(tmp_path, text), word)


def test_more_than_asked_for_is_refused(tmp_path: Path, rows: np.ndarray) -> None:
    refused(obj(tmp_path, SQUARE), "at most 3", most=3)
    refused(obj(tmp_path, SQUARE + "f 1 2 3\n" * 17), "17 faces", "at most 16", most=4)
    refused(written(tmp_path / "a.ply", rows), "40 vertices", "at most 39", most=39)


XYZ = "property float x\nproperty float y\nproperty float z"
RGB = "property uchar red\nproperty uchar green\nproperty uchar blue"
BINARY = "format binary_little_endian 1.0\n"
LISTS = f"element vertex 3\n{XYZ}\nelement face 1\nproperty list char int vertex_index"
CORNERS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "<f4").tobytes()


@pytest.mark.parametrize(
    ("header", "body", "word"),
    [
        (f"{BINARY}element vertex 0\n{XYZ}", b"", "no vertices"),
        (f"{BINARY}element face 0\nproperty list uchar int vertex_index", b"", "no vertices"),
        (f"{BINARY}element vertex 1000000000\n{XYZ}", bytes(120), "1000000000 rows"),
        (f"format ascii 1.0\nelement vertex 1000000000\n{XYZ}", b"0 " * 60, "1000000000 rows"),
        (f"{BINARY}element vertex 1_000\n{XYZ}", bytes(120), "1_000"),
        (f"{BINARY}element vertex -1\n{XYZ}", bytes(120), "-1"),
        (f"{BINARY}element none 1000000000\nelement vertex 1\n{XYZ}", bytes(12), "none"),
        (f"{BINARY}element vertex 1\n{XYZ}\n{XYZ}", bytes(24), "each once"),
        (f"{BINARY}element vertex 1\nproperty list uchar int x", b"\1\0\0\0\0", "lists in vertices"),
        (
            f"{BINARY}element vertex 1\nproperty uchar red\nproperty uchar green\nproperty uchar blue",
            b"abc",
            "without x",
        ),
        (f"element vertex 1\n{XYZ}", bytes(12), "no format"),
        (f"format binary 1.0\nelement vertex 1\n{XYZ}", bytes(12), "format binary 1.0"),
        (f"{BINARY}element vertex 1\nproperty half x", bytes(12), "half"),
        (f"{BINARY}element vertex 1\n{XYZ}", np.array([0, np.inf, 0], "<f4").tobytes(), "y = inf"),
        (f"{BINARY}{LISTS}", CORNERS + b"\x03" + np.array([0, 1, 3], "<i4").tobytes(), "vertex 3"),
        (f"{BINARY}{LISTS}", CORNERS + b"\xff" + bytes(12), "a list of -1 numbers"),
        (f"{BINARY}{LISTS.replace('char int', 'uint int')}", CORNERS + b"\xff" * 16, "a list of 4294967295 numbers"),
        (
            f"{BINARY}{LISTS.replace('char int', 'uint uchar')}",
            CORNERS + b"\1\0\1\0" + bytes(65537),
            "65536 are the most",
        ),
        (f"format ascii 1.0\n{LISTS}", b"0 0 0 1 0 0 0 1 0 65537" + b" 0" * 65537, "65536 are the most"),
        (f"{BINARY}{LISTS.replace('char int', 'char float')}", CORNERS + b"\x03" + bytes(12), "float"),
        (f"{BINARY}{LISTS.replace('char int', 'float int')}", CORNERS + bytes(16), "property list float int"),
        (f"format ascii 1.0\n{LISTS}", b"0 0 0 1 0 0 0 1 0 3 0 1", "2 of 3 numbers"),
        (f"format ascii 1.0\n{LISTS}", b"0 0 0 1 0 0 0 1 0 x 0 1 2", "x"),
        (f"format ascii 1.0\nelement vertex 2\n{XYZ}", b"0 0 0 1 0   ", "6"),
    ],
)
def test_a_ply_that_is_none(tmp_path: Path, header: str, body: bytes, word: str) -> None:
    refused(ply(tmp_path, header, body), word)


@pytest.mark.parametrize("form", [*FORMS, None])
def test_damaged_files_are_bad_input(tmp_path: Path, rows: np.ndarray, form: dict[str, object] | None) -> None:
    path, rng = tmp_path / ("a.obj" if form is None else "a.ply"), np.random.default_rng(0)
    if form is None:
        obj(tmp_path, SQUARE + "f 1/1 2/2 3/3 4/4\nf -1 -2 -3\n")
    else:
        written(path, rows, [[0, 1, 2], [5, 6, 7, 8]], **form)
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    for _ in range(100):
        data = whole.copy()
        data[rng.integers(0, len(data), 2)] = rng.integers(0, 256, 2)
        path.write_bytes(data[: rng.integers(1, 3 * len(data))].tobytes())
        with suppress(InvalidInput):
            assert np.isfinite(read_cloud(path, most=100, surface_points=10).points).all()


def test_a_binary_file_that_is_one_byte_short_is_refused_before_it_is_read(tmp_path: Path, rows: np.ndarray) -> None:
    path = written(tmp_path / "a.ply", rows, byte_order="<")
    path.write_bytes(path.read_bytes()[:-1])
    size = rows.dtype.itemsize * len(rows)
    refused(path, f"{size - 1} of {size} bytes of 40 rows")


def test_faces_are_told_of_as_each_format_counts_them(tmp_path: Path) -> None:
    refused(obj(tmp_path, f"{SQUARE}f 1 2 5\n"), "a face at vertex 5; accepted: 1 to 4")
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    rows = np.array([tuple(each) for each in corners], [("x", "f8"), ("y", "f8"), ("z", "f8")])
    refused(written(tmp_path / "b.ply", rows, [[0, 1, 3]]), "a face at vertex 3; accepted: 0 to 2")
