"""MMPT: an encoder of point clouds pre-trained by three tasks, none of which needs a label."""

from tellurion_pointcloud.mmpt.encoder import Encoded, Encoder
from tellurion_pointcloud.mmpt.model import Mmpt
from tellurion_pointcloud.mmpt.spec import FULL, SMALL, Spec

__all__ = ["FULL", "SMALL", "Encoded", "Encoder", "Mmpt", "Spec"]
