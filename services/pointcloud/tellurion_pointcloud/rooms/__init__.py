"""Rooms composed of furniture, as RGB-D cameras see them, with the exact boxes of what stands in them."""

from tellurion_pointcloud.rooms.arrangement import Arrangement, Placed, arranged
from tellurion_pointcloud.rooms.folder import Rooms, write
from tellurion_pointcloud.rooms.pieces import CLASSES, Piece, pieces
from tellurion_pointcloud.rooms.seen import Room, room

__all__ = ["CLASSES", "Arrangement", "Piece", "Placed", "Room", "Rooms", "arranged", "pieces", "room", "write"]
