"""Clouds of points from files: scans, meshes and arrays; those that are large as tiles."""

from tellurion_client.clouds.cloud import Cloud
from tellurion_client.clouds.reading import SUFFIXES, chunks, read_cloud
from tellurion_client.clouds.tiles import Tile, tiles

__all__ = ["SUFFIXES", "Cloud", "Tile", "chunks", "read_cloud", "tiles"]
