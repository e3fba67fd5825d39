"""Gaussian2Scene: an encoder of scenes pre-trained on points, views of them, and Gaussians."""

from tellurion_pointcloud.gaussian2scene.frames import Frame
from tellurion_pointcloud.gaussian2scene.model import Gaussian2Scene
from tellurion_pointcloud.gaussian2scene.spec import FULL, SMALL, Spec

__all__ = ["FULL", "SMALL", "Frame", "Gaussian2Scene", "Spec"]
