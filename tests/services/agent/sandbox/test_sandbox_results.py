"""Results are JSON, NetCDF and PNG; what says that it is one and is none is refused by name."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import struct
import zlib
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from PIL import Image

from tellurion_agent.sandbox import results
from tellurion_agent.sandbox.results import Kind, collected
from tellurion_core.errors import InvalidInput, shown


def png(width: int = 1, height: int = 1, *, after: bytes = b"", sums: int = 0) -> bytes:
    """A grey picture, after the PNG specification."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\x00\x80")),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body) ^ sums)
        for kind, body in chunks
    ) + after  # fmt: skip


class Evil:
    def __reduce__(self):
        return os.mkdir, ("/tmp/unpickled",)


def test_results_come_with_hashes_made_here(tmp_path):
    (tmp_path / "answer.json").write_text(json.dumps({"value": 1.5, "sha256": "0" * 64}))
    Image.new("RGB", (30, 20)).save(tmp_path / "map.png")
    for name, form in (("classic.nc", "NETCDF3_CLASSIC"), ("modern.nc", "NETCDF4")):
        with netCDF4.Dataset(tmp_path / name, "w", format=form) as dataset:
            dataset.createDimension("x", 3)
    found = collected(tmp_path)
    assert [(result.name, result.kind) for result in found] == [
        ("answer.json", Kind.JSON),
        ("classic.nc", Kind.NETCDF),
        ("map.png", Kind.PNG),
        ("modern.nc", Kind.NETCDF),
    ]
    for result in found:
        content = (tmp_path / result.name).read_bytes()
        assert (result.sha256, result.size) == (hashlib.sha256(content).hexdigest(), len(content))


def test_an_empty_folder_has_no_results(tmp_path):
    assert collected(tmp_path) == []


FORGED = {
    "model.pkl": lambda path: path.write_bytes(pickle.dumps(Evil())),
    "objects.npy": lambda path: np.save(path, np.array([Evil()], dtype=object)),
    "arrays.npz": lambda path: np.savez(path, x=1),
    "page.html": lambda path: path.write_text("<script>"),
    "record.json.gz": lambda path: path.write_bytes(b"\x1f\x8b"),
    "no-ending": lambda path: path.write_text("{}"),
    "pickle.json": lambda path: path.write_bytes(pickle.dumps(Evil())),
    "pickle.nc": lambda path: path.write_bytes(pickle.dumps(Evil())),
    "pickle.png": lambda path: path.write_bytes(pickle.dumps(Evil())),
    "empty.json": lambda path: path.touch(),
    "empty.nc": lambda path: path.touch(),
    "empty.png": lambda path: path.touch(),
    "nan.json": lambda path: path.write_text('{"value": NaN}'),
    "latin.json": lambda path: path.write_bytes(b'"\xe9"'),
    "deep.json": lambda path: path.write_text("[" * 100_000 + "]" * 100_000),
    "cut.png": lambda path: path.write_bytes(png()[:-3]),
    "sum.png": lambda path: path.write_bytes(png(sums=1)),
    "longer.png": lambda path: path.write_bytes(png(after=b"<script>")),
    "bomb.png": lambda path: path.write_bytes(png(1 << 20, 1 << 20)),
    "length.png": lambda path: path.write_bytes(png()[:33] + b"\xff\xff\xff\xffIDAT"),
    "headless.png": lambda path: path.write_bytes(png()[:8] + png()[33:]),
    "link.json": lambda path: path.symlink_to("/etc/passwd"),
    "dangling.nc": lambda path: path.symlink_to("nowhere"),
    "second-name.json": lambda path: (path.write_text("{}"), path.with_name("other.json").hardlink_to(path)),
    "pipe.json": os.mkfifo,
    "device.json": lambda path: os.mknod(path, 0o20600, os.makedev(1, 5)),
    "folder.nc": Path.mkdir,
    ".hidden.json": lambda path: path.write_text("{}"),
    "with space.json": lambda path: path.write_text("{}"),
    "\x1b[31m.json": lambda path: path.write_text("{}"),
    "x" * 200 + ".json": lambda path: path.write_text("{}"),
}


@pytest.mark.parametrize("name", FORGED, ids=ascii)
def test_what_is_no_result_is_refused_by_name(tmp_path, name):
    FORGED[name](tmp_path / name)
    (tmp_path / "answer.json").write_text("1")
    with pytest.raises(InvalidInput) as caught:
        collected(tmp_path)
    received = [violation.received for violation in caught.value.violations]
    assert caught.value.reason == "RESULT_REFUSED"
    assert shown(name) in received
    assert "answer.json" not in received
    assert not Path("/tmp/unpickled").exists()


def test_a_picture_that_is_whole_is_none_of_these(tmp_path):
    (tmp_path / "grey.png").write_bytes(png())
    assert [result.kind for result in collected(tmp_path)] == [Kind.PNG]


def test_a_folder_that_is_a_link_is_not_entered(tmp_path):
    (tmp_path / "link").symlink_to("/etc")
    with pytest.raises(OSError, match="link"):
        collected(tmp_path / "link")


@pytest.mark.parametrize(
    ("most", "name"), [("MAX_FILE_BYTES", "large.nc"), ("MAX_JSON_BYTES", "large.json"), ("MAX_FILES", "large.json")]
)
def test_too_much_is_refused(tmp_path, monkeypatch, most, name):
    (tmp_path / name).write_text('"' + "x" * 100 + '"')
    (tmp_path / "small.json").write_text("1")
    monkeypatch.setattr(results, most, 1 if most == "MAX_FILES" else 64)
    with pytest.raises(InvalidInput, match="at most"):
        collected(tmp_path)
