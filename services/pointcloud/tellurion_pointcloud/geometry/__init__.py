"""Geometry of clouds: samples, neighbours, groups, voxels and distances, the same whatever the order of the points."""

from tellurion_pointcloud.geometry.grid import Voxels, voxels
from tellurion_pointcloud.geometry.grouping import Patches, grouped, neighbours, within
from tellurion_pointcloud.geometry.sampling import farthest_points
from tellurion_pointcloud.geometry.tree import Chamfer, chamfer, nearest

__all__ = [
    "Chamfer",
    "Patches",
    "Voxels",
    "chamfer",
    "farthest_points",
    "grouped",
    "nearest",
    "neighbours",
    "voxels",
    "within",
]
