"""Photographs, masks and depth maps of a scene, read one at a time once their size is known to fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from tellurion_core.errors import DataCorrupted, InvalidInput

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

    Raises:
        InvalidInput: not an image, of another size, or of more than 8 bits a channel.
        DataCorrupted: the pixels are cut off or damaged.
    """
    with _opened(path, size) as image:
        if image.mode.startswith(("I", "F")):  # which Pillow would cut off at 255
            raise InvalidInput.of(path.name, received=f"mode {image.mode}", accepted="8 bits a channel")
        if "A" not in image.getbands() and "transparency" not in image.info:
            return np.asarray(image.convert("RGB"), np.float32) / 255
        rgba = np.asarray(image.convert("RGBA"), np.float32) / 255
        return rgba[..., :3] * rgba[..., 3:]


def read_gray(path: Path, size: Size) -> NDArray[np.float32]:
    """[H, W] in [0, 1] of one channel of 8 or 16 bits: a mask, or an inverse depth up to its scale.

    Raises:
        InvalidInput: not an image, of another size, or coloured.
        DataCorrupted: the pixels are cut off or damaged.
    """
    with _opened(path, size) as image:
        if image.mode not in ("L", "1", "I;16", "I;16B", "I;16L", "I"):
            raise InvalidInput.of(path.name, received=f"mode {image.mode}", accepted="one channel of 8 or 16 bits")
        wide = image.mode.startswith("I")
        return np.asarray(image if wide else image.convert("L"), np.float32) / np.float32(65535 if wide else 255)


@contextmanager
def _opened(path: Path, size: Size | None = None) -> Iterator[Image.Image]:
    try:
        with Image.open(path, formats=FORMATS) as image:
            if size is not None and image.size != tuple(size):
                received, accepted = "×".join(map(str, image.size)), "×".join(map(str, size))
                raise InvalidInput.of(
                    path.name, received=f"{received} pixels", accepted=f"{accepted}, as the cameras say"
                )
            yield image
    except (UnidentifiedImageError, FileNotFoundError, IsADirectoryError, Image.DecompressionBombError) as error:
        accepted = f"an image: {', '.join(FORMATS)}"
        raise InvalidInput.of(path.name, received=type(error).__name__, accepted=accepted) from error
    except (OSError, SyntaxError, ValueError) as error:  # whatever Pillow's decoders say of damaged files
        raise DataCorrupted(f"{path.name}: the image is cut off or damaged") from error
