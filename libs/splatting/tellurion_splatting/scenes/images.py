"""Photographs, masks and depth maps of a scene, read one at a time once their size is known to fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from tellurion_core.errors import InvalidInput

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
FORMATS = ("PNG", "JPEG", "WEBP")

Size = tuple[int, int]
"""Width and height in pixels."""


def image_size(path: Path) -> Size:
    """Width and height from the image's header; no pixel is decoded.

    Raises InvalidInput where it is not an image.
    """
    with _opened(path) as image:
        return image.size


def read_image(path: Path, size: Size) -> NDArray[np.float32]:
    """[H, W, 3] in [0, 1], in the file's own encoding of colour; what is transparent is black.

    Raises InvalidInput: not an image, of another size, or of more than 8 bits a channel; the pixels are cut off or
    damaged.
    """
    with _opened(path, size) as image:
        if image.mode.startswith(("I", "F")):  # which Pillow would cut off at 255
            raise InvalidInput.of(_named(path), received=f"mode {image.mode}", accepted="8 bits a channel")
        if "A" not in image.getbands() and "transparency" not in image.info:
            return np.asarray(image.convert("RGB"), np.float32) / 255
        rgba = np.asarray(image.convert("RGBA"), np.float32) / 255
        return rgba[..., :3] * rgba[..., 3:]


def read_gray(path: Path, size: Size) -> NDArray[np.float32]:
    """[H, W] in [0, 1] of one channel of 8 or 16 bits: a mask, or an inverse depth up to its scale.

    Raises InvalidInput: not an image, of another size, or coloured; the pixels are cut off or damaged.
    """
    with _opened(path, size) as image:
        if image.mode not in ("L", "1", "I;16", "I;16B", "I;16L", "I"):
            raise InvalidInput.of(_named(path), received=f"mode {image.mode}", accepted="one channel of 8 or 16 bits")
        wide = image.mode.startswith("I")
        return np.asarray(image if wide else image.convert("L"), np.float32) / np.float32(65535 if wide else 255)


def _named(path: Path) -> str:
    """An image by its folder too: photographs, clean images and depths have the same names."""
    return f"{path.parent.name}/{path.name}"


@contextmanager
def _opened(path: Path, size: Size | None = None) -> Iterator[Image.Image]:
    try:
        with Image.open(path, formats=FORMATS) as image:
            if size is not None and image.size != tuple(size):
                received, accepted = "×".join(map(str, image.size)), "×".join(map(str, size))
                raise InvalidInput.of(
                    _named(path), received=f"{received} pixels", accepted=f"{accepted}, as the cameras say"
                )
            yield image
    except (UnidentifiedImageError, FileNotFoundError, IsADirectoryError, Image.DecompressionBombError) as error:
        there = "something else, or one of too many pixels" if path.is_file() else "no such file"
        raise InvalidInput.of(_named(path), received=there, accepted=f"an image: {', '.join(FORMATS)}") from error
    except (OSError, SyntaxError, ValueError) as error:  # whatever Pillow's decoders say of damaged files
        raise InvalidInput.of(
            _named(path), received="the image is cut off or damaged", accepted="a whole file"
        ) from error
