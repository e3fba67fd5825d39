"""Scenes as photographs with cameras: COLMAP's and nerfstudio's layouts."""

from tellurion_splatting.scenes.cameras import Cameras
from tellurion_splatting.scenes.folder import Scene, read_cameras, read_scene

__all__ = ["Cameras", "Scene", "read_cameras", "read_scene"]
