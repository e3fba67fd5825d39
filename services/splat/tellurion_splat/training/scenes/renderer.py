"""Mitsuba 3 in its scalar variant, and what its dictionaries say of our faces.

The scalar variant runs anywhere, needs no LLVM, and gives the same image whatever the number of threads.
"""

from __future__ import annotations

import os
from functools import cache
from types import ModuleType
from typing import Any

from tellurion_core.errors import Unavailable
from tellurion_splat.training.scenes.faces import Face

Description = dict[str, Any]
"""What `mitsuba.load_dict` takes."""
BLOCK = 8
"""Pixels a side of what a thread renders at a time; by default that depends on the threads, and the samples on it."""


@cache
def renderer() -> ModuleType:
    """The module. Raises Unavailable where it is not installed."""
    try:
        import mitsuba
    except ImportError:
        raise Unavailable("the scenes are rendered by mitsuba: install tellurion-splat[scenes]") from None
    mitsuba.set_variant("scalar_rgb")
    mitsuba.set_log_level(mitsuba.LogLevel.Error)  # it warns at every image whose samples it rounds up
    return mitsuba


def use_threads(count: int | None) -> None:
    """Render with that many threads; None is all cores. Raises Unavailable as `renderer`."""
    renderer()
    import drjit

    drjit.set_thread_count(os.cpu_count() if count is None else count)


def load(description: Description) -> Any:
    """The object that a dictionary describes."""
    # optimised scenes have their lamps in another order each time, and with it other samples
    return renderer().load_dict(description, optimize=False)


def paths(longest: int, shapes: Description) -> Any:
    """A scene of these shapes whose paths have at most `longest` edges."""
    return load({"type": "scene", "integrator": {"type": "path", "max_depth": longest, "block_size": BLOCK}} | shapes)


def shape(face: Face, bsdf: Description, radiance: Description | None = None) -> Description:
    """A face with its BSDF, which also emits if a radiance is given."""
    rectangle = {"type": "rectangle", "to_world": renderer().ScalarTransform4f(face.to_world), "bsdf": bsdf}
    return rectangle if radiance is None else rectangle | {"emitter": {"type": "area", "radiance": radiance}}


def film(width: int, height: int) -> Description:
    """Linear RGB, each pixel the mean over its square."""
    return {
        "type": "hdrfilm",
        "width": width,
        "height": height,
        "pixel_format": "rgb",
        "component_format": "float32",
        "rfilter": {"type": "box"},
    }
