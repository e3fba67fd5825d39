"""Rendered components as files: pictures for people, and floating-point images for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO

import numpy as np
import OpenEXR
from numpy.typing import NDArray
from PIL import Image

Frame = NDArray[np.float32]
"""A component of a view: [H, W, 3] colour or normals, [H, W] depth or weight."""

COLOURS = ("all", "transmitted", "reflected")
"""Components that are light."""
COMPONENTS = (*COLOURS, "depth", "weight", "normal")
CHANNELS: Mapping[str, str | tuple[str, ...]] = {
    **dict.fromkeys(COLOURS, ("R", "G", "B")),
    "depth": "Z",
    "weight": "Y",
    "normal": ("NX", "NY", "NZ"),
}
"""Names in OpenEXR files, by the component."""
COMPRESSION_LEVEL = 4
"""Of PNG: 6, the usual one, takes twice as long for a few per cent."""


def png(frame: Frame, component: str) -> bytes:
    """An image of 8 bits a channel: light and weights clipped to 0 … 1, and pictures of depth and normals.

    Of depth it is 1/z over its largest value: white is nearest, black where nothing is; of normals (n + 1)/2.
    """
    file = BytesIO()
    levels = np.rint(np.clip(_picture(frame, component), 0, 1) * 255).astype(np.uint8)
    Image.fromarray(levels).save(file, "PNG", compress_level=COMPRESSION_LEVEL)
    return file.getvalue()


def exr(frame: Frame, component: str) -> bytes:
    """OpenEXR of 32-bit floats, one part of scan lines under ZIP compression."""
    names = CHANNELS[component]
    channels = {names: frame} if isinstance(names, str) else dict(zip(names, np.moveaxis(frame, -1, 0), strict=True))
    file = BytesIO()
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, {name: np.ascontiguousarray(channel) for name, channel in channels.items()}).write(file)
    return file.getvalue()


def npy(frame: Frame, component: str) -> bytes:
    """NumPy's own format."""
    file = BytesIO()
    np.save(file, np.asarray(frame, np.float32, order="C"), allow_pickle=False)
    return file.getvalue()


ENCODERS: Mapping[str, Callable[[Frame, str], bytes]] = {"png": png, "exr": exr, "npy": npy}
"""From a component's array and its name to the bytes of a file, by the suffix of that."""


def _picture(frame: Frame, component: str) -> Frame:
    if component == "normal":
        return (frame + 1) / 2
    if component == "depth":
        inverse = np.divide(1, frame, out=np.zeros_like(frame), where=frame > 0)
        return inverse / max(float(inverse.max(initial=0)), np.finfo(np.float32).tiny)
    return frame
