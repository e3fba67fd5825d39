"""3D Gaussian splatting: a rasteriser with gsplat's API, Gaussian files, scenes of cameras, and metrics.

Names are imported when they are first used: reading a file needs no compiler, and rendering no imaging library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tellurion_splatting.files.formats import encoded_gaussians, read_gaussians, write_gaussians
    from tellurion_splatting.gaussians import Gaussians, Reflection
    from tellurion_splatting.harmonics import spherical_harmonics
    from tellurion_splatting.metrics import lpips, psnr, ssim
    from tellurion_splatting.profiles import PROFILES, Profile
    from tellurion_splatting.rendering import SecondLayer, rasterization
    from tellurion_splatting.scenes.cameras import Cameras
    from tellurion_splatting.scenes.folder import Scene, read_scene

_MODULES = {
    "PROFILES": "profiles",
    "Cameras": "scenes.cameras",
    "Gaussians": "gaussians",
    "Profile": "profiles",
    "Reflection": "gaussians",
    "Scene": "scenes.folder",
    "SecondLayer": "rendering",
    "encoded_gaussians": "files.formats",
    "lpips": "metrics",
    "psnr": "metrics",
    "rasterization": "rendering",
    "read_gaussians": "files.formats",
    "read_scene": "scenes.folder",
    "spherical_harmonics": "harmonics",
    "ssim": "metrics",
    "write_gaussians": "files.formats",
}

__all__ = [
    "PROFILES",
    "Cameras",
    "Gaussians",
    "Profile",
    "Reflection",
    "Scene",
    "SecondLayer",
    "encoded_gaussians",
    "lpips",
    "psnr",
    "rasterization",
    "read_gaussians",
    "read_scene",
    "spherical_harmonics",
    "ssim",
    "write_gaussians",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
