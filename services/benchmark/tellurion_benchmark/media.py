"""Images of a data set: whether each can be shown.

Only names that are listed beforehand are ever opened: what a data set calls `../secret.png` is missing, like any other
name that is not in the list.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP")
MOST_PIXELS = 50_000_000
MOST_BYTES = 64 << 20
"""Of a file: an endpoint is sent all of it, a third longer for its encoding."""

MISSING = "an image is missing"
NO_IMAGE = "an image is not a PNG, JPEG, WebP, GIF, TIFF or BMP file"
TOO_LARGE = "an image has more than 50 megapixels or 64 MiB"
DAMAGED = "an image is damaged"


@dataclass(frozen=True, slots=True)
class Picture:
    """What is known of one image."""

    sha256: str
    """Of the file's bytes, hexadecimal."""
    width: int
    """Pixels; 0 where it cannot be shown."""
    height: int
    """Pixels; 0 where it cannot be shown."""
    fault: str | None
    """Why it cannot be shown, in words that many images share; None where it can."""


def examine(path: Path) -> Picture:
    """Looks at an image without decoding what is too large, nor more of the rest than tells whether it is whole."""
    try:
        file = path.open("rb")
    except OSError:
        return Picture("", 0, 0, MISSING)
    with file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if file.tell() > MOST_BYTES:
            return Picture(sha256, 0, 0, TOO_LARGE)
        file.seek(0)
        try:
            width, height = _size_if_whole(file)
        except UnidentifiedImageError:
            return Picture(sha256, 0, 0, NO_IMAGE)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            return Picture(sha256, 0, 0, TOO_LARGE)
        except Exception:  # noqa: BLE001 -- decoders raise whatever their bytes lead them to
            return Picture(sha256, 0, 0, DAMAGED)
    return Picture(sha256, width, height, None)


def _size_if_whole(file: BinaryIO) -> tuple[int, int]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(file, formats=FORMATS) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise Image.DecompressionBombError
            if image.format == "PNG":
                image.verify()
            else:
                # A JPEG's blocks are only averaged: an eighth of the size is an eighth of the work.
                image.draft("RGB", (max(width // 8, 1), max(height // 8, 1)))
                image.load()
    return width, height
