"""Images are looked at, not decoded at length, and what cannot be shown is said to be so."""

from __future__ import annotations

import io
import os
import random
import struct
import tracemalloc
import zlib

import pytest
from PIL import Image

from tellurion_benchmark import media


def noise(form: str) -> bytes:
    """An image that does not compress, so that its second half is all image."""
    file = io.BytesIO()
    Image.frombytes("RGB", (120, 90), random.Random(1).randbytes(120 * 90 * 3)).save(file, form)
    return file.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """The header of a PNG, and no pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.fixture
def examine(tmp_path):
    def examine(content: bytes) -> media.Picture:
        (tmp_path / "image").write_bytes(content)
        return media.examine(tmp_path / "image")

    return examine


@pytest.mark.parametrize("form", media.FORMATS)
def test_an_image_that_is_whole_has_a_size_and_no_fault(examine, form):
    picture = examine(noise(form))
    assert (picture.width, picture.height, picture.fault) == (120, 90, None)


@pytest.mark.parametrize("form", media.FORMATS)
@pytest.mark.parametrize("kept", [0.5, 0.95])
def test_an_image_that_ends_too_soon_is_damaged(examine, form, kept):
    whole = noise(form)
    assert examine(whole[: int(len(whole) * kept)]).fault == media.DAMAGED


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"%PDF-1.7", b"GIF", b"\x00" * 4096])
def test_what_is_no_image_is_said_to_be_none(examine, content):
    assert examine(content).fault == media.NO_IMAGE


def test_a_format_that_models_do_not_take_is_no_image(examine):
    assert examine(noise("PPM")).fault == media.NO_IMAGE


@pytest.mark.parametrize(("width", "height"), [(10_000, 10_000), (10_001, 5_000), (60_000, 60_000)])
def test_a_hundred_megapixels_are_refused_without_being_decoded(examine, width, height):
    tracemalloc.start()
    fault = examine(png_that_claims(width, height)).fault
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert fault == media.TOO_LARGE
    assert peak < 2**20


def test_fifty_megapixels_are_taken(examine):
    assert examine(png_that_claims(10_000, 5_000)).fault is None


def test_a_small_image_at_the_head_of_a_large_file_is_too_large(tmp_path):
    (tmp_path / "image.png").write_bytes(noise("PNG"))
    os.truncate(tmp_path / "image.png", media.MOST_BYTES + 1)
    assert media.examine(tmp_path / "image.png").fault == media.TOO_LARGE


def test_a_file_that_is_gone_is_missing(tmp_path):
    assert media.examine(tmp_path / "none.png").fault == media.MISSING
