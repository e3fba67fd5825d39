"""Files that lie, end early or would fill the memory: a clear error, soon, and little memory for it."""

from __future__ import annotations

import gzip
import io
import json
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tellurion_core.errors import InvalidInput
from tellurion_splatting.files import encoded_gaussians, read_gaussians, write_gaussians
from tellurion_splatting.files.vertices import read_vertices
from tellurion_splatting.gaussians import Gaussians

SUFFIXES = [".ply", ".splat", ".spz", ".sog"]
MEMORY = 64 << 20
SECONDS = 1.0


def header(count: int, *properties: str, form: str = "binary_little_endian") -> bytes:
    lines = ["ply", f"format {form} 1.0", f"element vertex {count}", *(f"property {p}" for p in properties)]
    return "\n".join([*lines, "end_header", ""]).encode()


def ply(count: int, rest: int = 0, body: bytes = b"", form: str = "binary_little_endian") -> bytes:
    names = ["x", "y", "z", *(f"f_dc_{i}" for i in range(3)), *(f"f_rest_{i}" for i in range(rest)), "opacity"]
    names += [*(f"scale_{i}" for i in range(3)), *(f"rot_{i}" for i in range(4))]
    return header(count, *(f"float {name}" for name in names), form=form) + body


def spz(count: int, body: bytes, *, degree: int = 0, bits: int = 12) -> bytes:
    return gzip.compress(
        struct.pack("<IIIBBBB", 0x5053474E, 3, count, degree, bits, 0, 0) + body, compresslevel=1, mtime=0
    )


def webp(width: int, height: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGBA", (width, height), (1, 2, 3, 255)).save(stream, "WEBP", lossless=True, method=0)
    return stream.getvalue()


def sog(files: dict[str, bytes] | None = None, compression: int = zipfile.ZIP_STORED, **meta: Any) -> bytes:
    """A SOG of 16 Gaussians, whole but for what is replaced."""
    tile = webp(4, 4)
    book = [0.0] * 256
    content = {
        "version": 2,
        "count": 16,
        "means": {"mins": [0, 0, 0], "maxs": [1, 1, 1], "files": ["means_l.webp", "means_u.webp"]},
        "scales": {"codebook": book, "files": ["scales.webp"]},
        "quats": {"files": ["quats.webp"]},
        "sh0": {"codebook": book, "files": ["sh0.webp"]},
        **meta,
    }
    names = ("means_l.webp", "means_u.webp", "scales.webp", "quats.webp", "sh0.webp")
    members = {"meta.json": json.dumps(content).encode(), **dict.fromkeys(names, tile), **(files or {})}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression, compresslevel=1) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


ZEROS = bytes(128 << 20)
BOMBS: dict[str, Callable[[], tuple[bytes, str]]] = {
    "a PLY of 10¹² vertices": lambda: (ply(10**12), ".ply"),
    "an ascii PLY of 10¹² vertices": lambda: (ply(10**12, form="ascii", body=b"0 " * 100), ".ply"),
    "a PLY of more vertices than 64 bits": lambda: (ply(10**40), ".ply"),
    "a PLY with a huge element before": lambda: (
        b"ply\nformat binary_little_endian 1.0\nelement a 999999999999999999\nproperty double q\n" + ply(1)[37:],
        ".ply",
    ),
    "a PLY whose header never ends": lambda: (b"ply\n" + b"comment x\n" * 1_000_000, ".ply"),
    "an SPZ of 128 MiB of zeros": lambda: (spz(1, ZEROS), ".spz"),
    "an SPZ of 4·10⁹ Gaussians": lambda: (spz(2**32 - 1, bytes(1000)), ".spz"),
    "an SPZ whose Gaussians are a bomb": lambda: (spz(len(ZEROS) // 20, ZEROS), ".spz"),
    "a SOG whose meta.json is a bomb": lambda: (sog({"meta.json": ZEROS}, zipfile.ZIP_DEFLATED), ".sog"),
    "a SOG whose image is a bomb": lambda: (sog({"means_l.webp": ZEROS}, zipfile.ZIP_DEFLATED), ".sog"),
    "a SOG of 10¹² Gaussians": lambda: (sog(count=10**12), ".sog"),
    "a SOG of 16 Gaussians in large images": lambda: (sog({"means_l.webp": webp(2500, 2500)}), ".sog"),
    "a SOG whose count is that of its large images": lambda: (
        sog(dict.fromkeys(("means_l.webp", "means_u.webp", "sh0.webp"), webp(2000, 2000)), count=4_000_000),
        ".sog",
    ),
    "a SOG of half a million lists": lambda: (sog(scales=[[]] * 300_000), ".sog"),
    "an ascii PLY of a million words less some": lambda: (
        ply(1_000_000 // 14, form="ascii", body=b"1 " * 999_000),
        ".ply",
    ),
    "a SOG of nested lists": lambda: (sog({"meta.json": b"[" * 100_000}), ".sog"),
}


@pytest.fixture(scope="module")
def bombs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bombs")
    for number, make in enumerate(BOMBS.values()):
        data, suffix = make()
        (folder / f"{number:02}{suffix}").write_bytes(data)
    return folder


@pytest.mark.parametrize("number", range(len(BOMBS)), ids=list(BOMBS))
def test_a_bomb_is_refused_within_a_second(bombs: Path, number: int) -> None:
    (path,) = bombs.glob(f"{number:02}.*")
    start = time.process_time()
    with pytest.raises(InvalidInput) as caught:
        read_gaussians(path)
    assert time.process_time() - start < SECONDS
    assert len(caught.value.message) < 500


def test_no_bomb_takes_64_mebibytes(bombs: Path) -> None:
    """In a process of its own, where the memory of the image decoders counts too."""
    script = """
import resource, sys
from pathlib import Path
from tellurion_core.errors import InvalidInput
from tellurion_splatting.files import read_gaussians
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before, refused = peak(), 0
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        read_gaussians(path)
    except InvalidInput:
        refused += 1
print(refused, peak() - before)
"""
    run = subprocess.run([sys.executable, "-c", script, str(bombs)], capture_output=True, text=True, check=True)
    refused, kibibytes = map(int, run.stdout.split())
    assert refused == len(BOMBS)
    assert 1024 * kibibytes < MEMORY


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_cut_off_at_any_of_64_places_is_an_error(some: Callable, suffix: str) -> None:
    data = encoded_gaussians(some(count=40, degree=1), suffix)
    places = np.unique(np.linspace(0, len(data) - 1, 64).astype(int))
    if suffix == ".splat":
        places = places[places % 32 != 0]  # a file without a header that ends after a record is a shorter file
    for place in places:
        with pytest.raises(InvalidInput):
            read_gaussians(data[:place], suffix)


@pytest.mark.parametrize("suffix", [".ply", ".spz", ".sog"])
def test_a_damaged_byte_is_an_error_or_another_set_but_never_a_crash(some: Callable, suffix: str) -> None:
    data = bytearray(encoded_gaussians(some(count=40, degree=1), suffix))
    places = {*np.linspace(0, len(data) - 1, 200).astype(int), *range(len(data) - 100, len(data))}
    for place in sorted(places):
        damaged = bytearray(data)
        damaged[place] ^= 0x55
        with suppress(InvalidInput):
            assert np.isfinite(read_gaussians(bytes(damaged), suffix).means).all()


@pytest.mark.parametrize("value", [0x00, 0x7F, 0x80, 0xFF])
def test_a_damaged_end_of_a_zip_is_an_error_or_another_set(some: Callable, value: int) -> None:
    data = encoded_gaussians(some(count=40, degree=1), ".sog")
    for place in range(len(data) - 100, len(data)):
        damaged = bytearray(data)
        damaged[place] = value
        with suppress(InvalidInput):
            read_gaussians(bytes(damaged), ".sog")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_by_methods_that_unpack_without_bound_are_refused(method: int) -> None:
    with pytest.raises(InvalidInput, match="stored or deflated"):
        read_gaussians(sog({}, method), ".sog")


@pytest.mark.parametrize("suffix", [".spz", ".sog"])
def test_damage_to_compressed_content_is_noticed(some: Callable, suffix: str) -> None:
    data = bytearray(encoded_gaussians(some(count=400, degree=0), suffix))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(InvalidInput, match="damaged"):
        read_gaussians(bytes(data), suffix)


@pytest.mark.parametrize("name", ["means", "scales", "quats", "opacities", "sh"])
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_a_gaussian_that_is_not_finite_is_refused_by_its_row(some: Callable, name: str, value: float) -> None:
    g = some(count=5)
    array = getattr(g, name).astype(np.float64)
    array[3] = value
    with pytest.raises(InvalidInput, match=rf"{name}\[3\].*finite"):
        replace(g, **{name: array})


@pytest.mark.parametrize("value", [np.nan, np.inf, 200.0])
def test_a_ply_whose_scale_is_not_finite_is_refused(value: float) -> None:
    row = np.array([0, 0, 0, 0, 0, 0, 0, 0, value, 0, 1, 0, 0, 0], "<f4")
    with pytest.raises(InvalidInput, match=r"scales\[0\].*finite"):
        read_gaussians(ply(1, body=row.tobytes()))


@pytest.mark.parametrize(
    ("changes", "accepted"),
    [
        ({"opacities": [0.5, 1.5]}, r"opacities\[1\].*0…1"),
        ({"opacities": [-0.1, 0.5]}, r"opacities\[0\].*0…1"),
        ({"scales": [[1, 1, 1], [1, -1, 1]]}, r"scales\[1\].*above zero"),
        ({"quats": [[1, 0, 0, 0], [0, 0, 0, 0]]}, r"quats\[1\].*norm"),
        ({"sh": np.zeros((2, 5, 3))}, r"sh.*5 coefficients.*1, 4, 9, 16, 25 or 36"),
        ({"sh": np.zeros((2, 49, 3))}, r"sh.*49 coefficients"),
        ({"sh": np.zeros((2, 0, 3))}, r"sh.*0 coefficients"),
        ({"means": np.zeros((3, 3))}, "quats.*shape"),
        ({"means": np.zeros(2)}, "means.*shape"),
    ],
)
def test_values_that_cannot_be_name_their_array(some: Callable, changes: dict, accepted: str) -> None:
    with pytest.raises(InvalidInput, match=accepted):
        replace(some(count=2), **changes)


@pytest.mark.parametrize("rest", [1, 3, 8, 44, 108])
def test_coefficients_that_fit_no_degree(rest: int) -> None:
    row = np.zeros(14 + rest, "<f4").tobytes()
    with pytest.raises(InvalidInput, match=r"f_rest.*coefficients"):
        read_gaussians(ply(1, rest, row))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "begins with"),
        (b"plyx\nend_header\n", "accepted"),
        (ply(0).replace(b"1.0", b"2.0"), "header"),
        (ply(0).replace(b"float x", b"quad x"), "quad"),
        (ply(0).replace(b"float y", b"float x"), "each once"),
        (ply(0).replace(b"vertex", b"point"), "no vertices"),
        (ply(0).replace(b"float x", b"list uchar int x"), "a list in element vertex"),
        (ply(0).replace(b" 0\n", b" -1\n"), "-1"),
        (ply(0).replace(b"scale_2", b"spare"), "scale_2.*no such property"),
        (ply(1, form="ascii", body=b"0 0 nought" + b" 0" * 11), "nought"),
        (header(0, "uint packed_position"), "compressed"),
    ],
)
def test_a_ply_that_cannot_be_followed(data: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_gaussians(data, ".ply")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (spz(1, bytes(20), degree=5), "degree 5"),
        (spz(1, bytes(20), bits=0), "0 fractional bits"),
        (spz(1, bytes(20), bits=40), "40 fractional bits"),
        (gzip.compress(bytes(40), mtime=0), "magic 0x00000000"),
        (sog(version=1), "version.*1"),
        (sog(count=-1), "count.*-1"),
        (sog(count="many"), "count.*many"),
        (sog(count=17), r"at least|17…"),
        (sog(means={"mins": [0, 0], "maxs": [1, 1, 1], "files": []}), "means.mins"),
        (sog(means={"mins": [0, 0, float("nan")], "maxs": [1, 1, 1], "files": ["a", "b"]}), "means.mins"),
        (sog(means={"mins": [0, 0, 0], "maxs": [1, 1, 1e29], "files": ["means_l.webp", "means_u.webp"]}), "finite"),
        (sog(means={"mins": [0, 0, 0], "maxs": [1, 1, 1], "files": ["a.webp", 7]}), "no a.webp"),
        (sog(scales={"codebook": [], "files": ["scales.webp"]}), "scales.codebook"),
        (sog(scales={"codebook": [0.0], "files": ["scales.webp"]}), "scales.codebook.*1 values"),
        (sog(quats={"files": ["quats.webp", 3]}, files={"quats.webp": b"no image"}), "no image"),
        (sog(shN={"count": 1, "bands": 9}), "shN.bands"),
        (sog({"meta.json": b"\xff\xfe"}), "JSON"),
        (sog({"meta.json": b"[]"}), "an object|a JSON object"),
    ],
    ids=lambda value: value if isinstance(value, str) else "file",
)
def test_a_compressed_file_that_cannot_be_followed(data: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_gaussians(data)


def test_a_label_beyond_the_palette_is_refused(some: Callable) -> None:
    whole = zipfile.ZipFile(io.BytesIO(encoded_gaussians(some(count=16, degree=1), ".sog")))
    files = {name: whole.read(name) for name in whole.namelist() if name != "meta.json"}
    meta = json.loads(whole.read("meta.json"))
    meta["shN"]["count"] = 8
    with pytest.raises(InvalidInput, match=r"shN.*label 15.*0…7"):
        read_gaussians(sog(files, **meta))


def test_a_folder_of_sog_is_not_left(some: Callable, tmp_path: Path) -> None:
    folder = tmp_path / "scene"
    zipfile.ZipFile(io.BytesIO(encoded_gaussians(some(degree=0), ".sog"))).extractall(folder)
    (folder / "sh0.webp").rename(tmp_path / "sh0.webp")
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "link.webp").symlink_to(tmp_path / "sh0.webp")
    for name in ("../sh0.webp", str(tmp_path / "sh0.webp"), "link.webp", "a\0b"):
        meta["sh0"]["files"] = [name]
        (folder / "meta.json").write_text(json.dumps(meta))
        with pytest.raises(InvalidInput, match="within the folder"):
            read_gaussians(folder)


def test_numbers_of_an_ascii_ply_take_little_more_than_their_bytes() -> None:
    data = ply(100_000, form="ascii", body=b"\n".join([b"1 " * 14] * 100_000))
    tracemalloc.start()
    vertices = read_vertices(data, "scene.ply")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(vertices) == 100_000
    assert peak < 5 * len(data)


def test_a_meta_json_is_not_read_beyond_its_bound(tmp_path: Path) -> None:
    with (tmp_path / "meta.json").open("wb") as stream:
        stream.truncate(256 << 20)
    tracemalloc.start()
    with pytest.raises(InvalidInput, match="268435456 bytes"):
        read_gaussians(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MEMORY


@pytest.mark.parametrize(
    "name", ["missing.ply", "folder.ply", "scene.obj", "scene", "a\0b.ply", "missing/meta.json", "scene/meta.json"]
)
def test_a_path_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.ply").mkdir()
    (tmp_path / "scene.obj").write_bytes(b"v 0 0 0")
    (tmp_path / "scene").write_bytes(b"v 0 0 0")
    with pytest.raises(InvalidInput):
        read_gaussians(tmp_path / name)


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(InvalidInput, match="Permission denied"):
        read_gaussians(tmp_path)


def test_the_suffix_and_the_content_must_agree(some: Callable, tmp_path: Path) -> None:
    (tmp_path / "scene.spz").write_bytes(encoded_gaussians(some(), ".ply"))
    with pytest.raises(InvalidInput, match=r"begins with b'ply.*\.spz"):
        read_gaussians(tmp_path / "scene.spz")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_bytes_without_a_suffix_are_told_by_how_they_begin(some: Callable, suffix: str) -> None:
    before = some(degree=0)
    np.testing.assert_allclose(read_gaussians(encoded_gaussians(before, suffix)).means, before.means, atol=1e-3)


@pytest.mark.parametrize("data", [b"", b"glTF"])
def test_bytes_that_begin_as_no_format(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="no known format"):
        read_gaussians(data)


def test_a_file_that_cannot_be_written_leaves_the_old_one(some: Callable, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="written"):
        write_gaussians(tmp_path / "nowhere" / "scene.ply", some())
    for name in ("a\0b.ply", "a\0b/scene.ply", f"{'long' * 100}.ply"):
        with pytest.raises(InvalidInput):
            write_gaussians(tmp_path / name, some())
    with pytest.raises(InvalidInput, match=r"\.obj.*\.ply, \.splat, \.spz, \.sog"):
        write_gaussians(tmp_path / "scene.obj", some())
    write_gaussians(tmp_path / "scene.ply", some())
    assert [path.name for path in tmp_path.iterdir()] == ["scene.ply"]


def test_a_file_beside_that_has_the_name_of_a_part_is_left_alone(some: Callable, tmp_path: Path) -> None:
    (tmp_path / ".scene.ply.part").write_bytes(b"mine")
    write_gaussians(tmp_path / "scene.ply", some())
    assert (tmp_path / ".scene.ply.part").read_bytes() == b"mine"
    assert (tmp_path / "scene.ply").stat().st_mode == (tmp_path / ".scene.ply.part").stat().st_mode


def test_reading_a_large_ply_takes_a_few_times_its_size() -> None:
    g = Gaussians(*(np.ones((20_000, *tail)) for tail in ((3,), (4,), (3,), (), (16, 3))))
    data = encoded_gaussians(g, ".ply")
    tracemalloc.start()
    read_gaussians(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * len(data)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_more_is_read_than_is_wanted(some: Callable[..., Gaussians], suffix: str) -> None:
    """Of a file, and of what its Gaussians take in memory."""
    data = encoded_gaussians(some(count=400, degree=0), suffix)
    size = 400 * 4 * 14
    assert len(read_gaussians(data, suffix, 2 * size)) == 400
    with pytest.raises(InvalidInput, match=f"at most {size // 4} bytes"):
        read_gaussians(data, suffix, size // 4)
