"""Inverse depth as an image of 16 bits, as folders of scenes hold it (`tellurion_splatting.scenes.folder`)."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def inverse_depth_png(inverse_depth: NDArray[np.floating]) -> bytes:
    """[H, W] in units of 1/near, cut to 0 … 1, as a PNG."""
    file = BytesIO()
    Image.fromarray(np.rint(np.clip(inverse_depth, 0, 1) * 65535).astype(np.uint16)).save(file, "PNG")
    return file.getvalue()
