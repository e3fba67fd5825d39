"""Small pictures of a data set's images, within the bytes and the work that a page may take."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from tellurion_benchmark.media import FORMATS

SIDE = 240
"""Longest side, pixels."""
MOST_PIXELS = 250_000_000
"""Decoded for one page: some seconds of work."""
MOST_BYTES = 8 << 20
"""Of all thumbnails of a page."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture."""

    url: str
    """`data:` and the picture in it."""
    width: int
    height: int


class Thumbnails:
    """Makes them as long as the page has room for them."""

    def __init__(self) -> None:
        self._pixels = MOST_PIXELS
        self._bytes = MOST_BYTES

    def of(self, path: Path) -> Thumbnail | None:
        """A thumbnail of an image that was looked at before; None where the page has no room, or it cannot be read."""
        try:
            with Image.open(path, formats=FORMATS) as image:
                image.draft("RGB", (SIDE, SIDE))  # of a JPEG only the blocks that are needed
                self._pixels -= image.width * image.height
                if self._pixels < 0 or self._bytes < 0:
                    return None
                image.thumbnail((SIDE, SIDE))
                small, file = image.convert("RGB"), io.BytesIO()
        except Exception:  # noqa: BLE001 -- decoders raise whatever their bytes lead them to
            return None
        small.save(file, "JPEG", quality=75)
        self._bytes -= file.tell()
        return Thumbnail(
            f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}", small.width, small.height
        )
