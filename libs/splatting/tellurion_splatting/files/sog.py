"""Gaussians in SOG, version 2: a meta.json and lossless images whose pixels are Gaussians, in a zip or a folder.

Source: PlayCanvas's specification of the format. It calls its axes right-up-back, yet its own converter, and others
after it, put a PLY's numbers into it as they are; so does this one, and a scene keeps the axes it had.
"""

from __future__ import annotations

import io
import json
import math
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tellurion_core.errors import InvalidInput
from tellurion_splatting.files.bounds import MAX_BYTES, check_growth, file_bytes, inside, parsed_json
from tellurion_splatting.files.codebooks import ENTRIES, codebook, palette
from tellurion_splatting.files.rotations import from_smallest_three, smallest_three
from tellurion_splatting.gaussians import Gaussians

META = "meta.json"
MAX_META_BYTES = 1 << 20
MEMBER_GROWTH = 4
"""Bytes of a member per byte of the zip: its images are compressed already."""
MAX_DEGREE = 3
MAX_COUNT = 1 << 28
"""Gaussians that fit into one lossless WebP of 16 383 pixels a side."""
PER_ROW = 64
"""Palette entries in a row of pixels."""
SPARE_PIXELS = 1 << 16
"""Pixels beyond four a Gaussian that an image may have: its sides are whole and often multiples of four."""
QUATERNION_TAG = 252
"""Alpha of a rotation whose first component is the largest; the others follow."""

Pixels = NDArray[np.uint8]
Load = Callable[[str], bytes]


def read_sog(data: bytes, field: str, most: int) -> Gaussians:
    """The Gaussians of a zipped SOG, of at most so many bytes in memory.

    Raises InvalidInput: not SOG, another version, something missing, or so few bytes for so many Gaussians as only a
    bomb has; a member is cut off or damaged.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, struct.error, OSError, NotImplementedError) as error:
        raise InvalidInput.of(field, received="the zip is cut off or damaged", accepted="a whole file") from error

    def load(name: str) -> bytes:
        try:
            member = archive.getinfo(name)
        except KeyError as error:
            raise InvalidInput.of(field, received=f"no {name}", accepted=f"a member {name}") from error
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            received = f"{name}, compressed by method {member.compress_type}"
            raise InvalidInput.of(field, received=received, accepted="members stored or deflated")
        limit = MEMBER_GROWTH * len(data) + MAX_META_BYTES
        try:
            with archive.open(member) as stream:
                content = stream.read(limit + 1)
        except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError) as error:
            raise InvalidInput.of(field, received=f"{name} is cut off or damaged", accepted="a whole file") from error
        except (RuntimeError, NotImplementedError) as error:
            raise InvalidInput.of(field, received=f"{name}: {error}", accepted="members stored or deflated") from error
        if len(content) > limit:
            raise InvalidInput.of(f"{field}.{name}", received="more", accepted=f"at most {limit} bytes unpacked")
        return content

    with archive:
        return _read(load, len(data), field, most)


def read_sog_folder(folder: Path, field: str, most: int) -> Gaussians:
    """The same of a SOG whose files lie in a folder.

    Raises as `read_sog`, and InvalidInput where the folder cannot be read, or a file that meta.json names lies outside.
    """
    try:
        size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise InvalidInput.of(field, received=error.strerror, accepted="a folder that can be read") from error

    def load(name: str) -> bytes:
        return file_bytes(inside(folder, name, field), name, MAX_META_BYTES if name == META else MAX_BYTES)

    return _read(load, size, field, most)


def written_sog(gaussians: Gaussians) -> bytes:
    """The zip of some Gaussians; harmonics above degree 3 are left out, what is kept is quantised."""
    side = max(4, math.ceil(math.sqrt(len(gaussians)) / 4) * 4)
    shape = (max(4, math.ceil(len(gaussians) / side / 4) * 4), side)
    files: dict[str, bytes] = {}

    def image(name: str, *channels: NDArray[Any]) -> str:
        files[name] = _webp(np.column_stack(channels), shape)
        return name

    logs = np.sign(gaussians.means) * np.log1p(np.abs(gaussians.means.astype(np.float64)))
    low, high = (logs.min(axis=0), logs.max(axis=0)) if len(logs) else np.zeros((2, 3))
    steps = np.rint(65535 * (logs - low) / np.where(high > low, high - low, 1)).astype(np.uint16)
    scale_book, scales = codebook(np.log(gaussians.scales))
    color_book, colors = codebook(gaussians.sh[:, 0])
    largest, others = smallest_three(gaussians.quats)
    meta: dict[str, Any] = {
        "version": 2,
        "count": len(gaussians),
        "antialias": gaussians.antialiased,
        "means": {
            "mins": low.tolist(),
            "maxs": high.tolist(),
            "files": [image("means_l.webp", steps & 255), image("means_u.webp", steps >> 8)],
        },
        "scales": {"codebook": scale_book.tolist(), "files": [image("scales.webp", scales)]},
        "quats": {"files": [image("quats.webp", np.rint(255 * (others / 2 + 0.5)), QUATERNION_TAG + largest)]},
        "sh0": {
            "codebook": color_book.tolist(),
            "files": [image("sh0.webp", colors, np.rint(255 * gaussians.opacities))],
        },
    }
    if degree := min(gaussians.degree, MAX_DEGREE):
        rest = gaussians.sh[:, 1 : (degree + 1) ** 2]
        centres, labels = palette(rest.reshape(len(rest), 3 * rest.shape[1]))
        book, entries = codebook(centres)
        rows = max(1, math.ceil(len(centres) / PER_ROW))
        files["shN_centroids.webp"] = _webp(entries.reshape(-1, 3), (rows, PER_ROW * rest.shape[1]))
        meta["shN"] = {
            "count": len(centres),
            "bands": degree,
            "codebook": book.tolist(),
            "files": ["shN_centroids.webp", image("shN_labels.webp", labels & 255, labels >> 8)],
        }
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        for name, content in {META: json.dumps(meta).encode(), **files}.items():
            writer.writestr(zipfile.ZipInfo(name), content)
    return archive.getvalue()


def _read(load: Load, size: int, field: str, most: int) -> Gaussians:
    meta = _Meta(parsed_json(load(META), META, MAX_META_BYTES))
    if (version := meta.value("version")) != 2:
        raise InvalidInput.of(f"{field}.version", received=version, accepted="2")
    count = meta.integer("count", 0, MAX_COUNT)
    degree = meta.integer("shN.bands", 1, MAX_DEGREE) if meta.value("shN") is not None else 0
    check_growth(4 * count * (11 + 3 * (degree + 1) ** 2), size, f"{field}.count", most)

    def image(name: str, index: int = 0) -> Pixels:
        return _pixels(load(meta.file(name, index)), count, f"{field}.{name}")

    low, high = meta.numbers("means.mins", 3), meta.numbers("means.maxs", 3)
    steps = image("means", 0)[:, :3] + 256.0 * image("means", 1)[:, :3]
    logs = low + steps / 65535 * np.where(high > low, high - low, 1)
    quats, color = image("quats"), image("sh0")
    if (wrong := quats[:, 3] < QUATERNION_TAG).any():
        received, accepted = f"a tag of {quats[np.argmax(wrong), 3]}", "252…255, the largest component of a rotation"
        raise InvalidInput.of(f"{field}.quats[{np.argmax(wrong)}]", received=received, accepted=accepted)
    with np.errstate(over="ignore"):  # what overflows is infinite, which Gaussians refuse
        means = np.sign(logs) * np.expm1(np.abs(logs))
        scales = np.exp(meta.looked_up("scales", image("scales")[:, :3]))
    sh = meta.looked_up("sh0", color[:, :3])[:, None]
    if degree:
        sh = np.concatenate([sh, _rest(meta, load, image("shN", 1), degree, field)], axis=1)
    return Gaussians(
        means=means,
        quats=from_smallest_three(quats[:, 3] - QUATERNION_TAG, quats[:, :3] / 127.5 - 1),
        scales=scales,
        opacities=color[:, 3] / 255,
        sh=sh,
        antialiased=meta.value("antialias") is True,
    )


def _rest(meta: _Meta, load: Load, pixels: Pixels, degree: int, field: str) -> NDArray[np.float64]:
    """[N, K−1, 3] the harmonics above degree 0, from the palette."""
    coefficients, entries = (degree + 1) ** 2 - 1, meta.integer("shN.count", 0, 1 << 16)
    labels = pixels[:, 0] + 256 * pixels[:, 1].astype(np.intp)
    if labels.max(initial=-1) >= entries:
        accepted = f"0…{entries - 1}, an entry of the palette"
        raise InvalidInput.of(f"{field}.shN", received=f"label {labels.max()}", accepted=accepted)
    centroids = _pixels(load(meta.file("shN", 0)), entries * coefficients, f"{field}.shN", PER_ROW * coefficients)
    return meta.looked_up("shN", centroids[:, :3].reshape(entries, coefficients, 3))[labels]


def _webp(pixels: NDArray[Any], shape: tuple[int, int]) -> bytes:
    """An image of [N, channels] values in row order, padded to its shape; opaque where no alpha is given."""
    table = np.zeros((shape[0] * shape[1], 4), np.uint8)
    table[:, 3] = 255
    table[: len(pixels), : pixels.shape[1]] = pixels
    stream = io.BytesIO()
    # `exact` keeps the colours of pixels whose alpha is zero.
    Image.fromarray(table.reshape(*shape, 4)).save(stream, "WEBP", lossless=True, exact=True)
    return stream.getvalue()


def _pixels(content: bytes, count: int, field: str, width: int | None = None) -> Pixels:
    """[count, 4] the first pixels of an image, decoded once its header's size is known to be honest."""
    largest = 4 * count + SPARE_PIXELS
    try:
        with Image.open(io.BytesIO(content), formats=("WEBP", "PNG")) as image:
            if not count <= image.width * image.height <= largest or width not in (None, image.width):
                accepted = f"{count}…{largest} pixels" + (f", {width} a row" if width else "")
                raise InvalidInput.of(field, received=f"{image.width}×{image.height} pixels", accepted=accepted)
            return np.asarray(image.convert("RGBA")).reshape(-1, 4)[:count]
    except (Image.DecompressionBombError, Image.UnidentifiedImageError) as error:
        raise InvalidInput.of(field, received="no image that can be read", accepted="a lossless WebP") from error
    except (OSError, SyntaxError, ValueError) as error:  # whatever Pillow's decoders say of damaged files
        raise InvalidInput.of(field, received="the image is cut off or damaged", accepted="a whole file") from error


class _Meta:
    """A meta.json, whose every value may be anything."""

    def __init__(self, content: dict[str, Any]) -> None:
        self._content = content

    def value(self, path: str) -> Any:
        """What stands under a dotted path, or None."""
        found: Any = self._content
        for key in path.split("."):
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def integer(self, path: str, low: int, high: int) -> int:
        found = self.value(path)
        if not isinstance(found, int) or not low <= found <= high:
            raise InvalidInput.of(f"{META}.{path}", received=found, accepted=f"{low}…{high}")
        return found

    def numbers(self, path: str, count: int) -> NDArray[np.float64]:
        """Up to 256 finite numbers, or exactly `count`."""
        found = self.value(path)
        numeric = isinstance(found, list) and all(isinstance(x, (int, float)) and abs(x) < 1e30 for x in found)
        if not numeric or (len(found) != count if count else not 0 < len(found) <= ENTRIES):
            raise InvalidInput.of(f"{META}.{path}", received=found, accepted=f"{count or '1…256'} finite numbers")
        return np.array(found, np.float64)

    def file(self, name: str, index: int) -> str:
        found = self.value(f"{name}.files")
        if not isinstance(found, list) or len(found) <= index or not isinstance(found[index], str):
            raise InvalidInput.of(f"{META}.{name}.files", received=found, accepted=f"{index + 1} or more file names")
        return found[index]

    def looked_up(self, name: str, entries: Pixels) -> NDArray[np.float64]:
        """The values of a codebook that bytes stand for."""
        book = self.numbers(f"{name}.codebook", 0)
        if entries.max(initial=0) >= len(book):
            accepted = f"{entries.max() + 1} values, as many as its image uses"
            raise InvalidInput.of(f"{META}.{name}.codebook", received=f"{len(book)} values", accepted=accepted)
        return book[entries]
